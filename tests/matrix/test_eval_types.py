"""Every eval type of the installed Spark, whatever its line, under stock and under Hydrofoil."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.harness import Parity, Raised, Rows

try:
    from pyspark.util import PythonEvalType
except ImportError:  # Up to 3.5.
    from pyspark.rdd import PythonEvalType

from matrix.cases import CASES, ROCKS, Check, fail, nothing

INSTALLED = [
    name
    for name, value in vars(PythonEvalType).items()
    if isinstance(value, int) and not name.startswith("_")
]
_numbers = itertools.count()
MINOR = int(pyspark.__version__.split(".")[1])


def shared(names: list[str]) -> list[str]:
    """Half of these on each version, the other half on the next; all with HYDROFOIL_PARITY=full."""
    return names if os.environ.get("HYDROFOIL_PARITY") == "full" else names[MINOR % 2 :: 2]


# Streaming queries take long, and none of their code is Hydrofoil's on any version.
STATE = [name for name in INSTALLED if "STATE" in name]
OTHERS = [name for name in INSTALLED if "STATE" not in name]

each = pytest.mark.parametrize("name", [*OTHERS, *shared(STATE)])


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where workers write what they did. One folder: each other environment has its own daemon."""
    return tmp_path_factory.mktemp("traces")


@pytest.fixture
def parity(spark: SparkSession, traces: Path) -> Iterator[Parity]:
    parity = Parity(spark)
    with parity.under(conf=ROCKS, environment={"HYDROFOIL_TRACE": str(traces)}):
        yield parity


def build(name: str, folder: Path, check: Check):
    def made(spark: SparkSession) -> DataFrame:
        return CASES[name](spark, folder / str(next(_numbers)), check)

    return made


def needs(name: str) -> None:
    if name not in CASES:
        pytest.fail(f"add a case for {name} to tests/matrix/cases.py")
    if name.startswith("SQL_TRANSFORM_WITH_STATE"):
        pytest.importorskip("google.protobuf")


@each
def test_values_and_nulls(parity: Parity, traces: Path, tmp_path: Path, name: str) -> None:
    needs(name)
    outcome = parity.same(build(name, tmp_path, nothing))
    assert isinstance(outcome, Rows) and outcome.values, outcome
    if name != "NON_UDF":
        assert paths(traces, name) == {planned(name)}


@pytest.mark.parametrize("name", shared(OTHERS))
def test_an_error(parity: Parity, tmp_path: Path, name: str) -> None:
    needs(name)
    outcome = parity.same(build(name, tmp_path, fail), last_line_only=True)
    assert isinstance(outcome, Raised) and "here" in outcome.message, outcome


def planned(name: str) -> str:
    """The path that the table of Spark's versions names."""
    version = installed_version()
    assert version is not None
    return "fast" if getattr(PythonEvalType, name) in version.fast else "stock"


def paths(traces: Path, name: str) -> set[str]:
    """The paths that UDFs of an eval type have taken."""
    lines = [line for file in traces.glob("*.jsonl") for line in file.read_text().splitlines()]
    records = [record for record in map(json.loads, lines) if record["eval_type"] == name]
    return {udf["path"] for record in records for udf in record["udfs"]}
