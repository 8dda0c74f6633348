"""`collect` and `toLocalIterator`: the rows of record batches are those of pickles."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from driver.columns import COLUMNS, query
from driver.conftest import Compare

WAYS: dict[str, Callable[[DataFrame], Any]] = {
    "collect": lambda df: df.collect(),
    "toLocalIterator": lambda df: list(df.toLocalIterator()),
    "toLocalIterator, prefetch": lambda df: list(df.toLocalIterator(prefetchPartitions=True)),
}


@pytest.fixture(scope="module", params=["UTC", "America/New_York"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Python's zone, which is what stock's rows are in, whatever the session's is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize("name", COLUMNS)
def test_types(spark: SparkSession, compare: Compare, zone: str, name: str) -> None:
    df = spark.sql(query(name))
    compare(lambda: df.collect())
    compare(lambda: list(df.toLocalIterator()))
