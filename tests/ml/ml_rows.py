"""Rows to train on: features of few values, so that libraries bin them alike however rows lie."""

from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

NAMES = [f"f{place}" for place in range(4)]


def make_rows(spark: SparkSession, count: int = 600) -> DataFrame:
    """Features as columns, an array and a vector; labels of all kinds; a seventh to validate on."""
    from pyspark.ml.functions import array_to_vector

    waves = [F.round(F.sin(F.col("id") * (0.7 + n)), 1).cast("float") for n in range(4)]
    rows = spark.range(count).select("id", *(w.alias(n) for w, n in zip(waves, NAMES, strict=True)))
    array = F.array(*NAMES)
    return rows.select(
        "*",
        array.alias("array"),
        array_to_vector(array.cast("array<double>")).alias("features"),
        (3 * F.col("f0") + F.col("f1") * F.col("f2")).alias("label"),
        (F.col("f0") + F.col("f1") > 0).cast("int").alias("two"),
        ((F.col("f0") > 0).cast("int") + (F.col("f1") > 0).cast("int")).alias("three"),
        (F.col("id") % 7 == 0).alias("held"),
        (1.0 + F.col("id") % 3).alias("weight"),
        (F.col("f3") / 2).cast("double").alias("margin"),
        (F.col("id") / 20).cast("int").alias("query"),
    )


def column(frame: DataFrame, name: str) -> Any:
    """A column's values in the order of the rows; vectors as an array of two dimensions."""
    found = [row[0] for row in frame.orderBy("id").select(name).collect()]
    return np.array([one.toArray() if hasattr(one, "toArray") else one for one in found])
