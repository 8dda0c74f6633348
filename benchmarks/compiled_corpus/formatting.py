"""Values to text, and text to values."""

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case


@case("formatting", "string", "state count", 2, lambda s, n: F.concat(s, F.lit("-"), n))
def key_of(state, n):
    return f"{state}-{n}"


@case("formatting", "string", "digits", 1, lambda s: F.lpad(s, 8, "0"))
def padded(digits):
    return digits.zfill(8)


@case("formatting", "string", "price", 1, None)
def dollars(price):
    return f"${price:.2f}"


@case("formatting", "string", "count", 1, lambda n: F.lpad(n.cast("string"), 6, "0"))
def numbered(n):
    return "{:06d}".format(n)  # noqa: UP032


@case("formatting", "string", "text count", 3, None)
def labelled(name, n):
    return "%s (%d)" % (name.strip(), n)  # noqa: UP031


@case("conversions", "bigint", "digits", 1, lambda s: s.cast("bigint"))
def as_int(digits):
    return int(digits)


@case("conversions", "bigint", "maybe_digits", 4, None)
def as_int_or_zero(s):
    if s is None or not s.isdigit():
        return 0
    return int(s)


@case("conversions", "string", "count", 1, lambda n: n.cast("string"))
def as_text(n):
    return str(n)


@case("conversions", "double", "pair", 3, None)
def value_of_pair(pair):
    _, value = pair.split(":")
    return float(value)


@case("conversions", "int", "flag", 1, lambda f: f.cast("int"))
def as_number(flag):
    return int(flag)
