"""Numbers to numbers."""

import math

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case

KIND = "arithmetic"
TAX = 0.19
SECONDS_A_DAY = 24 * 60 * 60


@case(KIND, "bigint", "number", 1, lambda x: x + 1)
def add_one(x):
    return x + 1


@case(KIND, "double", "price rate", 2, lambda p, r: p * (1 + r))
def with_rate(price, rate):
    return price * (1 + rate)


@case(KIND, "double", "price", 3, lambda p: F.round(p * (1 + F.lit(TAX)), 2))
def with_tax(price):
    return round(price * (1 + TAX), 2)


@case(KIND, "double", "degrees", 4, lambda f: (f - 32) * 5 / 9)
def fahrenheit_to_celsius(degrees):
    return (degrees - 32) * 5 / 9


@case(KIND, "bigint", "number", 2, lambda x: F.floor(x / SECONDS_A_DAY))
def days_of(seconds):
    return seconds // SECONDS_A_DAY


@case(KIND, "bigint", "number", 2, lambda x: F.pmod(x, F.lit(7)))
def shard(key):
    return key % 7


@case(KIND, "double", "price count", 2, lambda p, n: F.when(n == 0, 0.0).otherwise(p / n))
def per_item(total, n):
    return total / n if n else 0.0


@case(KIND, "double", "price price", 6, lambda x, y: F.sqrt(x * x + y * y))
def distance(x, y):
    return math.sqrt(x * x + y * y)


@case(KIND, "double", "price price", 5, None)
def change_in_percent(old, new):
    if old == 0:
        return None
    return round((new - old) / abs(old) * 100, 1)


@case(
    KIND, "double", "number", 3, lambda x: F.least(F.greatest(x / 1000.0, F.lit(0.0)), F.lit(1.0))
)
def clamp(x):
    return max(0.0, min(1.0, x / 1000.0))


@case(KIND, "double", "degrees degrees degrees degrees", 20, None)
def haversine(lat1, lon1, lat2, lon2):
    lat1, lon1, lat2, lon2 = map(math.radians, (lat1, lon1, lat2, lon2))
    a = math.sin((lat2 - lat1) / 2) ** 2
    a += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(a))


@case(KIND, "bigint", "number", 8, None)
def scramble(x):
    x = (x ^ (x >> 7)) & 0xFFFFFF
    x = (x * 31 + 17) % 16777213
    return x ^ (x << 3)
