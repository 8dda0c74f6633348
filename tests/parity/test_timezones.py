"""Timestamps under several time zones of the worker and of the session."""

import datetime
import uuid
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import expr, udf

from hydrofoil.tools.parity.engines import use_environment
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe

# See tests/conftest.py.
ONE_IN = 4

# Half-hour DST, no DST, DST across midnight, a calendar day left out, minutes in the offset.
WORKER_ZONES = [
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Europe/Dublin",
    "UTC",
]
SECOND = 1_000_000
HOUR = 3600 * SECOND

# Seconds since the epoch around which some zone above changes its offset.
CHANGES = [
    1710054000, 1730613600,  # New York 2024
    1712415600, 1728142200,  # Lord Howe 2024
    1325239200,  # Apia skips 30 December 2011
    1711846800, 1729990800,  # Dublin 2024
    504901800,  # Kathmandu 1986
    -2717650800,  # New York leaves local mean time, 1883
    -1680454800,  # Dublin 1916
    -37310400,  # 1968
]  # fmt: skip

MICROS = sorted(
    {
        change * SECOND + offset
        for change in CHANGES
        for offset in (-HOUR, -HOUR // 2, -1, 0, 1, HOUR // 2, HOUR - 1, HOUR, 2 * HOUR)
    }
    | {0, -1, -SECOND, 999_999, -(2**31) * SECOND, (2**31) * SECOND, 16725225600 * SECOND}
    | {-62135596800 * SECOND + 96 * HOUR, 253402300799 * SECOND - 96 * HOUR}
)


def instants(spark: SparkSession) -> DataFrame:
    """A column ``t`` of timestamps, one for each of ``MICROS``."""
    made = f"timestamp_micros(element_at(array({', '.join(f'{m}L' for m in MICROS)}), id + 1))"
    return (
        numbers(spark, len(MICROS))
        .select(expr("CAST(id AS INT) AS id"))
        .select("id", expr(made).alias("t"))
    )


def micros(column: str) -> str:
    return f"unix_micros({column}) AS {column}"


@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])
@pytest.mark.parametrize("zone", WORKER_ZONES)
def test_instants(parity: Parity, arrow: bool, zone: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        seen = udf(describe, "string", useArrow=arrow)
        back = udf(lambda t: t, "timestamp", useArrow=arrow)
        unfolded = udf(lambda t: t.replace(fold=0), "timestamp", useArrow=arrow)
        folded = udf(lambda t: t.replace(fold=1), "timestamp", useArrow=arrow)
        nested = udf(lambda ts: describe(ts), "string", useArrow=arrow)
        frame = instants(spark)
        return frame.select(
            seen("t").alias("seen"),
            back("t").alias("back"),
            unfolded("t").alias("unfolded"),
            folded("t").alias("folded"),
            nested(expr("named_struct('a', array(t, NULL), 'm', map(t, t))")).alias("nested"),
        ).selectExpr("seen", "nested", *map(micros, ("back", "unfolded", "folded")))

    with parity.under(environment={"TZ": zone}):
        parity.same_rows(build)


def results() -> list[datetime.datetime]:
    """Naive results in gaps and folds, and aware ones of other zones."""
    naive = [
        datetime.datetime(2024, 3, 10, 2, 30),  # New York's gap
        datetime.datetime(2024, 11, 3, 1, 30),  # New York's fold
        datetime.datetime(2024, 10, 6, 2, 15),  # Lord Howe's gap
        datetime.datetime(2024, 4, 7, 1, 45),  # Lord Howe's fold
        datetime.datetime(2011, 12, 30, 12),  # Apia's missing day
        datetime.datetime(2024, 10, 27, 1, 30, 0, 1),  # Dublin's fold
        datetime.datetime(1883, 11, 18, 12, 1),
        datetime.datetime(1900, 1, 1),
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
        datetime.datetime(2, 1, 1),
        datetime.datetime(9999, 12, 30, 23, 59, 59, 999999),
        datetime.datetime(2500, 7, 1, 0, 0, 0, 123456),
    ]
    zones = [
        datetime.timezone.utc,
        ZoneInfo("Asia/Kolkata"),
        ZoneInfo("America/New_York"),
        datetime.timezone(datetime.timedelta(hours=-23, minutes=-59, seconds=-59)),
        datetime.timezone(datetime.timedelta(microseconds=1)),
    ]
    folded = [value.replace(fold=1) for value in naive]
    aware = [value.replace(tzinfo=zone) for value in naive + folded for zone in zones]
    return naive + folded + aware


@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])
@pytest.mark.parametrize("zone", WORKER_ZONES)
def test_results(parity: Parity, arrow: bool, zone: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        values = results()
        made = udf(lambda i: values[i], "timestamp", useArrow=arrow)
        listed = udf(lambda i: [values[i], None], "array<timestamp>", useArrow=arrow)
        frame = numbers(spark, len(values)).select(
            made("id").alias("made"), listed("id").alias("listed")
        )
        return frame.selectExpr(micros("made"), "unix_micros(listed[0]) AS listed")

    with parity.under(environment={"TZ": zone}):
        parity.same_rows(build)


@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata"])
def test_session_zones(parity: Parity, arrow: bool, zone: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        seen = udf(describe, "string", useArrow=arrow)
        back = udf(lambda t: t, "timestamp", useArrow=arrow)
        frame = instants(spark).selectExpr(
            "t", "CAST(t AS STRING) AS s", "CAST(t AS TIMESTAMP_NTZ) AS n", "CAST(t AS DATE) AS d"
        )
        return frame.select(
            *[seen(name).alias(name) for name in frame.columns], back("t").alias("back")
        ).selectExpr("t", "s", "n", "d", "CAST(back AS STRING) AS back")

    with parity.under(conf={"spark.sql.session.timeZone": zone}):
        parity.same_rows(build)


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime.min,
        datetime.datetime.max,
        datetime.datetime.min.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=5))),
        datetime.datetime.max.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=-5))),
    ],
    ids=["min", "max", "aware_min", "aware_max"],
)
@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu"])
def test_results_out_of_range(
    parity: Parity, arrow: bool, zone: str, value: datetime.datetime
) -> None:
    def build(spark: SparkSession) -> DataFrame:
        made = udf(lambda i: value, "timestamp", useArrow=arrow)
        return numbers(spark, 1).select(made("id").alias("made")).selectExpr(micros("made"))

    with parity.under(environment={"TZ": zone}):
        parity.same(build)


@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])
def test_function_changes_the_zone(parity: Parity, arrow: bool) -> None:
    """Stock asks for the local zone with each value, so ``time.tzset`` in a function counts."""

    def moved(t: datetime.datetime) -> str:
        import os
        import time

        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        return describe(t)

    def build(spark: SparkSession) -> DataFrame:
        # Workers of their own: no other query may get one whose zone has been changed.
        alone = {"TZ": "Europe/Paris", "PARITY_WORKERS": uuid.uuid4().hex}
        with use_environment(spark, alone):
            back = udf(lambda t: t, "timestamp", useArrow=arrow)
            frame = numbers(spark, 25).selectExpr("timestamp_micros(id * 3600000000) AS t")
            return frame.select(
                udf(moved, "string", useArrow=arrow)("t").alias("seen"), back("t").alias("back")
            ).selectExpr("seen", micros("back"))

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "10"}):
        parity.same_rows(build)
