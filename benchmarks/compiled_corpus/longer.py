"""Functions of many operations, some by helpers."""

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case

KIND = "longer ones"
BRACKETS = ((10_000, 0.0), (30_000, 0.2), (60_000, 0.3))


def _clean(text):
    return text.strip().lower() if text else ""


def _share(part, whole):
    return part / whole if whole else 0.0


@case(KIND, "double", "price count small", 9, None)
def order_total(price, n, age):
    total = price * n
    if n > 100:
        total = total * 0.9
    elif n > 50:
        total = total * 0.95
    if age < 18 or age >= 65:
        total = total - total * 0.05
    return round(total, 2)


@case(KIND, "double", "count count count", 8, None)
def score(views, clicks, orders):
    return 0.2 * _share(clicks, views) + 0.5 * _share(orders, clicks) + 0.3 * _share(orders, views)


@case(KIND, "string", "maybe_text state", 8, None)
def full_key(name, state):
    cleaned = _clean(name)
    place = _clean(state)
    if not cleaned and not place:
        return None
    if not place:
        return cleaned
    return f"{place}/{cleaned.replace(' ', '-')}"


@case(KIND, "double", "number", 10, None)
def income_tax(income):
    tax = 0.0
    below = 0
    for limit, share in BRACKETS:
        if income <= limit:
            return tax + (income - below) * share
        tax += (limit - below) * share
        below = limit
    return tax + (income - below) * 0.4


@case(KIND, "string", "price maybe_count maybe_flag", 8, None)
def segment(spent, visits, member):
    if visits is None or visits == 0:
        return "new"
    average = spent / visits
    if member and average > 50:
        return "loyal"
    if average > 100 or spent > 4000:
        return "large"
    return "usual" if visits < 200 else "frequent"


@case(KIND, "bigint", "number number", 12, None)
def mixed(a, b):
    low, high = min(a, b), max(a, b)
    span = high - low
    middle = low + span // 2
    return abs(middle) % 1000 + (span % 17) * 3 - (1 if a > b else 0)


@case(
    KIND,
    "double",
    "price price rate",
    7,
    lambda a, b, r: F.when(a > b, (a - b) * r + b).otherwise((b - a) * r + a) / 2 + 1,
)
def blended(a, b, rate):
    if a > b:  # noqa: SIM108
        value = (a - b) * rate + b
    else:
        value = (b - a) * rate + a
    return value / 2 + 1


@case(KIND, "boolean", "email digits small", 9, None)
def is_valid(email, code, age):
    if not email or email.count("@") != 1:
        return False
    if not code.isdigit() or not 3 <= len(code) <= 5:
        return False
    return 18 <= age <= 99 and not email.startswith("@") and not email.endswith("@")
