"""Each way of turning Hydrofoil on, and off again, on a real Spark of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

APPS = Path(__file__).parent / "apps"
UNCHANGED = str(APPS / "unchanged.py")
HYDROFOIL = [sys.executable, "-m", "hydrofoil.tools.cli"]
LOCAL = ["--master", "local[1]", "--conf", "spark.ui.enabled=false"]


def run(
    command: Iterable[str], folder: Path, stdin: str | None = None, **environment: str
) -> dict[str, Any]:
    """Run a command and return what it printed after SEEN; a variable set to "" is taken away."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables["PYSPARK_PYTHON"] = sys.executable
    done = subprocess.run(
        list(command),
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        env={name: value for name, value in (variables | environment).items() if value},
        timeout=180,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if "SEEN " in line]
    assert lines, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    seen: dict[str, Any] = {}
    for line in lines:
        seen |= json.loads(line.partition("SEEN ")[2])
    return seen


def test_from_code(tmp_path: Path) -> None:
    seen = run([sys.executable, str(APPS / "sessions.py")], tmp_path)
    assert seen["configure"] == [True, "kept"]
    assert seen["again"] is True
    assert seen["off"] == [True, "kept"]
    assert seen["off here"] == [True, "kept", "off"]
    assert "spark.python.daemon.module=pyspark.daemon" in seen["running"]
    assert "spark.stop()" in seen["running"]


def test_submit(tmp_path: Path) -> None:
    command = [*HYDROFOIL, "submit", *LOCAL, UNCHANGED, "one", "--two"]
    # Without PYSPARK_PYTHON, driver and local workers run on the command's own Python.
    seen = run(command, tmp_path, PYSPARK_PYTHON="", PATH="/usr/bin:/bin")
    assert seen["hydrofoil"]
    assert seen["argv"][0].endswith("hydrofoil/daemon.py")
    assert seen["arguments"] == ["one", "--two"]


@pytest.mark.slow
def test_submit_without_the_daemon(tmp_path: Path) -> None:
    options = [*LOCAL, "--conf", "spark.python.use.daemon=false"]
    seen = run([*HYDROFOIL, "submit", *options, UNCHANGED], tmp_path)
    assert seen["argv"][0].endswith("hydrofoil/worker.py")


def test_the_users_own_settings_win(tmp_path: Path) -> None:
    options = [*LOCAL, "--conf", "spark.python.daemon.module=pyspark.daemon"]
    seen = run([*HYDROFOIL, "submit", *options, UNCHANGED], tmp_path)
    assert not seen["hydrofoil"]
    assert seen["argv"][0].endswith("pyspark/daemon.py")


@pytest.mark.slow
@pytest.mark.parametrize("off", ["", "off"], ids=["on", "off"])
def test_spark_defaults(tmp_path: Path, off: str) -> None:
    settings = {
        "spark.master": "local[1]",
        "spark.ui.enabled": "false",
        "spark.python.daemon.module": "hydrofoil.daemon",
    }
    if off:
        settings["spark.executorEnv.HYDROFOIL"] = off
    defaults = "".join(f"{key} {value}\n" for key, value in settings.items())
    (tmp_path / "spark-defaults.conf").write_text(defaults)
    seen = run([sys.executable, UNCHANGED], tmp_path, SPARK_CONF_DIR=str(tmp_path))
    assert seen["hydrofoil"] == (not off)


@pytest.mark.slow
def test_shell(tmp_path: Path) -> None:
    # Without a terminal, only -i makes Python run the shell's start-up file.
    lines = (
        "import json\n"
        "look = lambda _: json.dumps({'hydrofoil': 'hydrofoil.worker' in"
        " __import__('sys').modules})\n"
        "from pyspark.sql.functions import udf\n"
        "print('SEEN', spark.range(1).select(udf(look, 'string')('id')).head()[0], flush=True)\n"
    )
    seen = run(
        [*HYDROFOIL, "shell", *LOCAL], tmp_path, stdin=lines, PYSPARK_DRIVER_PYTHON_OPTS="-i"
    )
    assert seen["hydrofoil"]
