"""Workers whose Python lacks a package, or a core that it can load: what runs, what is said."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
import pytest
from doctor.environments import FOR_STOCK, copy_of_hydrofoil, environment_with
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.cli.explain import summarize
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine, use_environment


def environment_without(folder: Path, missing: str) -> str:
    """Make an environment with Hydrofoil, PySpark and all but one package; return its Python."""
    packages = environment_with(folder, [name for name in FOR_STOCK if name != missing])
    copy_of_hydrofoil(packages)
    return str(folder / "bin" / "python")


def said(python: str) -> list[str]:
    """The lines that a daemon of this Python writes to stderr before it stops."""
    done = subprocess.run(
        [python, "-m", "hydrofoil.daemon", "pyspark.worker"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        timeout=60,
        check=False,
    )
    assert len(done.stdout) == 4, done.stderr.decode()
    return done.stderr.decode().splitlines()


@contextmanager
def workers_of(spark: SparkSession, python: str) -> Iterator[None]:
    """Run functions that are made inside the block by this Python."""
    context = spark.sparkContext
    before = context.pythonExec
    context.pythonExec = python
    try:
        with use_environment(spark, {"PYTHONPATH": ""}):
            yield
    finally:
        context.pythonExec = before


@pytest.mark.parametrize("useArrow", [False, True], ids=["pickled", "arrow"])
def test_plain_functions_are_fast_without_pandas(
    spark: SparkSession, tmp_path: Path, useArrow: bool
) -> None:
    if useArrow and pyspark.__version__.startswith(("3.5", "4.0")):
        pytest.skip("stock's worker needs pandas for them too, and raises")
    python = environment_without(tmp_path / "env", "pandas")
    with (
        workers_of(spark, python),
        use_engine(spark, HYDROFOIL),
        use_environment(spark, {"HYDROFOIL_TRACE": str(tmp_path / "trace")}),
    ):
        add = udf(lambda x: x + 1, "bigint", useArrow=useArrow)
        rows = spark.range(0, 3, 1, 1).select(add("id")).collect()
    assert [row[0] for row in rows] == [1, 2, 3]
    [ran] = summarize(tmp_path / "trace")
    assert [one["path"] for one in ran["udfs"]] == ["fast"]


def test_a_missing_pandas_is_said_once(tmp_path: Path) -> None:
    python = environment_without(tmp_path, "pandas")
    [line] = said(python)
    assert f"pandas is not installed for {python}, so functions of pandas fail" in line
    assert f'{python} -m pip install "pandas>=2.' in line
    assert ',<3" on this host' in line
    assert "stock" not in line and "install hydrofoil" not in line


@pytest.mark.parametrize("name", ["pyarrow", "numpy"])
def test_a_missing_package_is_named(tmp_path: Path, name: str) -> None:
    python = environment_without(tmp_path, name)
    line, *others = said(python)
    assert f"{name} is not installed for {python}, so stock PySpark's worker runs instead" in line
    assert f'{python} -m pip install "{name}>=' in line
    assert "version of hydrofoil" not in line
    assert others == []


def test_a_package_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    python = environment_without(tmp_path, "pyarrow")
    [packages] = tmp_path.glob("lib/python*/site-packages")
    (packages / "pyarrow.py").write_text("raise ImportError('made for NumPy 1')\n")
    [line] = said(python)
    assert f"pyarrow can't be imported by {python} (ImportError: made for NumPy 1)" in line
    assert f'{python} -m pip install --force-reinstall "pyarrow>=' in line


def test_a_core_for_a_different_python(tmp_path: Path) -> None:
    python = environment_without(tmp_path, "none")
    [packages] = tmp_path.glob("lib/python*/site-packages")
    for file in packages.glob("hydrofoil/_cext/**/*.so"):
        file.rename(file.with_name(file.name.partition(".")[0] + ".cpython-39-any.so"))
    [line] = said(python)
    assert "has a core built for cpython-39-any.so" in line
    version = ".".join(map(str, sys.version_info[:2]))
    assert f"install the driver's version of hydrofoil, built for Python {version}" in line
