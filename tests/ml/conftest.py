"""Rows that estimators are compared on."""

from typing import Any

import pytest
from ml_rows import make_rows
from pyspark.sql import DataFrame, SparkSession


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Any:
    made = make_rows(spark).cache()
    yield made
    made.unpersist()


@pytest.fixture(scope="module")
def frame(rows: DataFrame) -> Any:
    return rows.drop("array", "features").orderBy("id").toPandas()
