"""Text cleaned, cut and looked into."""

import re

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case

KIND = "text"
SPACES = re.compile(r"\s+")


@case(KIND, "string", "text", 1, lambda s: F.upper(s))
def shout(s):
    return s.upper()


@case(KIND, "string", "maybe_text", 3, lambda s: F.lower(F.trim(s)))
def clean(s):
    if s is None:
        return None
    return s.strip().lower()


@case(KIND, "bigint", "text", 1, lambda s: F.length(s))
def length(s):
    return len(s)


@case(KIND, "string", "email", 4, None)
def domain(email):
    if not email or "@" not in email:
        return None
    return email.split("@")[1].lower()


@case(KIND, "string", "phone", 3, lambda s: F.regexp_replace(s, "[^0-9]", ""))
def digits_only(phone):
    if phone is None:
        return None
    return "".join(c for c in phone if c.isdigit())


@case(KIND, "string", "text", 2, lambda s: F.substring(s, 1, 3))
def first_three(s):
    return s[:3]


@case(KIND, "string", "digits", 2, None)
def masked(number):
    return "*" * (len(number) - 2) + number[-2:]


@case(KIND, "string", "text", 3, lambda s: F.regexp_replace(F.trim(s), " ", "_"))
def snake(s):
    return s.strip().replace(" ", "_").replace("-", "_").lower()


@case(KIND, "boolean", "text", 3, lambda s: F.lower(s).contains("beta"))
def mentions(s):
    lowered = s.lower()
    return any(word in lowered for word in ("beta", "gamma", "zeta"))


@case(KIND, "string", "text", 1, None)
def collapsed(s):
    return SPACES.sub(" ", s).strip()


@case(KIND, "string", "text", 2, None)
def title(s):
    return " ".join(word.capitalize() for word in s.split())


@case(KIND, "bigint", "text", 2, None)
def words(s):
    return len(s.split())


@case(KIND, "boolean", "path", 2, lambda s: s.startswith("alpha") | s.startswith("Beta"))
def starts_well(path):
    return path.startswith(("alpha", "Beta"))


@case(KIND, "string", "path", 2, lambda s: F.element_at(F.split(s, "/"), -1))
def last_part(path):
    return path.split("/")[-1]


@case(KIND, "string", "text", 4, None)
def initials(s):
    cleaned = s.strip()
    if len(cleaned) < 2:
        return cleaned
    return cleaned[0].upper() + cleaned[-1].lower()
