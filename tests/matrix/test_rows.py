"""``rows="arrow"``: what the pickled path gives, on Arrow's transport, on every version."""

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, _parse_datatype_string

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.settings.rows import ARROW_KEY, VARIABLE
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    use_conf,
    use_engine,
    use_environment,
)
from hydrofoil.tools.parity.harness import Outcome, Raised, Rows, difference, outcome_of
from hydrofoil.tools.parity.probes import describe
from hydrofoil.values.pickle_rules.java import NotForJava
from hydrofoil.values.pickle_rules.results import ResultRules
from matrix.returned import TYPES, VALUES

# See tests/conftest.py: three versions share the cases out.
ONE_IN = 3

Build = Callable[[SparkSession], DataFrame]


@contextmanager
def pickled(spark: SparkSession) -> Iterator[None]:
    """Stock's pickled path."""
    with use_engine(spark, WARM_STOCK), use_conf(spark, {ARROW_KEY: "false"}):
        yield


@contextmanager
def arrow(spark: SparkSession) -> Iterator[None]:
    """Hydrofoil's Arrow path by the pickled path's rules."""
    with (
        use_engine(spark, HYDROFOIL),
        use_conf(spark, {ARROW_KEY: "true"}),
        use_environment(spark, {VARIABLE: "arrow"}),
    ):
        yield


def same(spark: SparkSession, build: Build) -> Outcome:
    with pickled(spark):
        expected = outcome_of(spark, build)
    with arrow(spark):
        actual = outcome_of(spark, build)
    report = difference(expected, actual, last_line_only=True)
    assert report is None, report
    return expected


def same_rows(spark: SparkSession, build: Build) -> Rows:
    outcome = same(spark, build)
    assert isinstance(outcome, Rows), outcome
    return outcome


def both_raise(spark: SparkSession, build: Build) -> None:
    with pickled(spark):
        assert isinstance(outcome_of(spark, build), Raised)
    with arrow(spark):
        assert isinstance(outcome_of(spark, build), Raised)


def on_arrow(spark: SparkSession, build: Build) -> bool:
    with arrow(spark):
        plan = build(spark)._jdf.queryExecution().executedPlan().toString()
    return "ArrowEvalPython" in plan


# --- Results --------------------------------------------------------------------------------------


def fails(spark_type: DataType, value: Any) -> bool:
    """Whether Hydrofoil raises for this result."""
    rules = ResultRules(spark_type)
    try:
        rules.converted(rules.internal(value))
    except Exception:
        return True
    return False


def by_address(declared: str, value: Any) -> bool:
    """Whether Java's text has an address."""
    if declared not in ("string", "array<string>"):
        return False
    if isinstance(value, list):
        return any(by_address("string", item) for item in value)
    return declared == "string" and isinstance(value, (bytes, bytearray, tuple))


@pytest.mark.parametrize("declared", TYPES)
def test_any_result(spark: SparkSession, declared: str) -> None:
    spark_type = _parse_datatype_string(declared)
    values = [
        value
        for value in VALUES.values()
        if not fails(spark_type, value) and not by_address(declared, value)
    ]
    assert len(values) >= 3

    def build(spark: SparkSession) -> DataFrame:
        function = F.udf(lambda i: values[i], declared)
        made = spark.range(0, len(values), 1, 1).select(function("id").alias("it"))
        return made.select(F.map_entries("it")) if declared.startswith("map") else made

    assert on_arrow(spark, build)
    same_rows(spark, build)


@pytest.mark.parametrize(
    ("declared", "returned"),
    [
        ("bigint", "a defaultdict"),
        ("string", "a defaultdict"),
        ("decimal(10,2)", "Decimal('123456789012.5')"),
        ("date", "'é1'"),
        ("timestamp", "1"),
        ("struct<a:int,b:string>", "1"),
        ("struct<a:int,b:string>", "[1, 'a', 2.5]"),
        ("int", "Decimal('Infinity')"),
        ("int", "a datetime in UTC"),
    ],
)
def test_results_that_fail_on_both_paths(spark: SparkSession, declared: str, returned: str) -> None:
    value = VALUES[returned]
    both_raise(spark, lambda spark: spark.range(1).select(F.udf(lambda i: value, declared)("id")))


def test_numpy_results_fail_with_a_remedy(spark: SparkSession) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return spark.range(1).select(F.udf(lambda i: np.int64(i), "bigint")("id"))

    both_raise(spark, build)
    with arrow(spark):
        outcome = outcome_of(spark, build)
    assert isinstance(outcome, Raised) and "return value.tolist()" in outcome.message


