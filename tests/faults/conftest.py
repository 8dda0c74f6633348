"""Running the same thing under stock and under Hydrofoil."""

from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from faults.outcomes import outcome
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_version
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine, use_engine

Outcome = tuple[str, Any]
Both = Callable[[Callable[[], Any]], Outcome]
Alike = Callable[..., Outcome]

COLUMNAR = Engine("hydrofoil-columnar", HYDROFOIL.daemon, columnar=True)
# Stock comes first.
ENGINES = [WARM_STOCK, HYDROFOIL]
if jvm_operators.why_not(spark_version()) is None:
    ENGINES.append(COLUMNAR)


@pytest.fixture
def both(spark: SparkSession) -> Both:
    """Run an action under each engine; return what came of it, which has to be the same."""

    def run(action: Callable[[], Any]) -> Outcome:
        outcomes = []
        for engine in (WARM_STOCK, HYDROFOIL):
            with use_engine(spark, engine):
                outcomes.append(outcome(action))
        stock, ours = outcomes
        assert ours == stock
        return stock

    return run


@pytest.fixture
def alike(spark: SparkSession) -> Alike:
    """As `both`, also with the JVM's half; under each engine the next query has to work.

    With ``stock=False`` the engines of Hydrofoil are compared with each other alone; with
    ``essential=False`` any error is as good as any other.
    """

    def run(action: Callable[[], Any], stock: bool = True, essential: bool = True) -> Outcome:
        outcomes = []
        for engine in ENGINES if stock else ENGINES[1:]:
            with use_engine(spark, engine):
                what, answer = outcome(action)
                if not essential and what != "value":
                    what, answer = "error", None
                outcomes.append((engine.name, (what, answer)))
                assert next_query(spark) == [0, 2, 4, 6], engine.name
        [(_, first), *others] = outcomes
        assert all(other == first for _, other in others), outcomes
        return first

    return run


def next_query(spark: SparkSession) -> list[int]:
    doubled = udf(lambda x: 2 * x, "long")
    return [row[0] for row in spark.range(0, 4, 1, 2).select(doubled("id")).collect()]
