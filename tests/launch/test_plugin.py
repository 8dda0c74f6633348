"""All of Hydrofoil by one setting, spark.plugins: on Sparks of their own, and as others see it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import hydrofoil
from hydrofoil.settings import jvm_operators, plugin, turned_on
from hydrofoil.settings import sources as doctor_settings
from hydrofoil.settings.user_conf import spark_home, spark_version
from hydrofoil.tools.cli import main

pytestmark = pytest.mark.skipif(jvm_operators.jar() is None, reason="no jar: make jar")

APP = str(Path(__file__).parent / "apps/by_plugin.py")
JAR = str(jvm_operators.jar())
DAEMON, EXTENSIONS = "spark.python.daemon.module", jvm_operators.EXTENSIONS_KEY
SPARK_4 = not str(spark_version()).startswith("3.")
NAMED = {plugin.PLUGINS_KEY: plugin.PLUGIN}


def submit(folder: Path, master: str, conf: dict[str, str], **environment: str) -> dict[str, Any]:
    """What the application saw, and the plugin's lines, under spark-submit with some settings."""
    words = [word for item in (NAMED | conf).items() for word in ("--conf", "=".join(item))]
    done = subprocess.run(
        [str(spark_home() / "bin/spark-submit"), "--master", master, *words, APP],
        cwd=folder,
        env=os.environ
        | {"PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(folder / "conf")}
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert len(lines) == 1, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-8000:]}"
    seen: dict[str, Any] = json.loads(lines[0].removeprefix("SEEN "))
    said = re.findall(r"HydrofoilPlugin: (.*)", done.stderr)
    assert len(said) == 1, done.stderr
    return {**seen, "said": said[0]}


def test_on_a_cluster_by_the_jar_that_spark_ships(tmp_path: Path) -> None:
    """An executor is a JVM of its own, which loads the plugin from what the driver sends."""
    trace = str(tmp_path / "traces")
    conf = {"spark.jars": JAR, EXTENSIONS: "not.There"}
    conf["spark.executor.extraJavaOptions"] = os.environ.get("SPARK_SUBMIT_OPTS", "")
    seen = submit(tmp_path, "local-cluster[1,1,1024]", conf, HYDROFOIL_TRACE=trace)
    extensions = f"not.There,{jvm_operators.EXTENSION}" if SPARK_4 else "not.There"
    assert seen["worker"].endswith("hydrofoil/daemon.py")
    assert seen["operator"] == SPARK_4
    assert seen["trace"] == trace
    assert seen["files"] == "org.hydrofoil.spark.HydrofoilLocalFs"
    assert seen["extensions"] == extensions
    assert seen["said"].startswith(
        "Hydrofoil's plugin set spark.python.daemon.module=hydrofoil.daemon, "
        "spark.python.worker.module=hydrofoil.worker"
    )
    # The environment page shows what has been set.
    assert seen["page"] == {
        DAEMON: "hydrofoil.daemon",
        "spark.hydrofoil.plugin.applied": re.sub(
            r"^.* plugin set (.*?)(; left .*)?$", r"\1", seen["said"]
        ),
    }


def test_what_is_set_otherwise_is_left(tmp_path: Path) -> None:
    """With the jar on the class path, for a program that has settings of its own."""
    conf = {"spark.driver.extraClassPath": JAR, "spark.executor.extraClassPath": JAR}
    files = "org.apache.hadoop.fs.local.LocalFs"
    conf["spark.hadoop.fs.AbstractFileSystem.file.impl"] = files
    own = {DAEMON: "pyspark.daemon", EXTENSIONS: jvm_operators.EXTENSION if SPARK_4 else ""}
    seen = submit(tmp_path, "local[1]", conf | own)
    assert seen["worker"].endswith("pyspark/daemon.py")
    assert seen["operator"] == SPARK_4
    assert seen["files"] == files
    assert seen["said"].startswith(
        "Hydrofoil's plugin had nothing to set; left spark.python.daemon.module=pyspark.daemon"
    )


@pytest.fixture
def defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The spark-defaults.conf of this host."""
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS", raising=False)
    return tmp_path / "spark-defaults.conf"


def test_defaults_command(defaults: Path) -> None:
    defaults.write_text(f"{plugin.PLUGINS_KEY} a.B\nspark.jars /a.jar\n{EXTENSIONS} c.D\n")
    done = CliRunner().invoke(main, ["defaults", "--plugin"])
    assert sorted(done.output.splitlines()) == [
        f"spark.jars /a.jar,{JAR}",
        f"{plugin.PLUGINS_KEY} a.B,{plugin.PLUGIN}",
    ]


def test_the_doctor_knows_what_the_plugin_sets(defaults: Path) -> None:
    defaults.write_text(f"{plugin.PLUGINS_KEY} {plugin.PLUGIN}\nspark.jars {JAR}\n")
    found = doctor_settings.gather({}, configured=False)
    assert turned_on.is_on(found)
    assert found[DAEMON].source == plugin.PLUGINS_KEY
    assert (EXTENSIONS in found) == SPARK_4
    # Another daemon stays, and is Hydrofoil's no more.
    other = doctor_settings.gather({DAEMON: "other.daemon"}, configured=False)
    assert not turned_on.is_on(other) and other[DAEMON].value == "other.daemon"


@pytest.mark.skipif(not SPARK_4, reason="Spark 3.5 takes no operators")
def test_configure_beside_the_plugin(defaults: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both want the same; nothing is there twice."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    monkeypatch.setattr(SparkContext, "_jvm", None)
    defaults.write_text(
        f"{plugin.PLUGINS_KEY} {plugin.PLUGIN}\nspark.driver.extraClassPath {JAR}\n"
    )
    options = hydrofoil.configure(SparkSession.Builder().master("local[1]"))._options
    assert options[EXTENSIONS] == jvm_operators.EXTENSION
    assert "spark.jars" not in options and plugin.PLUGINS_KEY not in options
