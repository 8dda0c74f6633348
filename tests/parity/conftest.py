"""The fixture of the differential tests."""

import os

import pytest
from pyspark.sql import SparkSession

from parity.engines import Engine
from parity.harness import Parity


@pytest.fixture(scope="session")
def parity(spark: SparkSession) -> Parity:
    """Stock against Hydrofoil; ``PARITY_RIGHT=module`` puts another daemon in Hydrofoil's place.

    With ``PARITY_RIGHT=pyspark.daemon`` stock is compared with itself, which shows whether a case
    is deterministic.
    """
    other = os.environ.get("PARITY_RIGHT")
    return Parity(spark) if other is None else Parity(spark, right=Engine(other, other))
