"""Spark as users have it: whole-stage code and adaptive plans, which other tests do without."""

from collections.abc import Iterator
from pathlib import Path

import columnar_compare
import pytest
from columnar_compare import Comparison
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_version
from hydrofoil.tools.parity.engines import use_conf

AS_USERS = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    # Code that does not compile is a fault; Spark would go on without, more slowly.
    "spark.sql.codegen.fallback": "false",
    # Two partitions: a task that ends early, or fails, has another beside it.
    "spark.sql.shuffle.partitions": "2",
}

cloudpickle.register_pickle_by_value(columnar_compare)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = jvm_operators.why_not(spark_version())
    here = Path(__file__).parent
    for item in items:
        if reason is not None and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def compare(spark: SparkSession) -> Iterator[Comparison]:
    """Compares queries in the common session."""
    with use_conf(spark, AS_USERS):
        yield Comparison(spark)
    spark.catalog.clearCache()


@pytest.fixture(scope="session")
def files(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for data sets that several tests read."""
    return tmp_path_factory.mktemp("data")
