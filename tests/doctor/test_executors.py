"""Jobs that fail, and what is made of Spark's message."""

import sys
from pathlib import Path

from doctor.command import LOCAL, ON, doctor


def test_python_that_is_not_there(tmp_path: Path) -> None:
    python = str(tmp_path / "python")
    text = doctor(tmp_path, *ON, *LOCAL, PYSPARK_PYTHON=python).found("executors", "broken")
    assert f"the executors' Python, {python}, can't be started" in text
    assert "point PYSPARK_PYTHON" in text


def test_turned_off_on_the_host_alone(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nHYDROFOIL=off exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    answer = doctor(tmp_path, *ON, *LOCAL, PYSPARK_PYTHON=str(python))
    text = answer.found("executors", "warning")
    assert "stock PySpark's worker ran, although Hydrofoil is turned on" in text
    assert "remove HYDROFOIL=off from the environment of that host's executors" in text
    assert answer.workers() == ["stock"]
    assert answer.code == 1


def test_setting_that_spark_refuses(tmp_path: Path) -> None:
    answer = doctor(tmp_path, *ON, "--conf", "spark.buffer.size=1k")
    text = answer.found("executors", "broken")
    assert "The value '1k' in the config \"spark.buffer.size\" is invalid" in text
    assert "this is Spark's own message" in text


def test_master_that_does_not_answer(tmp_path: Path) -> None:
    master = "spark://127.0.0.1:1"
    answer = doctor(tmp_path, *ON, "--master", master, "--timeout", "6")
    text = answer.found("executors", "broken")
    assert "no answer after 6 s" in text
    assert f"see whether {master} has free slots" in text
