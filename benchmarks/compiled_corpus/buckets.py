"""Comparisons, and which of some ranges a value is in."""

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case

KIND = "comparisons and buckets"
EDGES = ((18, "child"), (30, "young"), (50, "middle"), (70, "older"))


@case(KIND, "boolean", "number", 1, lambda x: x > 1000)
def is_large(x):
    return x > 1000


@case(KIND, "boolean", "small", 2, lambda x: (x >= 18) & (x < 65))
def of_working_age(age):
    return 18 <= age < 65


def _age_group(age):
    return (
        F.when(age < 18, "child")
        .when(age < 30, "young")
        .when(age < 50, "middle")
        .when(age < 70, "older")
        .otherwise("old")
    )


@case(KIND, "string", "small", 4, _age_group)
def age_group(age):
    if age < 18:
        return "child"
    elif age < 30:
        return "young"
    elif age < 50:
        return "middle"
    elif age < 70:
        return "older"
    else:
        return "old"


@case(KIND, "string", "small", 4, _age_group)
def age_group_of_edges(age):
    for edge, name in EDGES:
        if age < edge:
            return name
    return "old"


@case(
    KIND,
    "string",
    "price",
    3,
    lambda p: F.when(p > 1000, "high").otherwise(F.when(p > 100, "medium").otherwise("low")),
)
def tier(price):
    return "high" if price > 1000 else "medium" if price > 100 else "low"


@case(KIND, "int", "number", 3, lambda x: F.signum(x).cast("int"))
def sign(x):
    return 1 if x > 0 else -1 if x < 0 else 0


@case(KIND, "string", "small", 5, None)
def grade(score):
    grade = "F"
    if score >= 90:
        grade = "A"
    elif score >= 80:
        grade = "B"
    elif score >= 70:
        grade = "C"
    elif score >= 60:
        grade = "D"
    return grade


@case(KIND, "boolean", "price count flag", 4, lambda p, n, f: (p > 100) & ((n < 10) | f))
def needs_review(price, n, flagged):
    return price > 100 and (n < 10 or flagged)


@case(KIND, "string", "small", 3, None)
def fizz(n):
    match n % 15:
        case 0:
            return "FizzBuzz"
        case 3 | 6 | 9 | 12:
            return "Fizz"
        case 5 | 10:
            return "Buzz"
    return str(n)
