"""A real cluster for gangs: a standalone master, two workers of two cores, and a program on it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from doctor.cluster import standalone

from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS

APPS = Path(__file__).parent / "apps"
MARK = "GANG "
_LIMIT_S = 240


class Cluster:
    """Runs programs; each takes all of the cluster's four cores, in two executors."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder

    def run(self, app: str, *arguments: str, settings: dict[str, str] | None = None) -> Any:
        """Run ``apps/<app>`` as a driver of its own; return what it ``tell``s."""
        conf = {
            "spark.master": self.url,
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.executor.memory": "512m",
            "spark.sql.shuffle.partitions": "2",
            DAEMON_KEY: SETTINGS[DAEMON_KEY],
            # Executors don't inherit it; a checkout that isn't installed is found by it.
            "spark.executorEnv.PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            **(settings or {}),
        }
        (self._folder / "conf").mkdir(exist_ok=True)
        lines = [f"{key} {value}\n" for key, value in conf.items() if value]
        (self._folder / "conf" / "spark-defaults.conf").write_text("".join(lines))
        done = subprocess.run(
            [sys.executable, str(APPS / app), *arguments],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            env={
                **os.environ,
                "SPARK_CONF_DIR": str(self._folder / "conf"),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "PYSPARK_PYTHON": sys.executable,
            },
        )
        told = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
        assert done.returncode == 0 and len(told) == 1, done.stdout + done.stderr[-8000:]
        return json.loads(told[0].removeprefix(MARK))


@contextmanager
def two_workers(folder: Path) -> Iterator[Cluster]:
    """Start the cluster; when it ends, nothing of it may be left."""
    before = {process.pid for process in psutil.process_iter()}
    with standalone(folder, workers=2, cores=2) as url:
        yield Cluster(url, folder)
    mine = [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid not in before and str(folder) in " ".join(process.info["cmdline"] or [])
    ]
    _, alive = psutil.wait_procs(mine, timeout=30)
    assert alive == []
