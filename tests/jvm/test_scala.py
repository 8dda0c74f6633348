"""The Scala tests of builders, spill file and row writer, and the order of the Scala sources."""

import shutil
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / "jvm/build.py").is_file() or pyspark.__version__.startswith("3."),
    reason="the Scala sources are in a checkout, and compiled by a PySpark 4",
)


def run(script: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=600, check=False
    )


def test_the_scala_tests_pass() -> None:
    done = run(ROOT / "jvm/test.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed" in done.stdout


def test_an_import_against_the_direction_names_both_files(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "jvm", tmp_path / "jvm", ignore=shutil.ignore_patterns("__pycache__"))
    assert run(tmp_path / "jvm/lint.py").returncode == 0
    ours = "org.apache.spark.sql.hydrofoil"
    (tmp_path / "jvm/src/memory/Upward.scala").write_text(
        f"package {ours}.memory\n\n"
        f"import {ours}.build.{{BitBuilder, ColumnBuilder => Builder}}\n\n"
        f"class Upward(one: Builder, two: BitBuilder) {{\n"
        f"  val rule = new {ours}.plan.HydrofoilRule\n}}\n"
    )
    done = run(tmp_path / "jvm/lint.py")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"jvm/src/memory/Upward.scala imports {name} of jvm/src/{home}.scala: "
        f"memory must not build on {package}, see jvm/lint.py"
        for name, home, package in (
            ("BitBuilder", "build/BitBuilder", "build"),
            ("ColumnBuilder", "build/ColumnBuilder", "build"),
            ("HydrofoilRule", "plan/HydrofoilRule", "plan"),
        )
    ]
