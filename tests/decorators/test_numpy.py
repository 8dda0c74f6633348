"""`hydrofoil.numpy_udf`: views, nulls, types and shapes, on both workers."""

import datetime
import decimal
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyspark
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.pandas import functions

import hydrofoil
from hydrofoil import Masked, Ragged
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import HYDROFOIL, Engine

Doubles = NDArray[np.float64]

# Spark 4.0 brought them.
NAMED_ARGUMENTS = pyspark.__version__ >= "4"
# Before Spark 4.1 results are data frames, in which a struct is not null but its fields are.
NULL_STRUCT = None if hasattr(functions, "arrow_udf") else Row(s=None, t=None)


def values(frame: DataFrame) -> list[Any]:
    return [row[0] for row in frame.collect()]


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def sent(decorated: Any) -> Any:
    """What calls the function with arrays; older Sparks have a function of Series around it."""
    return decorated.func if hasattr(decorated.func, "takes_numpy") else decorated.func.function


def test_arguments_and_results_are_arrow_memory() -> None:
    seen: list[Any] = []

    def double(x: Doubles) -> Doubles:
        seen.append(x)
        seen.append(x * 2)
        return seen[-1]  # type: ignore[no-any-return]

    # The function is called where it is: in this process.
    call = sent(hydrofoil.numpy_udf(double))
    call.function = double
    column = pa.array([1.0, 2.0, 3.0])[1:]
    result = call(column)
    argument, returned = seen
    assert address(argument) == column.buffers()[1].address + 8
    assert not argument.flags.writeable
    assert result.buffers()[1].address == address(returned)
    assert result.to_pylist() == [4.0, 6.0]


@pytest.mark.skipif(
    pyspark.__version__ < "4.1", reason="Before Spark 4.1 columns come through pandas"
)
def test_arguments_are_the_frames_memory(worker: Engine, spark: SparkSession) -> None:
    """Hydrofoil's worker makes them of the frame itself, and pyarrow otherwise."""

    @hydrofoil.numpy_udf("boolean")
    def of_arrow(x: Doubles, y: Doubles) -> Any:
        assert not x.flags.owndata
        assert not x.flags.writeable
        return isinstance(x.base, pa.Buffer) and isinstance(y.base, pa.Buffer)

    @hydrofoil.numpy_udf
    def add(x: Doubles, y: Doubles) -> Doubles:
        return x + y

    data = spark.range(0, 3, 1, 1).selectExpr("id * 1D as x", "id * 2D as y")
    stock = worker != HYDROFOIL
    assert values(data.select(of_arrow("x", "y"))) == [stock] * 3
    assert data.select(add("x", "y"), of_arrow("y", "x")).collect()[2] == (6.0, stock)
    # An argument that is itself a result: PySpark calls one function after the other.
    assert values(data.select(add(add("x", "y"), "y"))) == [0.0, 5.0, 10.0]


def test_two_dimensional_views_and_results() -> None:
    seen: list[Any] = []

    def halves(x: NDArray[np.float32]) -> Annotated[NDArray[np.float32], "array<float>"]:
        seen.append(x)
        seen.append(np.ascontiguousarray(x[:, ::-1]))
        return seen[-1]  # type: ignore[no-any-return]

    call = sent(hydrofoil.numpy_udf(halves))
    call.function = halves
    column = pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.float32()))[1:]
    result = call(column)
    argument, returned = seen
    assert argument.shape == (2, 2)
    assert not argument.flags.writeable
    assert address(argument) == column.values.buffers()[1].address + 8
    assert result.values.buffers()[1].address == address(returned)
    assert result.to_pylist() == [[4, 3], [6, 5]]


