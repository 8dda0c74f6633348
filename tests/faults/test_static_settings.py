"""Settings that are fixed when Spark starts: Unix sockets and the workers' memory limit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hydrofoil.settings.launch import DAEMON_KEY

APPS = Path(__file__).parent / "apps"
SETTINGS = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.python.unix.domain.socket.enabled": "true",
    "spark.executor.pyspark.memory": "3g",
}


def run(app: Path, settings: dict[str, str], folder: Path) -> dict[str, Any]:
    """What a program printed that ran with these settings alone."""
    defaults = "".join(f"{key} {value}\n" for key, value in settings.items())
    (folder / "spark-defaults.conf").write_text(defaults)
    done = subprocess.run(
        [sys.executable, str(app)],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"SPARK_CONF_DIR": str(folder), "PYSPARK_PYTHON": sys.executable},
        timeout=180,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert lines, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads(lines[0].removeprefix("SEEN "))
    return seen


@pytest.mark.slow
def test_unix_sockets_and_memory_limit(tmp_path: Path) -> None:
    stock = run(APPS / "static_settings.py", SETTINGS | {DAEMON_KEY: "pyspark.daemon"}, tmp_path)
    assert stock["unix"].lower() == "true"
    assert stock["too much"] == "MemoryError"
    assert stock["sum"] == 5050
    assert 0 < stock["limit"] <= 3 << 30
    ours = run(APPS / "static_settings.py", SETTINGS | {DAEMON_KEY: "hydrofoil.daemon"}, tmp_path)
    # What workers share with their daemon comes on top.
    assert 0 < ours.pop("limit") - stock.pop("limit") < 512 << 20
    assert ours == stock


def test_functions_run_under_a_tight_limit(tmp_path: Path) -> None:
    """The daemon's imports alone have more address space than the limit allows."""
    settings = {
        "spark.master": "local[1]",
        "spark.ui.enabled": "false",
        "spark.executor.pyspark.memory": "200m",
        DAEMON_KEY: "hydrofoil.daemon",
    }
    seen = run(APPS / "memory_limit.py", settings, tmp_path)
    assert "MemoryError" in str(seen.pop("too much"))
    assert seen == {"pickled": 500500, "arrow": 500500}
