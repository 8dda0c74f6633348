"""A session in which functions are compiled, beside stock's worker in the same one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.compiling.asked import KEY
from hydrofoil.driver import switch
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_version
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, use_conf, use_engine

# Here are tests that need Spark, with these modules' names.
NEED_OPERATORS = ("test_drawn", "test_spark", "test_compiled")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = jvm_operators.why_not(spark_version())
    here = Path(__file__).parent
    for item in items:
        needs = here in item.path.parents and item.path.stem.startswith(NEED_OPERATORS)
        if reason is not None and needs:
            item.add_marker(pytest.mark.skip(reason=reason))


class Both:
    """Runs queries with functions compiled, and by stock's worker under Spark's operators."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark

    @contextmanager
    def compiled(self, **conf: str) -> Iterator[None]:
        """Functions that are made and run inside of the block are compiled."""
        on = {KEY: "true", jvm_operators.ENABLED_KEY: "true", **conf}
        with use_conf(self.spark, on), use_engine(self.spark, HYDROFOIL):
            was_on = switch.is_enabled()
            hydrofoil.enable(self.spark)
            try:
                yield
            finally:
                if not was_on:
                    hydrofoil.disable(self.spark)

    @contextmanager
    def stock(self, **conf: str) -> Iterator[None]:
        """Functions that are made and run inside of the block are stock's."""
        off = {KEY: "false", jvm_operators.ENABLED_KEY: "false", **conf}
        with use_conf(self.spark, off), use_engine(self.spark, WARM_STOCK):
            yield


@pytest.fixture
def both(spark: SparkSession) -> Both:
    return Both(spark)