def test_numbers(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.numpy_udf
    def add(x: NDArray[np.int64], y: Doubles) -> Doubles:
        assert not x.flags.writeable
        return x + y

    @hydrofoil.numpy_udf
    def seven(x: NDArray[np.int64]) -> NDArray[np.int32]:
        return np.int64(7)  # type: ignore[return-value]

    data = spark.sql("select id, id / 2D as h, nullif(id, 1) as n from range(4)")
    assert values(data.select(add("id", "h"))) == [0.0, 1.5, 3.0, 4.5]
    assert values(data.select(add("n", "h"))) == [0.0, None, 3.0, 4.5]
    assert values(data.select(seven("n"))) == [7, None, 7, 7]
    assert data.select(add("id", "h"), seven("id")).collect()[3] == (4.5, 7)
    if NAMED_ARGUMENTS:
        assert values(data.select(add(y="h", x="id"))) == [0.0, 1.5, 3.0, 4.5]
    spark.udf.register("numpy_add", add)
    assert values(data.selectExpr("numpy_add(id, h)")) == [0.0, 1.5, 3.0, 4.5]


def test_nulls(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.numpy_udf(nulls="mask")
    def flip(x: Masked) -> NDArray[np.int64]:
        return Masked(np.where(x.mask, 9, x.values), ~x.mask)  # type: ignore[return-value]

    @hydrofoil.numpy_udf(nulls="nan")
    def halve(x: Doubles) -> Doubles:
        assert x.dtype == "float64"
        return np.where(np.isnan(x), -1, np.where(x == 0, np.nan, x / 2))

    @hydrofoil.numpy_udf(nulls="error")
    def same(x: Doubles) -> Annotated[Doubles, "bigint"]:
        return x

    data = spark.sql("select nullif(id, 1) as n, id from range(3)").coalesce(1)
    assert values(data.select(flip("n"))) == [None, 9, None]
    assert values(data.select(halve("n"))) == [None, -1.0, 1.0]
    assert values(data.select(same("id"))) == [0, 1, 2]
    with pytest.raises(Exception, match=r"parameter 'x': row 1 of the batch is null"):
        data.select(same("n")).collect()


SAMPLES: list[tuple[str, Callable[[Any], Any], str, list[Any]]] = [
    ("array(true, null, false)", lambda x: ~x, "boolean", [False, None, True]),
    ("array('a', null, 'bc')", lambda x: x + "!", "string", ["a!", None, "bc!"]),
    ("array(cast('a' as binary), null)", lambda x: x + b"!", "binary", [b"a!", None]),
    (
        "array(date'2026-03-02', null)",
        lambda x: x + np.timedelta64(1, "D"),
        "date",
        [datetime.date(2026, 3, 3), None],
    ),
    (
        "array(timestamp_ntz'2026-03-02 01:02:03.000004', null)",
        lambda x: x + np.timedelta64(1, "h"),
        "timestamp_ntz",
        [datetime.datetime(2026, 3, 2, 2, 2, 3, 4), None],
    ),
    (
        "array(timestamp'1970-01-01 00:00:01Z', null)",
        lambda x: x.astype("int64"),
        "bigint",
        [1_000_000, None],
    ),
    (
        "array(interval '1' second, null)",
        lambda x: x * 2,
        "interval day to second",
        [datetime.timedelta(seconds=2), None],
    ),
    (
        "array(1.25, null)",
        lambda x: x * 2,
        "decimal(5, 2)",
        [decimal.Decimal("2.50"), None],
    ),
    (
        "array(named_struct('a', 1, 'b', 2D), named_struct('a', 1, 'b', null), null)",
        lambda x: {"s": x["a"] + x["b"], "t": x["a"]},
        "s double, t int",
        [Row(s=3.0, t=1), NULL_STRUCT],
    ),
    ("array(array(1D, 2D), null)", lambda x: x.sum(axis=1), "double", [3.0, None]),
    ("array(array(1D, 2D), null)", lambda x: x + 1, "array<double>", [[2.0, 3.0], None]),
]


def test_types(worker: Engine, spark: SparkSession) -> None:
    arrays = ", ".join(data for data, *_ in SAMPLES)
    frame = spark.sql(f"select inline(arrays_zip({arrays}))")
    results = [
        hydrofoil.numpy_udf(function, kind)(frame[i]).alias(str(i))
        for i, (_, function, kind, _) in enumerate(SAMPLES)
    ]
    rows = frame.select(results).collect()
    for i, (*_, expected) in enumerate(SAMPLES):
        # Zipping fills up with nulls.
        assert [row[i] for row in rows][:2] == expected[:2]


def test_ragged(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.numpy_udf
    def sums(x: Ragged) -> Doubles:
        return np.add.reduceat(np.append(x.values, 0.0), x.offsets[:-1])

    @hydrofoil.numpy_udf("array<double>")
    def negated(x: Ragged) -> Ragged:
        return Ragged(-x.values, x.offsets)

    @hydrofoil.numpy_udf
    def rectangle(x: Doubles) -> Doubles:
        return x.sum(axis=1)

    data = spark.sql("select explode(array(array(1D, 2D), array(3D))) as c")
    assert values(data.select(sums("c"))) == [3.0, 3.0]
    assert values(data.select(negated("c"))) == [[-1.0, -2.0], [-3.0]]
    with pytest.raises(Exception, match=r"lists of 1 to 2 elements.*x: hydrofoil.Ragged"):
        data.select(rectangle("c")).collect()


def test_iterators(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.numpy_udf
    def running(batches: Iterator[tuple[Doubles, Doubles]]) -> Iterator[Doubles]:
        offset = 100.0  # Set up once.
        for x, y in batches:
            yield x + y + offset

    data = spark.sql("select id * 1D as x, nullif(id, 1) * 1D as y from range(3)")
    assert values(data.select(running("x", "y"))) == [100.0, None, 104.0]


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 2 has StringDType")
def test_stringdtype(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.numpy_udf("string", strings="stringdtype")
    def upper(x):  # type: ignore[no-untyped-def]
        assert x.dtype.kind == "T"
        return np.strings.upper(x)

    data = spark.sql("select explode(array('a', null, 'bc')) as c")
    assert values(data.select(upper("c"))) == ["A", None, "BC"]


def test_wrong_results(worker: Engine, spark: SparkSession) -> None:
    data = spark.range(3).coalesce(1)
    for function, kind, message in (
        (lambda x: x[1:], "bigint", "has 2 rows for 3 rows of arguments"),
        (lambda x: x + 0.5, "int", "can't become int32"),
        (lambda x: np.zeros((3, 2)), "double", "has 2 dimensions"),
        (lambda x: x, "a int", "needs a dict of arrays with the keys"),
        (lambda x: {"b": x}, "a int", r"has the keys \['b'\]"),
    ):
        with pytest.raises(Exception, match=message):
            data.select(hydrofoil.numpy_udf(function, kind)("id")).collect()


def test_local_and_explain() -> None:
    @hydrofoil.numpy_udf
    def add(x: Doubles, y: Doubles) -> Doubles:
        return x + y

    table = pa.table({"y": [1.0, None], "x": [0.5, 0.5]})
    assert add.local(table).to_pylist() == [1.5, None]
    assert add.local(table.to_pandas())[0] == 1.5
    assert "nulls: propagate" in add.explain()
    assert add.explain().startswith("add(x, y) -> double\nkind: SQL_")


def test_mistakes_are_named_when_decorating() -> None:
    def untyped(x: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return x

    def total(x: Doubles) -> float:
        return float(x.sum())

    with pytest.raises(UsageError, match=r"untyped\(\) has no return type: ndarray does not say"):
        hydrofoil.numpy_udf(untyped)
    with pytest.raises(UsageError, match="returns an array"):
        hydrofoil.numpy_udf(total)
    with pytest.raises(UsageError, match="nulls='drop' is none of 'propagate', 'mask'"):
        hydrofoil.numpy_udf(untyped, "int", nulls="drop")  # type: ignore[arg-type]
