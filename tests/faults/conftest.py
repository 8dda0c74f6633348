"""Running the same thing under stock and under Hydrofoil."""

from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import SparkSession

from faults.outcomes import outcome
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, use_engine

Both = Callable[[Callable[[], Any]], tuple[str, Any]]


@pytest.fixture
def both(spark: SparkSession) -> Both:
    """Run an action under each engine; return what came of it, which has to be the same."""

    def run(action: Callable[[], Any]) -> tuple[str, Any]:
        outcomes = []
        for engine in (WARM_STOCK, HYDROFOIL):
            with use_engine(spark, engine):
                outcomes.append(outcome(action))
        stock, ours = outcomes
        assert ours == stock
        return stock

    return run
