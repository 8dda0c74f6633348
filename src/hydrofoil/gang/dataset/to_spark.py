"""A data set back in Spark: each partition reads some record batches of a file."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROWS_BYTES = 128 << 20  # A partition's, about.


def to_spark(
    spark: "SparkSession",
    schema: str,
    rows: int,
    nbytes: int,
    part: Callable[[int, int], Iterator[pa.RecordBatch]],
) -> "DataFrame":
    """See `gang.dataset.reading.Dataset.spark`.

    Parameters
    ----------
    schema : str
        Spark's, as JSON.
    part : callable
        The record batches of one of so many equal parts, for a worker to read.
    """
    from pyspark.sql.types import StructType

    rows_each = max(_ROWS_BYTES * max(rows, 1) // max(nbytes, 1), 1)
    partitions = max(-(-rows // rows_each), 1)

    def read(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                yield from part(number, partitions)

    return spark.range(0, partitions, 1, partitions).mapInArrow(
        read, StructType.fromJson(json.loads(schema))
    )
