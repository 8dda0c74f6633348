"""Frames for the families: a key, a row number, and columns of every type."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.harness import numbers
from hydrofoil.tools.parity.samples import BASE, Sample

_KEY = "IF(id % 3 = 2, NULL, id % 3) AS k"
# Nanoseconds, which pandas counts in, end in 2262.
_FAR = ("0001-01-01", "9999-12-31", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999")
_FAR_INTERVAL = "106751991"


def near(sample: Sample) -> Sample:
    """The sample without the times that pandas can't count to."""
    if sample.name not in ("timestamp", "timestamp_ntz", "day_time_interval"):
        return sample
    values = tuple(
        value
        for value in sample.values
        if value.strip("'") not in _FAR and _FAR_INTERVAL not in value
    )
    return Sample(sample.name, sample.type, values, sample.key)


NEAR = tuple(map(near, BASE))

NULLS = ("some", "none", "all")


def filled(spark: SparkSession, samples: Sequence[Sample], nulls: Sequence[str]) -> DataFrame:
    """Columns for each sample, each going round its values in as many rows as the longest has.

    ``nulls`` tells which columns: with "some" nulls as the sample has it, with "none", or "all".
    """
    chosen = {
        f"{sample.name}_{kind}": _values(sample, kind) for kind in nulls for sample in samples
    }
    columns = [_cycled(values).alias(name) for name, values in chosen.items()]
    rows = numbers(spark, max(map(len, chosen.values())))
    return rows.select(F.expr(_KEY), F.col("id").alias("n"), *columns)


def held(frame: DataFrame) -> DataFrame:
    """The same rows, evaluated now and once."""
    return frame.localCheckpoint()


def _values(sample: Sample, nulls: str) -> list[str]:
    null = f"CAST(NULL AS {sample.type})"
    if nulls == "all":
        return [null]
    values = [value for value in sample.typed if nulls == "some" or value != null]
    return values or [null]


def _cycled(values: list[str]) -> Column:
    cases = " ".join(f"WHEN {row} THEN {value}" for row, value in enumerate(values))
    return F.expr(f"CASE id % {len(values)} {cases} END")


def small(spark: SparkSession, rows: int = 12) -> DataFrame:
    """A few columns of the commonest types; three groups, one of them with a null key."""
    return numbers(spark, rows).selectExpr(
        _KEY,
        "id AS n",
        "id / 4 AS d",
        "IF(id % 5 = 1, NULL, id) AS i",
        "IF(id % 4 = 3, NULL, concat('s', id)) AS s",
        "id % 2 = 0 AS b",
        "timestamp_micros(id * 1000003) AS t",
    )
