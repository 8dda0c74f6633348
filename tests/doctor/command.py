"""The doctor as users run it: a command with an environment."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# One slot is enough where all workers are alike.
LOCAL = ("--master", "local[1]")
ON = ("--conf", "spark.python.daemon.module=hydrofoil.daemon")

# What would turn something on or off that a test did not ask for.
FORGOTTEN = (
    "HYDROFOIL",
    "HYDROFOIL_TRACE",
    "JAVA_HOME",
    "PYSPARK_SUBMIT_ARGS",
    "PYTHONPATH",
    "SPARK_HOME",
)


@dataclass
class Answer:
    """What the command printed as JSON, and its exit code."""

    code: int
    report: dict[str, Any]

    def found(self, check: str, level: str) -> str:
        """The text of the only finding of a check at a level, and its advice."""
        texts = self.all_found(check, level)
        assert len(texts) == 1, self.report["findings"]
        return texts[0]

    def all_found(self, check: str, level: str) -> list[str]:
        return [
            f"{finding['found']}\n{finding['advice']}"
            for finding in self.report["findings"]
            if finding["check"] == check and finding["level"] == level
        ]

    def levels(self) -> set[str]:
        return {finding["level"] for finding in self.report["findings"]}

    def workers(self) -> list[str]:
        return [process["worker"] for process in self.report["executors"]]


def defaults_of(tmp_path: Path) -> Path:
    """Make the folder of settings, and return where its spark-defaults.conf is to be.

    A folder that is there is on the class path, and a JVM finds no archive of classes then.
    """
    folder = tmp_path / "conf"
    folder.mkdir()
    return folder / "spark-defaults.conf"


def doctor(
    tmp_path: Path, *options: str, python: str = sys.executable, **environment: str
) -> Answer:
    """Run the command without a spark-defaults.conf, but for one that `defaults_of` has named."""
    done = run(tmp_path, "--json", "-", *options, python=python, **environment)
    assert done.stdout.startswith("{"), done.stderr
    answer = Answer(done.returncode, json.loads(done.stdout))
    assert answer.report["exit_code"] == answer.code
    return answer


def run(
    tmp_path: Path, *options: str, python: str = sys.executable, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command; an empty variable is left out."""
    variables = {name: value for name, value in os.environ.items() if name not in FORGOTTEN}
    variables |= {"PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(tmp_path / "conf")}
    variables |= environment
    return subprocess.run(
        [python, "-m", "hydrofoil.tools.cli", "doctor", *options],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={name: value for name, value in variables.items() if value},
        timeout=300,
        check=False,
    )
