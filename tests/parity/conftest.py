"""The fixture of the differential tests, and how much the property-based ones draw."""

import os

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession

from hydrofoil.tools.parity.engines import Engine
from hydrofoil.tools.parity.harness import Parity

# An example is two Spark queries. Session-wide fixtures need no reset between examples.
_common = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("quick", _common, max_examples=12)
settings.register_profile("thorough", _common, max_examples=300)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def parity(spark: SparkSession) -> Parity:
    """Stock against Hydrofoil; ``PARITY_RIGHT=module`` puts another daemon in Hydrofoil's place.

    With ``PARITY_RIGHT=hydrofoil.tools.parity.warm_stock`` stock is compared with itself, which
    shows whether a case is deterministic.
    """
    other = os.environ.get("PARITY_RIGHT")
    return Parity(spark) if other is None else Parity(spark, right=Engine(other, other))
