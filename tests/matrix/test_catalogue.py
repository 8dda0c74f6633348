"""The usual selection of the parity catalogue, on whichever version of Spark is installed."""

import os
from collections.abc import Iterator

import pyspark
import pytest
from pyspark.sql import SparkSession

from hydrofoil.tools.parity.case import Case
from hydrofoil.tools.parity.catalogue import catalogue, usual
from hydrofoil.tools.parity.run import as_users_functions, require_hydrofoil, run_case

# The lines share the cases out, a quarter each, so that none is left out by all of them. With
# HYDROFOIL_PARITY=full every line runs all, as `hydrofoil parity` does.
SHARES = 4
MINOR = int(pyspark.__version__.split(".")[1])


def selected() -> tuple[Case, ...]:
    if os.environ.get("HYDROFOIL_PARITY") == "full":
        return usual()
    return usual()[MINOR % SHARES :: SHARES]


@pytest.fixture(autouse=True, scope="module")
def sent_by_value() -> Iterator[None]:
    with as_users_functions():
        yield


def test_there_are_enough() -> None:
    assert len(usual()) >= 400
    assert len(catalogue()) >= 1500


def test_hydrofoil_is_what_runs(spark: SparkSession) -> None:
    require_hydrofoil(spark)


@pytest.mark.parametrize("case", selected(), ids=str)
def test_case(spark: SparkSession, case: Case) -> None:
    result = run_case(spark, case)
    assert result.equal, f"hydrofoil parity {case.id}\n{result.difference}"
