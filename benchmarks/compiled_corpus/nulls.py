"""Nulls, and values that stand for them."""

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case

KIND = "nulls"


@case(KIND, "bigint", "maybe_count", 1, lambda x: F.coalesce(x, F.lit(0)))
def or_zero(x):
    return 0 if x is None else x


@case(KIND, "string", "maybe_text", 1, lambda s: F.when(F.length(s) > 0, s).otherwise("unknown"))
def or_unknown(s):
    return s or "unknown"


@case(KIND, "double", "maybe_price", 2, lambda p: F.when(p < 0, None).otherwise(p * 2))
def twice_if_positive(p):
    if p is None or p < 0:
        return None
    return p * 2


@case(KIND, "boolean", "maybe_text", 3, lambda s: s.isNull() | (F.trim(s) == ""))
def is_blank(s):
    return s is None or s.strip() == ""


@case(KIND, "string", "maybe_text email state", 2, None)
def first_given(a, b, c):
    if a:
        return a
    if b:
        return b
    return c


@case(
    KIND,
    "string",
    "maybe_flag",
    2,
    lambda f: F.when(f.isNull(), "n/a").when(f, "yes").otherwise("no"),
)
def yes_or_no(flag):
    if flag is None:
        return "n/a"
    return "yes" if flag else "no"
