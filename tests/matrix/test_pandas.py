"""Corners of functions of pandas that each version's own conversions and checks decide."""

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, GroupedData, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.harness import Parity, Rows
from matrix.cases import rows, seen

# See tests/conftest.py: one half on every other version.
ONE_IN = 2

DECLARED = "a bigint, b string"
ZONE = {"spark.sql.session.timeZone": "America/New_York"}
BY_POSITION = {"spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": "false"}

FRAMES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "right": lambda made: made,
    "other order": lambda made: made[["b", "a"]],
    "by position": lambda made: made.set_axis([0, 1], axis=1),
    "equal labels": lambda made: made.set_axis([0, 0], axis=1),
    "missing": lambda made: made[["a"]],
    "unexpected": lambda made: made.assign(c=1),
    "too many by position": lambda made: made.assign(c=1).set_axis([0, 1, 2], axis=1),
    "no rows": lambda made: made.head(0),
    "nothing": lambda made: pd.DataFrame(),
    "numbers with nulls": lambda made: made.assign(a=[1.0, None]),
    "fractions": lambda made: made.assign(a=[1.5, 2.0]),
    "text for numbers": lambda made: made.assign(a=["1", "x"]),
    "numbers for text": lambda made: made.assign(b=[1, 2]),
    "a list": lambda made: [1, 2],
    "a series": lambda made: made["a"],
}

SERIES: dict[str, Callable[[pd.Series], Any]] = {
    "too short": lambda n: n.head(1),
    "a list": lambda n: list(n),
    "a number": lambda n: 1,
    "text": lambda n: n.astype(str),
    "floats": lambda n: n * 0.5,
    "categories": lambda n: n.astype("category"),
    "nullable": lambda n: n.astype("Int64"),
}


@pytest.fixture
def parity(spark: SparkSession) -> Parity:
    return Parity(spark)


def framed(name: str) -> pd.DataFrame:
    return FRAMES[name](pd.DataFrame({"a": [1, 2], "b": ["x", None]}))


@pytest.mark.parametrize("name", FRAMES)
def test_frames(parity: Parity, name: str) -> None:
    make = framed  # By value, as a script's.

    def made(spark: SparkSession) -> DataFrame:
        return spark.range(0, 1, 1, 1).groupBy("id").applyInPandas(lambda _: make(name), DECLARED)

    parity.same(made, last_line_only=True)
    if name in ("right", "equal labels", "other order"):
        with parity.under(conf=BY_POSITION):
            parity.same(made, last_line_only=True)


@pytest.mark.parametrize("name", ["right", "missing", "unexpected", "nothing", "a list"])
def test_mapped_frames(parity: Parity, name: str) -> None:
    make = framed

    def function(frames: Iterator[pd.DataFrame]) -> Iterator[Any]:
        for _ in frames:
            yield make(name)

    def made(spark: SparkSession) -> DataFrame:
        return spark.range(0, 1, 1, 1).mapInPandas(function, DECLARED)

    parity.same(made, last_line_only=True)


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("declared", ["bigint", "string"])
def test_series(parity: Parity, name: str, declared: str) -> None:
    change = SERIES[name]

    def made(spark: SparkSession) -> DataFrame:
        function = F.pandas_udf(lambda n: change(n), declared, F.PandasUDFType.SCALAR)
        return spark.range(0, 3, 1, 1).select(function("id"))

    parity.same(made, last_line_only=True)


def test_clocks_that_change(parity: Parity) -> None:
    """Local times that there are twice, not at all, and beyond what zones are known for."""

    def shown(t: pd.Series) -> pd.Series:
        return pd.Series([seen(t)] + [None] * (len(t) - 1), dtype=object)

    def made(spark: SparkSession) -> DataFrame:
        text = F.pandas_udf(shown, "string", F.PandasUDFType.SCALAR)
        same = F.pandas_udf(lambda t: t, "timestamp", F.PandasUDFType.SCALAR)
        hours = spark.range(0, 1, 1, 1).selectExpr("explode(sequence(0, 23)) AS h")
        days = ("2024-03-10", "2024-11-03", "2070-07-01", "1900-01-01")
        times = [f"timestamp'{day} 00:00:00' + make_interval(0, 0, 0, 0, h)" for day in days]
        frame = hours.selectExpr(f"explode(array({', '.join(times)})) AS t")
        return frame.select(text("t"), same("t"))

    with parity.under(conf=ZONE):
        outcome = parity.same(made, last_line_only=True)
    assert isinstance(outcome, Rows), outcome


@pytest.mark.parametrize("kind", ["frame", "series", "values"])
def test_changed_inputs(parity: Parity, kind: str) -> None:
    """Whether a function may write to what it gets, and who sees it."""

    def change_frame(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, "n"] = 100
        frame["x"].values[0] = 7.0
        return pd.DataFrame({"text": [seen(frame)]})

    def change(n: pd.Series) -> pd.Series:
        if kind == "values":
            n.values[0] = 100
        else:
            n.iloc[0] = 100
        return n

    def made(spark: SparkSession) -> DataFrame:
        if kind == "frame":
            return rows(spark).groupBy("k").applyInPandas(change_frame, "text string")
        first = F.pandas_udf(change, "bigint", F.PandasUDFType.SCALAR)
        second = F.pandas_udf(lambda n: n, "bigint", F.PandasUDFType.SCALAR)
        return spark.range(0, 3, 1, 1).select(first("id"), second("id"))

    parity.same(made, last_line_only=True)


def test_nothing_to_aggregate(parity: Parity) -> None:
    def made(spark: SparkSession) -> DataFrame:
        count = F.pandas_udf(lambda n: len(n), "bigint", F.PandasUDFType.GROUPED_AGG)
        return spark.range(0, 0, 1, 1).agg(count("id"))

    parity.same(made, last_line_only=True)


@pytest.mark.parametrize("kind", ["applyInPandas", "cogroups", "applyInArrow"])
def test_functions_that_name_no_arguments(parity: Parity, kind: str) -> None:
    """Versions before 4.3 choose what to pass by the number of named arguments."""

    def made(spark: SparkSession) -> DataFrame:
        groups = rows(spark).groupBy("k")
        if kind == "cogroups":
            groups = groups.cogroup(rows(spark).groupBy("k"))
        apply = groups.applyInArrow if kind == "applyInArrow" else groups.applyInPandas
        if kind == "applyInArrow":
            return apply(lambda *given: pa.table({"count": [len(given)]}), "count bigint")
        return apply(lambda *given: pd.DataFrame({"count": [len(given)]}), "count bigint")

    if kind == "applyInArrow" and not hasattr(GroupedData, "applyInArrow"):
        pytest.skip("it is there from 4.0 on")
    parity.same(made, last_line_only=True)
