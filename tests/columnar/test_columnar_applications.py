"""Applications of their own: on a cluster, by settings alone, and in JVMs that ran before."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_home

APP = str(Path(__file__).parent / "apps/columnar_query.py")
SUBMIT = [str(spark_home() / "bin/spark-submit"), "--conf", "spark.ui.enabled=false"]
LOCAL = ["--master", "local[2]"]
# Two executors, each a JVM of its own that gets the jar from the driver, and lives as short.
CLUSTER = ["--master", "local-cluster[2,1,1024]"]
CLUSTER += ["--conf", f"spark.executor.extraJavaOptions={os.environ.get('SPARK_SUBMIT_OPTS', '')}"]
ALL = {"answer": 500500, "collected": True, "operators": [True, True]}


def run(command: list[str], folder: Path, **environment: str) -> dict[str, Any]:
    """Run a command and return what it printed after SEEN."""
    variables = {"PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(folder / "conf")}
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | variables | environment,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert len(lines) == 1, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    seen: dict[str, Any] = json.loads(lines[0].removeprefix("SEEN "))
    return seen


def settings() -> list[str]:
    conf = jvm_operators.additions({})
    return [word for item in conf.items() for word in ("--conf", "=".join(item))]


@pytest.mark.parametrize(
    "daemon", [pytest.param("pyspark.daemon", marks=pytest.mark.slow), "hydrofoil.daemon"]
)
def test_on_a_cluster_by_settings_alone(tmp_path: Path, daemon: str) -> None:
    worker = ["--conf", f"spark.python.daemon.module={daemon}"]
    seen = run([*SUBMIT, *CLUSTER, *settings(), *worker, APP], tmp_path)
    assert seen == {**ALL, "processes": 3}


def test_by_spark_defaults(tmp_path: Path) -> None:
    lines = subprocess.run(
        [sys.executable, "-m", "hydrofoil.tools.cli", "defaults"],
        env=os.environ | {"SPARK_CONF_DIR": str(tmp_path / "conf")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/spark-defaults.conf").write_text(lines)
    assert run([*SUBMIT, *LOCAL, APP], tmp_path)["operators"] == [True, True]


@pytest.mark.slow
def test_by_hydrofoil_submit(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hydrofoil.tools.cli", "submit", *LOCAL, APP]
    assert run(command, tmp_path)["operators"] == [True, True]
    without = [*command[:4], "--no-columnar", *command[4:]]
    assert run(without, tmp_path)["operators"] == [False, False]


@pytest.mark.parametrize("when", ["first", pytest.param("later", marks=pytest.mark.slow)])
def test_by_configure_in_an_application_that_was_submitted(tmp_path: Path, when: str) -> None:
    """Its JVM runs already, without the jar."""
    daemon = ["--conf", "spark.python.daemon.module=hydrofoil.daemon"]
    seen = run([*SUBMIT, *LOCAL, *daemon, APP, "configure", when], tmp_path)
    assert seen["operators"] == [True, True]


@pytest.mark.slow
def test_by_configure_with_the_users_own_jars(tmp_path: Path) -> None:
    """They come before the builder's, which must not cost Hydrofoil its own."""
    mine = next(spark_home().glob("jars/py4j-*.jar"))
    arguments = f"--jars {mine} --master local[2] pyspark-shell"
    seen = run([sys.executable, APP, "configure"], tmp_path, PYSPARK_SUBMIT_ARGS=arguments)
    assert seen["operators"] == [True, True]
