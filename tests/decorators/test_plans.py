"""Hydrofoil's `udf`, `pandas_udf` and `arrow_udf` are PySpark's own: kind, plan, what is sent."""

import json
import os
import subprocess
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyspark
import pytest
from decorators_plans import differences, integer
from doctor.cluster import STARTED, start, stop, wait_for
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil.settings.rows import ARROW_KEY
from hydrofoil.tools.parity.engines import use_conf

PROGRAM = Path(__file__).with_name("decorators_plans.py")
ROWS_BY_DEFAULT = 101 if tuple(map(int, pyspark.__version__.split(".")[:2])) >= (4, 2) else 100


def test_in_a_local_session(spark: SparkSession) -> None:
    assert differences(spark) == {}
    assert hydrofoil.udf(integer).evalType == ROWS_BY_DEFAULT


def test_the_session_decides_when_the_function_is_made(spark: SparkSession) -> None:
    made = []
    for arrow in ("true", "false"):
        with use_conf(spark, {ARROW_KEY: arrow}):
            made.append((hydrofoil.udf(integer), F.udf(lambda x: x, "bigint")))
            made.append((made[0][0].asNondeterministic(), made[0][1]))
    assert [ours.evalType for ours, _ in made] == [101, 101, 100, 101]
    assert [theirs.evalType for _, theirs in made] == [101, 101, 100, 101]


def test_hints_are_no_reason_to_warn(spark: SparkSession) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hydrofoil.udf(integer)


@pytest.mark.parametrize("where", ["connect", pytest.param("cluster", marks=pytest.mark.slow)])
def test_in_a_session_with_default_settings(where: str, tmp_path: Path) -> None:
    if where == "connect" and pyspark.__version__.startswith("3."):
        pytest.skip("Spark 3.5's server is no part of PySpark")
    with ExitStack() as started:
        if where == "cluster":
            # Plans are made without any worker.
            master = start(tmp_path / "master.log", "master.Master")
            started.callback(stop, master)
            [where] = wait_for(tmp_path / "master.log", STARTED, master)
        found = printed(where, tmp_path)
    assert found == {"differences": {}, "kinds": [ROWS_BY_DEFAULT, ROWS_BY_DEFAULT]}


def printed(where: str, folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), where],
        # PySpark then lets a server take any free port.
        env=os.environ | {"SPARK_TESTING": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULTS ")]
    assert lines, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    return json.loads(lines[0].removeprefix("RESULTS "))
