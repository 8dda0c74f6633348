"""The shapes of data: what a column's nulls and a frame's batches are like."""

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.harness import numbers
from hydrofoil.tools.parity.samples import Sample

_KEY = "IF(id % 3 = 2, NULL, id % 3) AS k"

SHAPES = ("nulls", "plain", "all-null", "empty", "one-row", "batches")

_SETTINGS = {"batches": {"spark.sql.execution.arrow.maxRecordsPerBatch": "2"}}


def settings(shape: str) -> Mapping[str, str]:
    """The configurations that make a shape what it is."""
    return _SETTINGS.get(shape, {})


def shaped(spark: SparkSession, sample: Sample, shape: str = "nulls") -> DataFrame:
    """A key ``k``, a row number ``n``, and ``v`` of the sample's type, in one partition."""
    null = f"CAST(NULL AS {sample.type})"
    values = sample.typed
    if shape == "plain":
        values = [value for value in values if value != null] or [null]
    elif shape == "all-null":
        values = [null] * 4
    elif shape == "one-row":
        values = values[:1]
    cases = " ".join(f"WHEN {row} THEN {value}" for row, value in enumerate(values))
    rows = numbers(spark, 0 if shape == "empty" else max(len(values), 1))
    return rows.select(F.expr(_KEY), F.col("id").alias("n"), F.expr(f"CASE id {cases} END AS v"))
