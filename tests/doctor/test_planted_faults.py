"""Faults planted in real environments: each is found, and the message says what to do."""

import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from doctor.cluster import standalone
from doctor.command import LOCAL, ON, defaults_of, doctor
from doctor.environments import (
    FOR_STOCK,
    copy_of_hydrofoil,
    environment_with,
    package_of_version,
)

HOST = socket.gethostname()
# PATH has Java, and the system's Python.
NOT_ACTIVATED = {
    "PYSPARK_PYTHON": "",
    "PATH": os.pathsep.join([str(Path(shutil.which("java") or "java").parent), os.defpath]),
}


def test_nothing_planted(tmp_path: Path) -> None:
    answer = doctor(tmp_path, "--configured")
    assert answer.levels() == {"ok"}, answer.report["findings"]
    assert answer.code == 0
    assert answer.workers() == ["hydrofoil"]
    [process] = answer.report["executors"]
    assert process["tasks"] == 2
    assert process["packages"] == answer.report["driver"]["packages"]


def test_no_java(tmp_path: Path) -> None:
    answer = doctor(tmp_path, *ON, PATH=str(tmp_path))
    text = answer.found("Java", "broken")
    assert "no java on PATH, and JAVA_HOME is not set" in text
    assert "install a Java runtime, version 17 or newer" in text
    assert "set Java right first" in answer.found("executors", "note")
    assert answer.code == 2


def test_java_home_without_java(tmp_path: Path) -> None:
    answer = doctor(tmp_path, *ON, JAVA_HOME=str(tmp_path))
    assert f"JAVA_HOME is {tmp_path}, which has no bin/java" in answer.found("Java", "broken")


