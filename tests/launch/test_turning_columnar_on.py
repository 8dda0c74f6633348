"""What turns the JVM's half on, merged with what the user has set; no Spark is started."""

import os
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyspark import SparkContext
from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.spark_command import spark_command
from hydrofoil.settings.user_conf import conf_of, spark_version, with_conf
from hydrofoil.tools.cli import main

JARS, EXTENSIONS = "spark.jars", "spark.sql.extensions"
JAR = str(jvm_operators.jar())

needs_jar = pytest.mark.skipif(
    jvm_operators.why_not(spark_version()) is not None, reason="no jar for this Spark: make jar"
)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process without a JVM, and a host without spark-defaults.conf."""
    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    monkeypatch.setattr(SparkContext, "_jvm", None)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    for name in ("HYDROFOIL", "HYDROFOIL_ROWS", "PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)


def configured(builder: SparkSession.Builder, columnar: bool | None = None) -> dict[str, str]:
    options: dict[str, str] = hydrofoil.configure(builder, columnar=columnar)._options
    return options


@needs_jar
def test_the_jar_and_its_extension() -> None:
    options = configured(SparkSession.Builder().master("local[1]"))
    assert (options[JARS], options[EXTENSIONS]) == (JAR, jvm_operators.EXTENSION)
    assert jvm_operators.is_on(options) and jvm_operators.is_given(options)
    options = configured(SparkSession.Builder().config(jvm_operators.ENABLED_KEY, "false"))
    assert not jvm_operators.is_on(options)


def test_left_out_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not configured(SparkSession.Builder(), columnar=False).keys() & jvm_operators.KEYS
    # Nothing of Hydrofoil is to be loaded.
    monkeypatch.setenv("HYDROFOIL", "off")
    assert not configured(SparkSession.Builder()).keys() & jvm_operators.KEYS


@needs_jar
def test_added_to_the_users_lists(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text(f"{JARS} /a.jar, /b.jar\n{EXTENSIONS} a.B\n")
    options = configured(SparkSession.Builder())
    assert options[JARS] == f"/a.jar,/b.jar,{JAR}"
    assert options[EXTENSIONS] == f"a.B,{jvm_operators.EXTENSION}"
    # A builder's own settings replace the file's, so they alone are kept. Once is enough.
    own = f"{jvm_operators.EXTENSION},c.D"
    builder = SparkSession.Builder().config(JARS, "/c.jar").config(EXTENSIONS, own)
    options = configured(builder)
    assert (options[JARS], options[EXTENSIONS]) == (f"/c.jar,{JAR}", own)
    again = configured(builder)
    assert (again[JARS], again[EXTENSIONS]) == (f"/c.jar,{JAR}", own)
    # A user's own copy of the jar is the one that is loaded.
    copy = "hdfs:///lib/hydrofoil-spark.jar"
    assert configured(SparkSession.Builder().config(JARS, copy))[JARS] == copy


@needs_jar
def test_added_to_what_pyspark_submit_args_give(monkeypatch: pytest.MonkeyPatch) -> None:
    # They win over the builder's when the JVM starts, where the extension has to be found.
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--jars /a.jar --conf 'spark.b=c d' pyspark-shell")
    assert configured(SparkSession.Builder())[JARS] == f"/a.jar,{JAR}"
    words = shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"])
    assert words == ["--jars", f"/a.jar,{JAR}", "--conf", "spark.b=c d", "pyspark-shell"]
    before = "--conf 'spark.b=c d' pyspark-shell"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", before)
    configured(SparkSession.Builder())
    assert os.environ["PYSPARK_SUBMIT_ARGS"] == before


@needs_jar
def test_submit_adds_to_the_users_options() -> None:
    args = [
        "-v",
        "--jars=/a.jar",
        "-c",
        f"{EXTENSIONS}=a.B",
        "--name",
        "x",
        "app.py",
        "--jars",
        "b",
    ]
    words, _ = spark_command("spark-submit", args)
    assert words[-len(args) - 1 :] == [
        *("-v", "--jars", f"/a.jar,{JAR}", "-c", f"{EXTENSIONS}=a.B,{jvm_operators.EXTENSION}"),
        *("--name", "x", "app.py", "--jars", "b"),
    ]
    without, _ = spark_command("spark-submit", args, columnar=False)
    assert without[-len(args) :] == args and not any(JAR in word for word in without)


def test_options_as_spark_submit_reads_them(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.a 1\nspark.b 2\n")
    other = tmp_path / "other.conf"
    other.write_text("spark.b 3\n")
    given = ["--supervise", "--conf", "spark.jars=/no.jar", "--jars", "/a.jar", "--conf=spark.c=4"]
    assert conf_of(given) == {
        **{"spark.a": "1", "spark.b": "2"},
        **{"spark.jars": "/a.jar", "spark.c": "4"},
    }
    assert conf_of(["--properties-file", str(other)]) == {"spark.b": "3"}
    twice = [
        "--properties-file",
        str(tmp_path / "spark-defaults.conf"),
        f"--properties-file={other}",
    ]
    assert conf_of(twice) == {"spark.b": "3"}
    both = ["--load-spark-defaults", "--properties-file", str(other)]
    assert conf_of(both) == {"spark.a": "1", "spark.b": "3"}
    assert conf_of(["app.py", "--conf", "spark.c=4"]) == {"spark.a": "1", "spark.b": "2"}
    assert with_conf(["--conf"], {"spark.a": "5"}) == ["--conf"]


@needs_jar
def test_defaults_command(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text(f"{JARS} /a.jar\n")
    printed = CliRunner().invoke(main, ["defaults"]).output.splitlines()
    workers = [
        "spark.python.daemon.module hydrofoil.daemon",
        "spark.python.worker.faulthandler.enabled true",
        "spark.sql.execution.pyspark.udf.faulthandler.enabled true",
    ]
    assert sorted(printed) == sorted(
        [f"{JARS} /a.jar,{JAR}", *workers, f"{EXTENSIONS} {jvm_operators.EXTENSION}"]
    )
    printed = CliRunner().invoke(main, ["defaults", "--no-columnar"]).output.splitlines()
    assert sorted(printed) == workers


def spark_folder(folder: Path, version: str) -> Path:
    """A folder that looks like a Spark of that version."""
    (folder / "jars").mkdir(parents=True)
    (folder / "jars" / f"spark-core_2.13-{version}.jar").touch()
    return folder


@pytest.mark.skipif(jvm_operators.jar() is None, reason="make jar")
@pytest.mark.parametrize("version", ["3.5.9", "4.99.0-SNAPSHOT"])
def test_says_once_that_another_spark_has_none(
    version: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SPARK_HOME", str(spark_folder(tmp_path / version, version)))
    for _ in range(2):
        assert not configured(SparkSession.Builder()).keys() & jvm_operators.KEYS
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and f"Spark {version} is not one of those" in said[0]
    with pytest.raises(UsageError, match=f"columnar=True, but Spark {version}"):
        configured(SparkSession.Builder(), columnar=True)
