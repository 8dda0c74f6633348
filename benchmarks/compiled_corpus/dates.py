"""Dates and times."""

import datetime

from pyspark.sql import functions as F

from benchmarks.compiled_corpus.case import case

KIND = "dates"
START = datetime.date(2000, 1, 1)


@case(KIND, "int", "day", 1, lambda d: F.year(d))
def year_of(day):
    return day.year


@case(KIND, "int", "maybe_day", 3, lambda d: F.year(d) * 100 + F.month(d))
def year_and_month(day):
    if day is None:
        return None
    return day.year * 100 + day.month


@case(KIND, "boolean", "day", 2, lambda d: F.weekday(d) >= 5)
def on_a_weekend(day):
    return day.weekday() >= 5


@case(KIND, "int", "day", 3, lambda d: F.quarter(d))
def quarter(day):
    return (day.month - 1) // 3 + 1


@case(KIND, "int", "day", 2, lambda d: F.datediff(d, F.lit(START)))
def days_since(day):
    return (day - START).days


@case(KIND, "string", "day", 1, lambda d: F.date_format(d, "yyyy-MM-dd"))
def as_iso(day):
    return day.isoformat()


@case(KIND, "string", "moment", 2, None)
def part_of_day(moment):
    hour = moment.hour
    if hour < 6:
        return "night"
    if hour < 12:
        return "morning"
    return "afternoon" if hour < 18 else "evening"