def test_java_too_old(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n")
    java.chmod(0o755)
    answer = doctor(tmp_path, *ON, JAVA_HOME=str(tmp_path))
    text = answer.found("Java", "broken")
    assert f"version 8 ({java})" in text
    assert "too old, since Spark needs 17 or newer: install a Java runtime" in text
    assert answer.code == 2


def test_extension_missing(tmp_path: Path) -> None:
    folder = copy_of_hydrofoil(tmp_path / "path", extension=False)
    answer = doctor(tmp_path, *ON, *LOCAL, PYTHONPATH=str(folder))
    text = answer.found("extension", "broken")
    assert "the package has no compiled core" in text
    assert "install a wheel of Hydrofoil made for Python" in text
    assert f"on {HOST}: extension missing" in answer.found("executors", "broken")
    assert answer.workers() == ["stock"]
    assert answer.code == 2


def test_extension_for_another_python(tmp_path: Path) -> None:
    folder = copy_of_hydrofoil(tmp_path / "path", extension=False)
    (folder / "hydrofoil" / "_cext" / "rows.cpython-399-x86_64-linux-gnu.so").touch()
    answer = doctor(tmp_path, *ON, "--no-job", PYTHONPATH=str(folder))
    assert "there is rows.cpython-399-x86_64" in answer.found("extension", "broken")


def test_pyarrow_too_old(tmp_path: Path) -> None:
    folder = package_of_version(tmp_path / "path", "pyarrow", "14.0.2")
    answer = doctor(tmp_path, *ON, "--no-job", PYTHONPATH=str(folder))
    text = answer.found("pyarrow", "broken")
    assert f"14.0.2 ({folder / 'pyarrow'})" in text
    assert "needs pyarrow 18.0.0 or newer" in text
    assert f'{sys.executable} -m pip install "pyarrow>=18.0.0" on the driver' in text
    assert answer.code == 2


def test_nothing_turns_it_on(tmp_path: Path) -> None:
    """As after an install; the environment is not activated, and PATH has a Python without it."""
    answer = doctor(tmp_path, *LOCAL, **NOT_ACTIVATED)
    text = answer.found("turned on", "note")
    assert "spark.python.daemon.module is not set" in text
    assert "hydrofoil.configure(builder) starts, which is what was checked" in text
    assert "put what hydrofoil defaults prints into spark-defaults.conf" in " ".join(text.split())
    assert answer.workers() == ["hydrofoil"]
    assert answer.code == 0


def test_stock_daemon_is_set(tmp_path: Path) -> None:
    """Workers run on this Python also where PATH has one without Hydrofoil first."""
    off = ("--conf", "spark.python.daemon.module=pyspark.daemon")
    answer = doctor(tmp_path, *LOCAL, *off, **NOT_ACTIVATED)
    text = answer.found("daemon", "warning")
    assert "spark.python.daemon.module is pyspark.daemon (--conf): stock PySpark runs" in text
    assert "put what hydrofoil defaults prints into spark-defaults.conf" in " ".join(text.split())
    assert "start the program with hydrofoil submit" in " ".join(text.split())
    assert "hydrofoil.configure(builder)" in text
    assert answer.workers() == ["stock"]
    assert answer.code == 1


def test_daemon_of_somebody_else(tmp_path: Path) -> None:
    defaults = defaults_of(tmp_path)
    defaults.write_text("spark.python.daemon.module their.daemon\n")
    text = doctor(tmp_path, "--no-job").found("daemon", "warning")
    assert f"is their.daemon ({defaults}), not Hydrofoil's" in text
    assert "spark.hydrofoil.daemon.inner=their.daemon" in text
    assert "spark.executorEnv.HYDROFOIL_DAEMON_INNER=their.daemon" in text

    defaults.write_text("spark.hydrofoil.daemon.inner their.daemon\n")
    text = doctor(tmp_path, *ON, "--no-job").found("inner daemon", "warning")
    assert "nothing passes it on to the executors" in text
    assert "set spark.executorEnv.HYDROFOIL_DAEMON_INNER=their.daemon" in text
    text = doctor(tmp_path, "--configured", "--no-job").found("inner daemon", "ok")
    assert "HYDROFOIL_DAEMON_INNER=their.daemon" in text


def test_package_missing_on_executor(tmp_path: Path) -> None:
    environment_with(tmp_path / "env", FOR_STOCK)
    python = str(tmp_path / "env" / "bin" / "python")
    answer = doctor(tmp_path, *ON, *LOCAL, "--conf", f"spark.pyspark.python={python}")
    texts = answer.all_found("executors", "broken")
    assert len(texts) == 2
    assert "the executors' Python has no Hydrofoil, so its daemon can't start" in texts[0]
    assert f"on {HOST}: Hydrofoil is not installed for {python}" in texts[1]
    assert f"install Hydrofoil for {python}, from a wheel or a checkout" in texts[1]
    assert f"(docs/installing.md) on {HOST}" in texts[1]
    assert "point PYSPARK_PYTHON" in texts[1]
    assert answer.code == 2


@pytest.mark.slow
def test_version_skew(tmp_path: Path) -> None:
    copy_of_hydrofoil(environment_with(tmp_path / "env", FOR_STOCK), version="0.0.9")
    python = str(tmp_path / "env" / "bin" / "python")
    with standalone(tmp_path) as master:
        cluster = ["--master", master, "--conf", "spark.executor.memory=512m"]
        cluster += ["--conf", "spark.driver.host=127.0.0.1"]
        answer = doctor(tmp_path, *ON, *cluster, PYSPARK_PYTHON=python)
    here = answer.report["driver"]["packages"]["hydrofoil"]["version"]
    text = answer.found("executors", "broken")
    assert f"version skew: hydrofoil is 0.0.9 there and {here} on the driver" in text
    assert f"install Hydrofoil {here} for {python}, from a wheel or a checkout" in text
    assert answer.workers() == ["hydrofoil"]
    assert answer.code == 2


@pytest.mark.parametrize(
    ("version", "level", "text"),
    [
        ("1.5.3", "broken", "too old, since Hydrofoil on Spark 4.3 needs pandas 2.2.0 or newer"),
        ("3.0.0", "warning", "Spark 4.3 does not fully support pandas 3 yet"),
    ],
)
def test_pandas_not_supported(tmp_path: Path, version: str, level: str, text: str) -> None:
    folder = package_of_version(tmp_path / "path", "pandas", version)
    answer = doctor(tmp_path, *ON, "--no-job", PYTHONPATH=str(folder))
    found = answer.found("pandas", level)
    assert text in found
    assert 'pip install "pandas>=2.2.0,<3"' in found
    assert answer.code == {"warning": 1, "broken": 2}[level]


def test_batch_size_tiny(tmp_path: Path) -> None:
    defaults = defaults_of(tmp_path)
    key = "spark.sql.execution.arrow.maxRecordsPerBatch"
    defaults.write_text(f"spark.python.daemon.module hydrofoil.daemon\n{key} = 10\n")
    answer = doctor(tmp_path, "--no-job")
    text = answer.found("settings", "warning")
    assert f"{key}=10 ({defaults}): tiny batches" in text
    assert "remove it (the default is 10000), or raise it" in text
    assert f"({defaults})" in answer.found("daemon", "ok")
    assert answer.code == 1


def test_turned_off(tmp_path: Path) -> None:
    answer = doctor(tmp_path, *ON, *LOCAL, HYDROFOIL="off")
    text = answer.found("HYDROFOIL", "warning")
    assert "HYDROFOIL=off (environment): workers run stock PySpark" in text
    assert "unset HYDROFOIL where the program is started" in text
    assert answer.workers() == ["stock"]
    assert answer.code == 1
