"""Look-ups in small dicts and sets."""

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case

KIND = "look-ups"
STATES = {"CA": "California", "NY": "New York", "TX": "Texas", "WA": "Washington"}
WEST = {"CA", "OR", "WA"}
FACTORS = {0: 1.0, 1: 0.95, 2: 0.9, 3: 0.8}


@case(
    KIND,
    "string",
    "state",
    1,
    lambda s: F.coalesce(
        *(F.when(s == key, value) for key, value in STATES.items()), F.lit("other")
    ),
)
def state_name(code):
    return STATES.get(code, "other")


@case(KIND, "boolean", "state", 1, lambda s: s.isin("CA", "OR", "WA"))
def in_the_west(code):
    return code in WEST


@case(KIND, "string", "state", 3, None)
def state_name_of_any_case(code):
    if code is None:
        return None
    return STATES.get(code.upper(), code)


@case(KIND, "double", "price count", 4, None)
def discounted(price, n):
    return price * FACTORS.get(min(n // 100, 3), 0.8)


@case(KIND, "string", "small", 2, None)
def weekday_name(n):
    return ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][n % 7]
