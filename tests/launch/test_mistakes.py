"""Mistakes in a configuration: one error each, which names what is wrong and what to do."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import HYDROFOIL, Engine, use_conf, use_engine, use_environment


def error_of(spark: SparkSession, engine: Engine) -> str:
    with use_engine(spark, engine), pytest.raises((PySparkException, Exception)) as raised:
        spark.range(1).select(udf(lambda i: i, "bigint")("id")).collect()
    return str(raised.value)


@contextmanager
def python(spark: SparkSession, executable: str) -> Iterator[None]:
    """Have workers run on another Python."""
    context = spark.sparkContext
    before, context.pythonExec = context.pythonExec, executable
    try:
        yield
    finally:
        context.pythonExec = before


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """A Python that has PySpark and what it needs, but no Hydrofoil."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path)], check=True)
    packages = next(tmp_path.glob("lib/python*/site-packages"))
    # What lies in the folder is found, but not what its .pth files name.
    (packages / "found.pth").write_text(str(Path(pyspark.__file__).parents[1]))
    return str(tmp_path / "bin" / "python")


def test_a_module_that_does_not_exist(spark: SparkSession) -> None:
    message = error_of(spark, Engine("typo", "hydrofoil.demon"))
    assert "No module named hydrofoil.demon" in message


def test_a_package_that_is_missing_on_the_executor(spark: SparkSession, bare_python: str) -> None:
    with python(spark, bare_python):
        message = error_of(spark, HYDROFOIL)
    assert "hydrofoil" in message and "No module named" in message
    assert bare_python in message


def test_rows_that_are_no_choice() -> None:
    with pytest.raises(UsageError, match=r"rows is 'arow'\nHint: .* 'arrow', 'arrow-native'"):
        hydrofoil.configure(SparkSession.builder, rows="arow")


def test_rows_that_contradict_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = SparkSession.Builder()
    builder.config("spark.sql.execution.pythonUDF.arrow.enabled", False)
    with pytest.raises(UsageError, match=r"arrow\.enabled is set to 'false', and rows='arrow'"):
        hydrofoil.configure(builder, rows="arrow")


def test_rows_that_only_the_executor_finds_wrong(spark: SparkSession) -> None:
    with (
        use_conf(spark, {"spark.sql.execution.pythonUDF.arrow.enabled": "true"}),
        use_environment(spark, {"HYDROFOIL_ROWS": "arow"}),
    ):
        message = error_of(spark, HYDROFOIL)
    assert "the environment variable HYDROFOIL_ROWS is 'arow'" in message
    assert "it must be one of 'stock', 'arrow', 'arrow-native'" in message
