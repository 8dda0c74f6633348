"""Comparisons of grouped functions in the common session."""

from collections.abc import Iterator
from pathlib import Path

import grouped_compare
import pytest
from grouped_compare import GroupedComparison
from hypothesis import HealthCheck, settings
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_version

cloudpickle.register_pickle_by_value(grouped_compare)
settings.register_profile(
    "grouped_exchange",
    deadline=None,
    max_examples=8,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = jvm_operators.why_not(spark_version())
    here = Path(__file__).parent
    for item in items:
        if reason is not None and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def compare(spark: SparkSession) -> Iterator[GroupedComparison]:
    """Compares queries in the common session."""
    yield GroupedComparison(spark)
