"""UDFs on Arrow data: what users' functions are given, what they may return, and in what order."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine
from hydrofoil.tools.parity.harness import Parity, numbers

# See tests/conftest.py.
ONE_IN = 11

arrow_udf = getattr(F, "arrow_udf", None)


def since(code: int) -> pytest.MarkDecorator:
    """For tests of an eval type that not every version of Spark has."""
    version = installed_version()
    known = version is not None and code in version.fast
    return pytest.mark.skipif(not known, reason="not on this version")


# Rows of every shape of buffer: bits, fixed widths, offsets, nested, with nulls and without.
COLUMNS = (
    "id",
    "id % 3 = 0 as b",
    "if(id % 4 = 1, null, id % 2 = 0) as bn",
    "if(id % 3 = 1, null, cast(id as int)) as i",
    "id * 0.5D as d",
    "concat('name ', id) as s",
    "if(id % 5 = 2, null, repeat('é', cast(id as int) % 4)) as sn",
    "cast(id as decimal(20, 3)) as dec",
    "if(id % 2 = 0, null, timestamp_seconds(id)) as t",
    "date_add(date'2000-01-01', cast(id as int)) as day",
    "if(id % 3 = 0, null, sequence(0, id % 4)) as l",
    "map('a', id, 'b', null) as m",
    "if(id % 4 = 0, null, named_struct('x', id, 'y', if(id % 2 = 0, null, 'y'))) as st",
    "array(named_struct('x', array(id))) as deep",
    "cast(null as void) as v",
)
FIELDS = (
    "id long, b boolean, bn boolean, i int, d double, s string, sn string, dec decimal(20, 3), "
    "t timestamp, day date, l array<long>, m map<string, long>, st struct<x: long, y: string>, "
    "deep array<struct<x: array<long>>>, v void"
)

# Those whose type is as declared: grouped maps cast nothing, and other columns hold no nulls.
EXACT = ["id", "b", "bn", "i", "d", "s", "sn", "dec", "day", "m", "v"]
EXACT_FIELDS = (
    "id long, b boolean, bn boolean, i int, d double, s string, sn string, dec decimal(20, 3), "
    "day date, m map<string, long>, v void"
)


def data(spark: SparkSession, rows: int = 40) -> DataFrame:
    return numbers(spark, rows).selectExpr(*COLUMNS)


def groups(spark: SparkSession, rows: int = 40) -> DataFrame:
    return data(spark, rows).selectExpr("if(id % 7 = 0, null, id % 7) as k", "*").repartition(1)


def shown(batch: Any) -> str:
    """All that a user can see of a batch or table."""
    schema = [(f.name, str(f.type), f.nullable, f.metadata) for f in batch.schema]
    return f"{type(batch).__name__} {schema} {batch.schema.metadata} {batch.to_pydict()}"


def slices(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.slice(3, 11)
        yield batch.slice(0, 0)
        yield batch.slice(1)
        yield batch.take(pa.array([2, 0, 0]))


@pytest.fixture(params=[{}, {"spark.sql.execution.arrow.maxRecordsPerBatch": "9"}], ids=["", "9"])
def batched(request: pytest.FixtureRequest, parity: Parity) -> Iterator[Parity]:
    with parity.under(request.param):
        yield parity


class TestMap:
    def test_sees_the_same(self, batched: Parity) -> None:
        def show(batches: Any) -> Any:
            yield pa.record_batch({"s": [type(batches).__name__]})
            for batch in batches:
                yield pa.record_batch({"s": [shown(batch)]})

        batched.same_rows(lambda spark: data(spark).mapInArrow(show, "s string"))

    @pytest.mark.parametrize("barrier", [False, True])
    def test_gives_back_what_it_was_given(self, batched: Parity, barrier: bool) -> None:
        batched.same_rows(
            lambda spark: data(spark).mapInArrow(lambda batches: batches, FIELDS, barrier=barrier)
        )

    def test_slices(self, batched: Parity) -> None:
        batched.same_rows(lambda spark: data(spark).mapInArrow(slices, FIELDS))

    @pytest.mark.parametrize("rows", [0, 1, 30_000])
    def test_sizes(self, parity: Parity, rows: int) -> None:
        def twice(batches: Any) -> Any:
            for batch in batches:
                yield batch
                yield batch.slice(1, 9_000)

        parity.same_rows(
            lambda spark: (
                data(spark, rows)
                .selectExpr("id", "s", "sn", "l")
                .mapInArrow(twice, "id long, s string, sn string, l array<long>")
                .selectExpr("count(*)", "sum(hash(id, s, sn, l))")
            )
        )

    @pytest.mark.parametrize(
        "function",
        [
            lambda batches: 5,
            lambda batches: [5],
            lambda batches: iter([5]),
            lambda batches: list(batches),
            lambda batches: iter([pa.table({"s": ["a"]})]),
            lambda batches: iter([pa.record_batch({"s": ["a"]}), pa.record_batch({"s": [1]})]),
            lambda batches: iter([pa.record_batch({"s": ["a"]}), pa.record_batch({"z": ["a"]})]),
            lambda batches: iter([pa.RecordBatch.from_arrays([], [])]),
            lambda batches: iter(
                [pa.record_batch({"s": ["a"]}), pa.RecordBatch.from_arrays([], [])]
            ),
            lambda batches: iter([pa.record_batch({"s": pa.array(["a"]).dictionary_encode()})]),
            lambda batches: iter([pa.record_batch({"s": pa.array([1], pa.uint16())})]),
            lambda batches: iter(
                [
                    pa.RecordBatch.from_arrays(
                        [pa.array(["a", None])],
                        schema=pa.schema([pa.field("s", pa.string(), False)]),
                    )
                ]
            ),
            lambda batches: (next(batches), 1 / 0),
        ],
    )
    def test_odd_results(self, parity: Parity, function: Callable[[Any], Any]) -> None:
        parity.same(
            lambda spark: (
                numbers(spark, 3).selectExpr("string(id) s").mapInArrow(function, "s string")
            )
        )

    def test_raises_after_results(self, parity: Parity) -> None:
        def fail(batches: Any) -> Any:
            yield from batches
            raise ValueError("late")

        parity.same_error(lambda spark: data(spark).mapInArrow(fail, FIELDS))


@since(250)
class TestScalar:
    def test_columns(self, batched: Parity) -> None:
        def show(*columns: pa.Array) -> pa.Array:
            types = [str(column.type) for column in columns]
            return pa.array([f"{types} {[c[i] for c in columns]}" for i in range(len(columns[0]))])

        def build(spark: SparkSession) -> DataFrame:
            frame = data(spark)
            return frame.select(arrow_udf(show, "string")(*frame.columns))

        batched.same_rows(build)

    @pytest.mark.parametrize("field", ["id long", "bn boolean", "sn string"])
    def test_identity(self, batched: Parity, field: str) -> None:
        name, declared = field.split()
        identity = lambda column: column  # noqa: E731
        batched.same_rows(lambda spark: data(spark).select(arrow_udf(identity, declared)(name)))

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: x.slice(1),
            lambda x: 5,
            lambda x: pc.cast(x, pa.int32()),
            lambda x: pa.array(["a"] * len(x)),
            lambda x: pa.chunked_array([x]),
            lambda x: 1 / 0,
        ],
    )
    def test_odd_results(self, parity: Parity, function: Callable[[Any], Any]) -> None:
        parity.same(lambda spark: numbers(spark, 5).select(arrow_udf(function, "long")("id")))

    @pytest.mark.parametrize("taken", [0, 1, 2, 9])
    @pytest.mark.parametrize("extra", [False, True])
    def test_iterators(self, batched: Parity, taken: int, extra: bool) -> None:
        def build(spark: SparkSession) -> DataFrame:
            @arrow_udf("long")
            def some(columns: Iterator[pa.Array]) -> Iterator[pa.Array]:
                for i, column in enumerate(columns):
                    if i == taken:
                        return
                    yield pc.add(column, 1)
                    if extra:
                        yield column

            return numbers(spark, 20).select(some("id"))

        batched.same(build)


@since(209)
class TestGrouped:
    @pytest.mark.parametrize("with_key", [False, True])
    def test_sees_the_same(self, batched: Parity, with_key: bool) -> None:
        def show(values: pa.Table) -> pa.Table:
            return pa.table({"s": [shown(values), str(values.column(0).num_chunks)]})

        def show_key(key: Any, values: pa.Table) -> pa.Table:
            return pa.table({"s": [repr(key) + shown(values)]})

        function = show_key if with_key else show
        batched.same_rows(
            lambda spark: groups(spark).groupBy("k", "b").applyInArrow(function, "s string")
        )

    @since(215)
    @pytest.mark.parametrize("with_key", [False, True])
    def test_iterators_see_the_same(self, batched: Parity, with_key: bool) -> None:
        def build(spark: SparkSession) -> DataFrame:
            def show(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                for batch in batches:
                    yield pa.record_batch({"s": [type(batches).__name__ + shown(batch)]})

            def show_key(
                key: tuple[pa.Scalar, ...], batches: Iterator[pa.RecordBatch]
            ) -> Iterator[pa.RecordBatch]:
                # Leaves most batches to be drained.
                yield pa.record_batch({"s": [repr(key) + shown(next(batches))]})

            function = show_key if with_key else show
            return groups(spark).groupBy("k").applyInArrow(function, "s string")

        batched.same_rows(build)

    def test_gives_back_what_it_was_given(self, batched: Parity) -> None:
        batched.same_rows(
            lambda spark: (
                groups(spark)
                .select("k", *EXACT)
                .groupBy("k")
                .applyInArrow(lambda t: t, "k long, " + EXACT_FIELDS)
            )
        )

    def test_slices(self, batched: Parity) -> None:
        batched.same_rows(
            lambda spark: (
                groups(spark)
                .select("k", *EXACT)
                .groupBy("k")
                .applyInArrow(lambda t: t.slice(1, 3), "k long, " + EXACT_FIELDS)
            )
        )

    @pytest.mark.parametrize("by_name", ["true", "false"])
    @pytest.mark.parametrize(
        "make",
        [
            lambda t: t.select(["v", "k"]),
            lambda t: t.rename_columns(["a", "b"]),
            lambda t: t.select(["k"]),
            lambda t: t.append_column("z", t["k"]),
            lambda t: t.set_column(1, "v", t["v"].cast(pa.string())),
            lambda t: t.slice(0, 0),
            lambda t: pa.table({}),
            lambda t: t.to_pandas(),
            lambda t: None,
            lambda t: t if t["k"][0].as_py() < 3 else t.select(["v", "k"]),
            lambda t: t if t["k"][0].as_py() < 3 else 1 / 0,
            lambda t: t if t["k"][0].as_py() < 3 else t.rename_columns(["a", "b"]),
            lambda t: t.cast(t.schema.with_metadata({"a": "b"})),
        ],
    )
    @pytest.mark.parametrize("iterator", [False, True])
    def test_odd_results(
        self, parity: Parity, make: Callable[[Any], Any], by_name: str, iterator: bool
    ) -> None:
        def build(spark: SparkSession) -> DataFrame:
            def each(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                for batch in batches:
                    result = make(pa.Table.from_batches([batch]))
                    if not isinstance(result, pa.Table):
                        yield result
                    elif not result.num_columns:
                        yield pa.RecordBatch.from_arrays([], [])
                    else:
                        yield from result.to_batches() or [batch.slice(0, 0)]

            frame = numbers(spark, 20).selectExpr("int(id / 4) k", "id * 0.5D v")
            return frame.groupBy("k").applyInArrow(each if iterator else make, "k int, v double")

        setting = "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName"
        with parity.under({setting: by_name}):
            parity.same(build)

    @pytest.mark.parametrize("with_key", [False, True])
    def test_cogroups(self, batched: Parity, with_key: bool) -> None:
        def show(left: pa.Table, right: pa.Table) -> pa.Table:
            return pa.table({"s": [shown(left), shown(right)]})

        def show_key(key: Any, left: pa.Table, right: pa.Table) -> pa.Table:
            return pa.table({"s": [repr(key), shown(left), shown(right)]})

        def build(spark: SparkSession) -> DataFrame:
            left = groups(spark).where("k is null or k < 4")
            right = groups(spark, 60).where("k > 2").selectExpr("k", "s", "l")
            pairs = left.groupBy("k").cogroup(right.groupBy("k"))
            return pairs.applyInArrow(show_key if with_key else show, "s string")

        batched.same_rows(build)


# What a function may return for a declared type, and what stock makes of it.
VALUES: list[tuple[str, Callable[[Any], Any]]] = [
    ("double", lambda v: pc.mean(v).as_py()),
    ("double", lambda v: pc.mean(v)),
    ("double", lambda v: None),
    ("double", lambda v: 3),
    ("double", lambda v: "3"),
    ("double", lambda v: True),
    ("double", lambda v: float("nan")),
    ("long", lambda v: pc.sum(pc.cast(v, pa.int64(), safe=False))),
    ("long", lambda v: len(v)),
    ("long", lambda v: 2**63),
    ("long", lambda v: 2.5),
    ("int", lambda v: len(v)),
    ("int", lambda v: 2**31),
    ("int", lambda v: pa.scalar(5, pa.int32())),
    ("float", lambda v: 0.1),
    ("boolean", lambda v: len(v) > 2),
    ("boolean", lambda v: 1),
    ("string", lambda v: f"{v.type} {v.to_pylist()}"),
    ("string", lambda v: "\ud800"),
    ("string", lambda v: b"a"),
    ("decimal(10, 2)", lambda v: None),
    ("array<long>", lambda v: [1, 2]),
    ("double", lambda v: v.to_numpy(zero_copy_only=False).mean()),
    ("double", lambda v: 1.5 if v[0].as_py() < 4 else 2),
    ("double", lambda v: 1.5 if v[0].as_py() < 4 else "a"),
    ("double", lambda v: 1.5 if v[0].as_py() < 4 else 1 / 0),
]


@since(252)
class TestValues:
    @pytest.mark.parametrize(("declared", "function"), VALUES)
    @pytest.mark.parametrize("kind", ["aggregate", "iterator", "unbounded", "bounded"])
    def test_results(
        self, parity: Parity, declared: str, function: Callable[[Any], Any], kind: str
    ) -> None:
        def build(spark: SparkSession) -> DataFrame:
            @arrow_udf(declared)
            def of_array(v: pa.Array) -> float:
                return function(v)

            @arrow_udf(declared)
            def of_arrays(vs: Iterator[pa.Array]) -> float:
                return function(pa.concat_arrays(list(vs)))

            frame = numbers(spark, 20).selectExpr("int(id / 4) k", "id * 0.5D v")
            if kind == "aggregate":
                return frame.groupBy("k").agg(of_array("v"), of_array("v"))
            if kind == "iterator":
                return frame.groupBy("k").agg(of_arrays("v"))
            window = Window.partitionBy("k").orderBy("v")
            whole = of_array("v").over(Window.partitionBy("k"))
            if kind == "unbounded":
                return frame.select("k", "v", whole)
            return frame.select("k", "v", of_array("v").over(window.rowsBetween(-1, 1)), whole)

        parity.same(build)

    def test_arguments(self, batched: Parity) -> None:
        def build(spark: SparkSession) -> DataFrame:
            @arrow_udf("string")
            def show(*columns: pa.Array) -> str:
                return str([(str(c.type), c.to_pylist(), c.null_count) for c in columns])

            @arrow_udf("string")
            def show_frames(a: pa.Array, b: pa.Array) -> str:
                return str([a.to_pylist(), b.to_pylist()])

            frame = groups(spark)
            window = Window.partitionBy("k").orderBy("id").rowsBetween(-1, 1)
            return (
                frame.groupBy("k")
                .agg(show(*[c for c in frame.columns if c != "k"]).alias("a"))
                .join(
                    frame.select("k", show_frames("s", b="l").over(window).alias("w")),
                    "k",
                )
            )

        batched.same_rows(build)

    @since(254)
    def test_iterators_that_are_left(self, batched: Parity) -> None:
        def build(spark: SparkSession) -> DataFrame:
            @arrow_udf("long")
            def first(batches: Iterator[tuple[pa.Array, pa.Array]]) -> int:
                a, b = next(batches)
                return a[0].as_py() + len(b)

            return groups(spark, 100).groupBy("k").agg(first("id", "d"))

        batched.same_rows(build)


def test_rows_without_columns_are_rows(spark: SparkSession) -> None:
    """A difference that docs/types.md names: stock 4.3 loses them."""

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"rows": [batch.num_rows]})

    with use_engine(spark, HYDROFOIL):
        (row,) = numbers(spark, 5).select().mapInArrow(count, "rows long").collect()
    assert row.rows == 5
