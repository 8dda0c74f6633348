"""`hydrofoil.aggregate`: results, nulls, keys and what is shuffled, on both workers."""

import datetime
import decimal
import math
import threading
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas import functions

import hydrofoil
from benchmarks.aggregates import shuffled
from hydrofoil import Ragged
from hydrofoil.aggregates import Largest, Mean, Quantiles, Variance
from hydrofoil.decorators import groups
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import Engine, use_conf

# See tests/conftest.py.
ONE_IN = 4

mean = hydrofoil.aggregate(Mean)
variance = hydrofoil.aggregate(Variance)
quantiles = hydrofoil.aggregate(Quantiles(0, 0.5, 0.9, 1, accuracy=0.02))
largest = hydrofoil.aggregate(Largest(3))

STRUCTS_IN_GROUP_BY = hasattr(functions, "arrow_udf")


@dataclass
class Range:
    low: float
    high: float | None


@hydrofoil.aggregate
class Span:
    """The least and the greatest value of two columns together."""

    def init(self) -> Any:
        return [math.inf, -math.inf]

    def update(self, state: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
        return self.merge(state, [min(x.min(), y.min()), max(x.max(), y.max())])

    def merge(self, state: Any, other: Any) -> Any:
        return [min(state[0], other[0]), max(state[1], other[1])]

    def finish(self, state: Any) -> Range | None:
        return Range(*state) if state[0] <= state[1] else None


class Kept:
    """Everything that `update` was given, as text."""

    def init(self) -> Any:
        return []

    def update(self, state: Any, x: Any) -> Any:
        return [*state, repr(x).replace("\n", "")]

    def merge(self, state: Any, other: Any) -> Any:
        return state + other

    def finish(self, state: Any) -> str:
        return "; ".join(state)


def numbers(spark: SparkSession, rows: int = 4000) -> DataFrame:
    return spark.range(0, rows, 1, 3).selectExpr(
        "id % 7 as k", "nullif((id * 37) % 1009, 5) - 500D as x", "id * 1D as y"
    )


def test_against_exact_results(worker: Engine, spark: SparkSession) -> None:
    data = numbers(spark)
    found = hydrofoil.group_by(data, "k").agg(
        m=(mean, "x"),
        v=(variance, data.x),
        q=(quantiles, "x"),
        l=(largest, "x"),
        s=(Span, "x", "y"),
    )
    assert found.columns == ["k", "m", "v", "q", "l", "s"]
    frame = data.toPandas()
    rows = {row.k: row for row in found.collect()}
    assert len(rows) == 7
    for k, group in frame.groupby("k"):
        row, x = rows[k], group.x.dropna()
        assert row.m == pytest.approx(x.mean())
        assert row.v == pytest.approx(x.var())
        exact = np.quantile(x, [0, 0.5, 0.9, 1], method="lower")
        np.testing.assert_allclose(row.q, exact, rtol=0.02)
        assert row.l == sorted(x, reverse=True)[:3]
        both = group.dropna()[["x", "y"]]
        assert row.s == Row(low=both.min().min(), high=both.max().max())


def test_one_state_a_key_and_task_is_shuffled(worker: Engine, spark: SparkSession) -> None:
    found = hydrofoil.group_by(numbers(spark), "k").agg(m=(mean, "x"))
    records, _ = shuffled(found)
    assert records == 7 * 3


def test_states_are_passed_on_when_there_are_too_many() -> None:
    before = groups.MOST_GROUPS, groups.MOST_ROWS
    groups.MOST_GROUPS, groups.MOST_ROWS = 2, 3
    try:
        batches = pa.table({"k": [1, 2, 1, 1, 2, 3], "x": [1.0, 2, 3, 4, 5, 6]}).to_batches(3)
        call = mean.call.over([0])
        sent = list(groups.Partial(1, [call])(batches))
        assert [batch.column(0).to_pylist() for batch in sent] == [[1, 2], [1, 2, 3]]
        [done] = groups.Final(1, [call])(iter(sent))
    finally:
        groups.MOST_GROUPS, groups.MOST_ROWS = before
    assert done.to_pydict() == {"_0": [1, 2, 3], "_1": [8 / 3, 3.5, 6.0]}


KEYS = [
    "nullif(id % 3, 1)",
    "cast(id % 3 as tinyint)",
    "if(id % 2 = 0, null, concat('a', id % 3))",
    "cast(if(id % 2 = 0, '', 'b') as binary)",
    "id % 2 = 0",
    "cast(id % 3 as decimal(10, 2)) / 4",
    "date_add(date'2026-03-02', cast(id % 3 as int))",
    "timestamp_micros(id % 3)",
    "cast(timestamp_micros(id % 3) as timestamp_ntz)",
    "make_dt_interval(0, 0, 0, id % 3)",
    "element_at(array(0D, -0D, double('nan'), 1D, null), cast(id % 5 + 1 as int))",
    "element_at(array(0F, float('-0'), float('nan'), null), cast(id % 4 + 1 as int))",
]


@pytest.mark.parametrize("keys", [*([key] for key in KEYS), KEYS], ids=[*KEYS, "all"])
def test_keys_group_as_by_spark(worker: Engine, spark: SparkSession, keys: list[str]) -> None:
    named = [f"{key} as k{i}" for i, key in enumerate(keys)]
    data = spark.range(0, 120, 1, 2).selectExpr("id * 1D as x", *named)
    names = [f"k{i}" for i in range(len(keys))]
    ours = hydrofoil.group_by(data, *names).agg(m=(mean, "x"))
    theirs = data.groupBy(*names).agg(F.mean("x").alias("m"))
    assert [field.dataType for field in ours.schema] == [field.dataType for field in theirs.schema]
    assert sorted(map(repr, ours.collect())) == sorted(map(repr, theirs.collect()))


def test_keys_may_be_expressions_and_arguments(worker: Engine, spark: SparkSession) -> None:
    data = spark.range(6)
    found = hydrofoil.group_by(data, (data.id % 2).alias("odd"), F.lit("a")).agg(
        m=(mean, "id"), n=(mean, F.col("id") + 1)
    )
    assert found.columns == ["odd", "a", "m", "n"]
    assert sorted(found.collect()) == [(0, "a", 2.0, 3.0), (1, "a", 3.0, 4.0)]


def test_without_keys_there_is_one_row(worker: Engine, spark: SparkSession) -> None:
    data = numbers(spark)
    for rows, expected in ((data, 1999.5), (data.where("y < 0"), None), (data.limit(0), None)):
        found = hydrofoil.group_by(rows).agg(m=(mean, "y"))
        assert found.collect() == [Row(m=expected)]
    assert hydrofoil.group_by(data.limit(0), "k").agg(m=(mean, "y")).collect() == []


def test_as_columns(worker: Engine, spark: SparkSession) -> None:
    data = numbers(spark, 40)
    expected = hydrofoil.group_by(data, "k").agg(m=(mean, "x"), l=(largest, "x"))
    found = data.groupBy("k").agg(mean("x").alias("m"), largest(data.x).alias("l"))
    assert sorted(found.collect()) == sorted(expected.collect())
    spark.udf.register("middle", mean)
    data.createOrReplaceTempView("numbers")
    rows = spark.sql("select k, middle(x) as m from numbers group by k").collect()
    assert sorted(rows) == sorted(expected.select("k", "m").collect())
    if STRUCTS_IN_GROUP_BY:
        assert data.agg(Span("x", "y")).first()[0].high == 499.0  # type: ignore[index]
    else:
        with pytest.raises(UsageError, match="aggregates of this Spark can't"):
            Span("x", "y")


def test_nulls(worker: Engine, spark: SparkSession) -> None:
    data = spark.sql("select explode(array(1, null)) as x, array(1D, 2D) as a").coalesce(1)
    for nulls, expected in (
        ("skip", "array([1], dtype=int32)"),
        ("nan", "array([ 1., nan])"),
        ("mask", "array([False,  True])"),
    ):
        kept = hydrofoil.aggregate(Kept, nulls=nulls)
        assert expected in hydrofoil.group_by(data).agg(r=(kept, "x")).first().r
    kept = hydrofoil.aggregate(Kept, nulls="error")
    with pytest.raises(Exception, match=r"parameter 'x': row 1 of the batch is null"):
        hydrofoil.group_by(data).agg(r=(kept, "x")).collect()
    found = hydrofoil.group_by(data.where("x is null"), F.lit(1)).agg(
        m=(mean, "x"), v=(variance, "x"), q=(quantiles, "x"), l=(largest, "x")
    )
    assert found.first()[1:] == (None, None, None, [])


def test_arguments_of_all_shapes(worker: Engine, spark: SparkSession) -> None:
    class Shapes(Kept):
        def update(self, state: Any, s: Any, a: Any, r: Ragged, t: Any) -> Any:  # type: ignore[override]
            ends = zip(r.offsets[:-1], r.offsets[1:], strict=True)
            rows = [r.values[i:j].sum() for i, j in ends]
            return [*state, repr([s.tolist(), a.tolist(), rows, t["u"].tolist()])]

    data = spark.range(0, 6, 1, 1).selectExpr(
        "id % 2 as k",
        "cast(id as string) as s",
        "array(id, id + 1) as a",
        "slice(array(1L, 2L), 1, cast(id % 3 as int)) as r",
        "struct(id as u) as t",
    )
    found = hydrofoil.group_by(data, "k").agg(f=(hydrofoil.aggregate(Shapes), *"sart"))
    assert {row.k: row.f for row in found.collect()} == {
        k: repr(
            [
                [str(i) for i in ids],
                [[i, i + 1] for i in ids],
                [np.int64((0, 1, 3)[i % 3]) for i in ids],
                ids,
            ]
        )
        for k, ids in ((0, [0, 2, 4]), (1, [1, 3, 5]))
    }


def test_result_types(worker: Engine, spark: SparkSession) -> None:
    results: list[tuple[Any, str, Any]] = [
        (np.float32(1.5), "double", 1.5),
        (np.int64(3), "int", 3),
        (np.array([1, 2]), "array<bigint>", [1, 2]),
        ({"a": 1}, "map<string, int>", {"a": 1}),
        ({"b": 2.0, "a": 1}, "a int, b double", Row(a=1, b=2.0)),
        (decimal.Decimal("1.25"), "decimal(5, 2)", decimal.Decimal("1.25")),
        (datetime.date(2026, 3, 2), "date", datetime.date(2026, 3, 2)),
        (np.bool_(True), "boolean", True),
        (None, "string", None),
    ]
    data = spark.range(2)
    made = {}
    for i, (value, kind, _) in enumerate(results):

        class Constant(Kept):
            def finish(self, state: Any, value: Any = value) -> Any:
                return value

        made[f"r{i}"] = (hydrofoil.aggregate(Constant, kind), "id")
    assert tuple(hydrofoil.group_by(data).agg(**made).first()) == tuple(r[-1] for r in results)


def test_mistakes_in_a_query_are_named(worker: Engine, spark: SparkSession) -> None:
    class Lost(Kept):
        def update(self, state: Any, x: Any) -> Any:
            state.append(1)

    class Wrong(Kept):
        def finish(self, state: Any) -> Annotated[str, "int"]:
            return "three"

    for user, message in (
        (Lost, r"update\(\) of Lost returned None; return the state"),
        (Wrong, r"finish\(\) of Wrong returned can't become int32"),
    ):
        with pytest.raises(Exception, match=message):
            hydrofoil.group_by(spark.range(3)).agg(r=(hydrofoil.aggregate(user), "id")).collect()


def test_mistakes_are_named_at_once(spark: SparkSession) -> None:
    class Half:
        def init(self) -> int:
            return 0

    class Few(Kept):
        def update(self, state: Any) -> Any:  # type: ignore[override]
            return state

    class Untyped(Kept):
        def finish(self, state: Any):  # type: ignore[no-untyped-def]
            return ""

    class Locked(Kept):
        def __init__(self) -> None:
            self.lock = threading.Lock()

    for user, message in (
        (Half, r"Half has no method update\(\)"),
        (Few, r"update\(state.*\) -> .* of Few can't be called"),
        (Untyped, "Untyped has no return type"),
        (Locked, "it uses 'lock', a lock"),
        (Largest, r"Largest can't be made without arguments.*\n.*aggregate\(Largest\(...\)\)"),
    ):
        with pytest.raises(UsageError, match=message):
            hydrofoil.aggregate(user)
    data = numbers(spark)
    for name, make, message in (
        ("no data", lambda: hydrofoil.group_by([1], "k"), "needs a DataFrame"),
        ("key", lambda: hydrofoil.group_by(data, F.array("k")), "is array<bigint>, by which"),
        ("none", lambda: hydrofoil.group_by(data).agg(), "got no aggregate"),
        ("no tuple", lambda: hydrofoil.group_by(data).agg(m=mean("x")), "no aggregate with its"),
        ("arity", lambda: hydrofoil.group_by(data).agg(m=(mean,)), "missing a required argument"),
        ("clash", lambda: hydrofoil.group_by(data, "k").agg(k=(mean, "x")), "which is a key"),
    ):
        with pytest.raises(UsageError, match=message):
            make()  # type: ignore[no-untyped-call]
            pytest.fail(name)


def test_small_batches(worker: Engine, spark: SparkSession) -> None:
    with use_conf(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "7"}):
        found = hydrofoil.group_by(numbers(spark, 100), "k").agg(m=(mean, "y"))
        assert {row.k: row.m for row in found.collect()}[1] == 50.0


def test_local_and_explain() -> None:
    assert mean.local(pd.Series([1.0, None, 4.0])) == 2.5
    assert Span.local(pa.table({"y": [1.0, 2.0], "x": [0.0, 9.0]})) == {"low": 0.0, "high": 9.0}
    assert mean.explain().startswith("Mean(x) -> double\n")
    assert "one state a key and task" in mean.explain()


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0.0],
        [-1e300, 1e-300, 5e-324, -0.0, math.inf, 3.0],
        [-5.0, -5.0, -1.0, 0.0, 2.0, 1e10],
        [math.nan, 7.0],
    ],
)
def test_quantiles_are_of_bounded_error(values: list[float]) -> None:
    fractions = (0, 0.25, 0.5, 0.75, 1)
    user = Quantiles(*fractions, accuracy=0.01)
    parts = [user.update(user.init(), np.array(values[i::2])) for i in range(2)]
    found = user.finish(user.merge(*parts))
    kept = np.nan_to_num([value for value in values if value == value])
    if not len(kept):
        assert found is None
    else:
        exact = np.quantile(kept, fractions, method="lower")
        np.testing.assert_allclose(found, exact, rtol=0.01 * (1 + 1e-9), atol=1e-307)