@pytest.mark.parametrize("at_once", ["100", "7"])
def test_a_result_that_goes_on_changing(spark: SparkSession, at_once: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        seen: list[int] = []

        def collect(i: int) -> list[int]:
            seen.append(i)
            return seen

        lengths = F.size(F.udf(collect, "array<int>")("id"))
        return spark.range(0, 250, 1, 1).select(lengths)

    # From Spark 4.1 on the setting counts, which only Hydrofoil's operators give to such workers.
    setting = {"spark.sql.execution.python.udf.maxRecordsPerBatch": at_once, ENABLED_KEY: "true"}
    with use_conf(spark, setting):
        same_rows(spark, build)


LAST_HOUR = datetime.datetime(9999, 12, 31, 23, 30)

# A result that the encoder takes, and one that is converted without it, in one batch.
MIXED = {
    "struct<t:timestamp,s:string>": [(datetime.datetime(2024, 1, 2), "a"), (LAST_HOUR, "b")],
    "array<struct<t:timestamp,i:int>>": [
        [(datetime.datetime(2024, 1, 2), 1)],
        [(LAST_HOUR, 2), None],
    ],
    "interval day to second": [
        datetime.timedelta(1),
        datetime.timedelta(days=-106751991, hours=-4),
    ],
    "map<interval day to second,int>": [
        {datetime.timedelta(1): 1},
        {datetime.timedelta.max: None, datetime.timedelta(2): 2},
    ],
}


def test_results_beyond_the_encoders_after_others(spark: SparkSession) -> None:
    def build(spark: SparkSession) -> DataFrame:
        made = [
            F.udf(lambda i, values=values: values[i], declared)("id").alias(declared)
            for declared, values in MIXED.items()
        ]
        texts = [f"CAST(`{declared}` AS STRING)" for declared in MIXED if "map" not in declared]
        return spark.range(0, 2, 1, 1).select(*made).selectExpr(*texts)

    with use_environment(spark, {"TZ": "America/New_York"}):
        same_rows(spark, build)


def test_several_functions_with_odd_results(spark: SparkSession) -> None:
    def build(spark: SparkSession) -> DataFrame:
        number = F.udf(lambda i: i if i % 3 else "x", "int")
        text = F.udf(lambda i: i / 2 if i and i % 5 else None, "string")
        clock = F.udf(lambda i: datetime.datetime(2024, 3, 31, 2, i % 60), "timestamp")
        mapped = F.udf(lambda i: {str(i): i, "b": i}, "map<string,bigint>")
        return spark.range(0, 300, 1, 2).select(
            number("id"), text("id"), clock("id"), mapped("id"), mapped(number("id"))
        )

    with use_environment(spark, {"TZ": "Europe/Berlin"}):
        same_rows(spark, build)


def test_an_error_of_the_function(spark: SparkSession) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return spark.range(0, 10, 1, 1).select(F.udf(lambda i: 1 // (i - 5), "bigint")("id"))

    outcome = same(spark, build)
    assert isinstance(outcome, Raised) and "ZeroDivisionError" in outcome.message


TIMES = (
    "2024-03-31 00:59:59.999999",
    "2024-03-31 01:00:00",
    "1883-11-18 12:00:00",
    "0002-01-01 00:00:00",
    "9998-12-31 23:59:59.999999",
)
# In Berlin it is half past two at both. What a naive result means then, libc decides by the result
# that it converted before.
TWICE = ("2024-10-27 00:30:00.000001", "2024-10-27 01:30:00.000001")


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
)
def test_timestamps_in_the_workers_zone(spark: SparkSession, zone: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        times = ", ".join(f"timestamp'{at} UTC'" for at in TIMES + TWICE)
        frame = spark.range(1).selectExpr(f"explode(array({times}, NULL)) AS t")
        twice = [F.to_timestamp(F.lit(f"{at} UTC")) for at in TWICE]
        once = F.when(~F.col("t").isin(twice), F.col("t"))
        return frame.select(
            F.udf(describe, "string")("t"),
            F.udf(lambda t: t, "timestamp")(once),
            F.udf(lambda t: [t], "array<timestamp>")(once),
            F.udf(
                lambda t: None if t is None else t.astimezone(datetime.timezone.utc), "timestamp"
            )("t"),
        )

    with use_environment(spark, {"TZ": zone}):
        same_rows(spark, build)


def test_a_function_that_changes_the_zone(spark: SparkSession) -> None:
    def build(spark: SparkSession) -> DataFrame:
        def at(i: int) -> datetime.datetime:
            if i == 3:
                import os

                os.environ["TZ"] = "Asia/Tokyo"
                time.tzset()
            return datetime.datetime(2024, 1, 1, i)

        return spark.range(0, 6, 1, 1).select(F.udf(at, "timestamp")("id"))

    with use_environment(spark, {"TZ": "Europe/Berlin", "ONE": "use"}):
        same_rows(spark, build)


# --- Arguments ------------------------------------------------------------------------------------

ARGUMENTS = {
    "boolean": "id = 1",
    "byte": "CAST(id AS TINYINT)",
    "float": "CAST(id / 3 AS FLOAT)",
    "double": "IF(id = 2, double('nan'), id / 3)",
    "decimal": "CAST(id / 8 AS DECIMAL(10, 3))",
    "small decimal": "CAST(id / 1e9 AS DECIMAL(38, 18))",
    "string": "concat('é', id)",
    "not UTF-8": "CAST(X'61FF62' AS STRING)",
    "binary": "CAST(concat('b', id) AS BINARY)",
    "date": "date_add(date'1969-12-30', CAST(id AS INT))",
    "timestamp_ntz": "timestamp_ntz'1969-12-31 23:59:59.999999'",
    "interval": "make_dt_interval(0, 0, CAST(id AS INT), 0.000001)",
    "array": "array(id, NULL, id + 1)",
    "array of binary": "array(X'00', NULL)",
    "array of dates": "array(date'2024-01-01', NULL)",
    "map": "map('zeta', id, 'alpha', 2, 'mid', NULL, 'q', 4)",
    "map of integers": "map(7919, 'a', 15838, 'b', 3, 'c')",
    "map of structs": "map('a', named_struct('t', timestamp'2024-01-01 00:00:00'))",
    "struct": "named_struct('p', id, 'q', CAST(id AS STRING))",
    "struct of all": "named_struct('d', date'2024-01-01', 'b', X'01', 's', named_struct('x', 1D))",
    "array of structs": "array(named_struct('p', id), NULL)",
    "null": "NULL",
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_any_argument(spark: SparkSession, kind: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = spark.range(0, 5, 1, 1).selectExpr(f"IF(id = 3, NULL, {ARGUMENTS[kind]}) AS it")
        seen = F.udf(describe, "string")
        both = F.udf(lambda it, other=None: f"{it is other} {describe(it)}", "string")
        return frame.select(seen("it"), both("it", "it"))

    same_rows(spark, build)


def test_a_row_argument_is_a_row(spark: SparkSession) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = spark.range(3).selectExpr("named_struct('p', id, 'q', array(id)) AS r")
        return frame.select(F.udf(lambda r: f"{type(r) is Row} {r!r} {r.p} {r.asDict()}")("r"))

    same_rows(spark, build)


def test_a_date_that_python_has_not(spark: SparkSession) -> None:
    both_raise(
        spark,
        lambda spark: spark.range(1).select(
            F.udf(lambda d: 1, "int")(F.expr("date_add(date'9999-12-31', 1)"))
        ),
    )


# --- Properties -----------------------------------------------------------------------------------

_texts = st.text(max_size=6)
_plain = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(width=32), _texts, st.binary(max_size=4)
)
_numbers = st.one_of(st.none(), st.integers(-(2**65), 2**65), st.floats(), _texts)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    values=st.lists(
        st.one_of(
            _plain, st.lists(_plain, max_size=3), st.dictionaries(_texts, _plain, max_size=20)
        ),
        min_size=1,
        max_size=20,
    ),
    declared=st.sampled_from(
        ["bigint", "int", "double", "binary", "array<bigint>", "map<string,bigint>"]
    ),
)
def test_random_results(spark: SparkSession, values: list[Any], declared: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        function = F.udf(lambda i: values[i], declared)
        made = spark.range(0, len(values), 1, 1).select(function("id").alias("it"))
        return made.select(F.map_entries("it")) if declared.startswith("map") else made

    same_rows(spark, build)


def test_rules_say_what_is_wrong() -> None:
    rules = ResultRules(_parse_datatype_string("bigint"))
    with pytest.raises(NotForJava, match=r"numpy\.float64 in the JVM; return value\.tolist\(\)"):
        rules.converted(rules.internal(np.float64(1)))
