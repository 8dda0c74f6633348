"""Nulls within values of types that have none there, which Arrow lets a function return."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from columnar_compare import Comparison
from pyspark.sql import functions as sf
from pyspark.sql.types import ArrayType, DataType, LongType, MapType, StringType, StructType

ROWS = 4
NUMBERS = pa.field("element", pa.int64(), False)
TEXTS = pa.field("value", pa.string(), False)


def numbers(rows: int) -> pa.Array:
    return pa.array([None if row == 1 else row for row in range(rows)], pa.int64())


def listed(rows: int) -> pa.Array:
    return pa.ListArray.from_arrays(range(rows + 1), numbers(rows), pa.list_(NUMBERS))


def mapped(rows: int) -> pa.Array:
    texts = numbers(rows).cast(pa.string())
    return pa.MapArray.from_arrays(
        range(rows + 1), pa.array(range(rows), pa.int64()), texts, pa.map_(pa.int64(), TEXTS)
    )


def in_structs(rows: int) -> pa.Array:
    return pa.StructArray.from_arrays([numbers(rows)], fields=[NUMBERS])


def deep(rows: int) -> pa.Array:
    return pa.StructArray.from_arrays([listed(rows)], ["element"])


def below_nulls(rows: int) -> pa.Array:
    """In structs of which the second is null: nobody reads what is in it."""
    mask = pa.array([row == 1 for row in range(rows)])
    return pa.StructArray.from_arrays([numbers(rows)], fields=[NUMBERS], mask=mask)


LIST = ArrayType(LongType(), False)
STRUCT = StructType().add("element", LongType(), False)
NESTED: dict[Callable[[int], pa.Array], DataType] = {
    listed: LIST,
    mapped: MapType(LongType(), StringType(), False),
    in_structs: STRUCT,
    deep: StructType().add("element", LIST),
    below_nulls: STRUCT,
}


@pytest.mark.parametrize("made", NESTED, ids=lambda made: made.__name__)
@pytest.mark.parametrize("mode", ["FALLBACK", "NO_CODEGEN"])
def test_of_batches(compare: Comparison, made: Callable[[int], pa.Array], mode: str) -> None:
    def function(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_arrays([made(batch.num_rows)], ["v"])

    outcome = compare.same(
        lambda spark: spark.range(0, ROWS, 1, 1).mapInArrow(
            function, StructType().add("v", NESTED[made])
        ),
        conf={"spark.sql.codegen.factoryMode": mode},
    )
    # Spark's interpreted projection asks whether a value is null.
    assert (outcome.error is None) == (mode == "NO_CODEGEN" or made is below_nulls)


@pytest.mark.skipif(not hasattr(sf, "arrow_udf"), reason="PySpark has no arrow_udf")
@pytest.mark.parametrize("made", NESTED, ids=lambda made: made.__name__)
def test_of_columns(compare: Comparison, made: Callable[[int], pa.Array]) -> None:
    function = sf.arrow_udf(lambda ids: made(len(ids)), NESTED[made])
    outcome = compare.same(lambda spark: spark.range(0, ROWS, 1, 1).select("id", function("id")))
    assert (outcome.error is None) == (made is below_nulls)
