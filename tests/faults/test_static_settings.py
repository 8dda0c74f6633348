"""Settings that are fixed when Spark starts: Unix sockets and the workers' memory limit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

APP = Path(__file__).parent / "apps" / "static_settings.py"
SETTINGS = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.python.unix.domain.socket.enabled": "true",
    "spark.executor.pyspark.memory": "3g",
}


def run(daemon: str, folder: Path) -> dict[str, Any]:
    settings = SETTINGS | {"spark.python.daemon.module": daemon}
    defaults = "".join(f"{key} {value}\n" for key, value in settings.items())
    (folder / "spark-defaults.conf").write_text(defaults)
    done = subprocess.run(
        [sys.executable, str(APP)],
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
    stock = run("pyspark.daemon", tmp_path)
    assert stock["unix"].lower() == "true"
    assert stock["too much"] == "MemoryError"
    assert stock["sum"] == 5050
    assert 0 < stock["limit"] <= 3 << 30
    assert run("hydrofoil.daemon", tmp_path) == stock
