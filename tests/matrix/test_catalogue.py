"""The usual selection of the parity catalogue, on whichever version of Spark is installed."""

import os
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from hydrofoil.spark.versions import VERSIONS, installed_minor
from hydrofoil.tools.parity.case import Case
from hydrofoil.tools.parity.catalogue import catalogue, usual
from hydrofoil.tools.parity.run import as_users_functions, require_hydrofoil, run_case

# The versions share the cases out, so that none is left out by all of them. With
# HYDROFOIL_PARITY=full every version runs all, as `hydrofoil parity` does.
SHARE = [*VERSIONS].index(installed_minor())


def selected() -> tuple[Case, ...]:
    if os.environ.get("HYDROFOIL_PARITY") == "full":
        return usual()
    return usual()[SHARE :: len(VERSIONS)]


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
