"""What `configure` makes of a builder, before any Spark is started."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyspark import SparkContext
from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.settings.spark_command import spark_command
from hydrofoil.settings.user_conf import spark_home
from hydrofoil.tools.cli import gang as gang_command
from hydrofoil.tools.cli import main


@pytest.fixture(autouse=True)
def no_running_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests' session may run in this process; these tests are about a process without."""
    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    for name in ("HYDROFOIL", "HYDROFOIL_TRACE", "HYDROFOIL_ROWS", "SPARK_REMOTE", "MASTER"):
        monkeypatch.delenv(name, raising=False)


def test_sets_its_keys_and_no_other() -> None:
    builder = SparkSession.builder.master("local[1]").config("spark.executorEnv.A", "1")
    assert hydrofoil.configure(builder, columnar=False) is builder
    assert builder._options == {
        "spark.master": "local[1]",
        "spark.executorEnv.A": "1",
        "spark.python.daemon.module": "hydrofoil.daemon",
        "spark.python.worker.module": "hydrofoil.worker",
        "spark.hydrofoil.counts": "true",
        "spark.python.worker.faulthandler.enabled": "true",
        "spark.sql.execution.pyspark.udf.faulthandler.enabled": "true",
    }


def test_the_command_of_a_python() -> None:
    command = [sys.executable, "-m", "hydrofoil", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"hydrofoil, version {version('hydrofoil')}\n"


def test_passes_its_variables_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDROFOIL_TRACE", "1")
    monkeypatch.setenv("HYDROFOIL", "off")
    builder = SparkSession.builder.master("local[1]").config("spark.executorEnv.HYDROFOIL", "on")
    options = hydrofoil.configure(builder)._options
    assert options["spark.executorEnv.HYDROFOIL_TRACE"] == "1"
    assert options["spark.executorEnv.HYDROFOIL"] == "on"


ROWS = {
    "spark.sql.execution.pythonUDF.arrow.enabled": "true",
    "spark.executorEnv.HYDROFOIL_ROWS": "arrow",
}


def test_rows_are_two_more_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = hydrofoil.configure(SparkSession.Builder(), rows="arrow")
    assert builder._options.items() >= ROWS.items()
    monkeypatch.setenv("HYDROFOIL_ROWS", "arrow")
    assert hydrofoil.configure(SparkSession.Builder())._options.items() >= ROWS.items()
    stock = hydrofoil.configure(SparkSession.Builder(), rows="stock")._options
    assert not stock.keys() & ROWS.keys()


def test_submit_takes_rows() -> None:
    words, _ = spark_command("spark-submit", ["app.py"], rows="arrow")
    assert {f"{key}={value}" for key, value in ROWS.items()} <= set(words)
    assert words[-1] == "app.py"


@pytest.mark.parametrize(
    ("master", "before", "after"),
    [
        ("local[2]", None, sys.executable),
        ("local[2]", "/somewhere/python", "/somewhere/python"),
        ("yarn", None, None),
    ],
)
def test_local_workers_run_on_this_python(
    master: str, before: str | None, after: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", before or "")
    if before is None:
        monkeypatch.delenv("PYSPARK_PYTHON")
    hydrofoil.configure(SparkSession.builder.master(master))
    assert os.environ.get("PYSPARK_PYTHON") == after


@pytest.mark.parametrize(
    ("defaults", "arguments", "variable", "local"),
    [
        ("", "pyspark-shell", None, True),
        ("spark.master yarn", "pyspark-shell", None, False),
        ("spark.master yarn", "--master local[2] pyspark-shell", None, True),
        ("spark.master local[2]", "pyspark-shell", "yarn", True),
        ("", "--master yarn pyspark-shell", None, False),
        ("", "--conf spark.master=yarn pyspark-shell", None, False),
        ("", "pyspark-shell", "yarn", False),
    ],
)
def test_whose_master_is_configured_elsewhere(
    defaults: str,
    arguments: str,
    variable: str | None,
    local: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "spark-defaults.conf").write_text(f"{defaults}\n")
    monkeypatch.setattr(SparkContext, "_jvm", None)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", arguments)
    monkeypatch.setenv("PYSPARK_PYTHON", "")
    monkeypatch.delenv("PYSPARK_PYTHON")
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    if variable is not None:
        monkeypatch.setenv("MASTER", variable)
    hydrofoil.configure(SparkSession.Builder(), columnar=False)
    # The executors of a cluster may have no such path.
    assert os.environ.get("PYSPARK_PYTHON") == (sys.executable if local else None)


def test_gangs_on_a_cluster_run_on_its_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "")
    monkeypatch.delenv("PYSPARK_PYTHON")
    # All but the start of Spark.
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", lambda self: self)
    gang_command.session("spark://nowhere:7077", {})
    assert "PYSPARK_PYTHON" not in os.environ
    gang_command.session("local[1]", {})
    assert os.environ["PYSPARK_PYTHON"] == sys.executable


def test_refuses_to_replace_another_daemon() -> None:
    builder = SparkSession.builder.config("spark.python.daemon.module", "somebody.elses")
    with pytest.raises(
        UsageError, match=r"spark\.python\.daemon\.module is set to 'somebody"
    ) as error:
        hydrofoil.configure(builder)
    assert "set spark.hydrofoil.daemon.inner=somebody.elses instead of" in str(error.value)


def test_passes_on_which_daemon_to_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDROFOIL_AFTER_FORK", "a_module:a_function")
    builder = SparkSession.builder.config("spark.hydrofoil.daemon.inner", "somebody.elses")
    options = hydrofoil.configure(builder)._options
    assert options["spark.python.daemon.module"] == "hydrofoil.daemon"
    assert options["spark.executorEnv.HYDROFOIL_DAEMON_INNER"] == "somebody.elses"
    assert options["spark.executorEnv.HYDROFOIL_AFTER_FORK"] == "a_module:a_function"


def test_says_that_a_connect_server_has_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="they run on the server"):
        hydrofoil.configure(SparkSession.builder.remote("sc://localhost"))
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost")
    with pytest.raises(UsageError, match="they run on the server"):
        hydrofoil.configure(SparkSession.builder)


def test_spark_home_is_the_environments_or_the_installed_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPARK_HOME", raising=False)
    assert (spark_home() / "bin" / "spark-submit").is_file()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    result = CliRunner().invoke(main, ["submit", "app.py"])
    assert result.exit_code == 1
    assert f"{tmp_path}/bin/spark-submit does not exist" in result.output


def test_submit_needs_an_application() -> None:
    result = CliRunner().invoke(main, ["submit"])
    assert result.exit_code == 2
    assert "hydrofoil submit app.py" in result.output
