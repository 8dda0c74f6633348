"""A data set back in Spark: each partition reads some record batches of a file."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hydrofoil.gang.dataset.reading import Dataset

_ROWS_BYTES = 128 << 20  # A partition's, about.


def to_spark(dataset: "Dataset", spark: "SparkSession") -> "DataFrame":
    """See `Dataset.spark`."""
    from pyspark.sql.types import StructType

    schema = StructType.fromJson(json.loads(dataset.spark_schema))
    rows_each = max(_ROWS_BYTES * max(dataset.num_rows, 1) // max(dataset.nbytes, 1), 1)
    partitions = max(-(-dataset.num_rows // rows_each), 1)

    def read(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                yield from dataset.shard(number, partitions).batches()

    return spark.range(0, partitions, 1, partitions).mapInArrow(read, schema)
