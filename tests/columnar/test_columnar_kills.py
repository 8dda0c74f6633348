"""kill -9 of a worker and of an executor, on a cluster: nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from doctor.cluster import standalone

from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_home

APP = Path(__file__).parent / "apps/waiting_query.py"
ROWS = 300_000
ANSWER = [ROWS * (ROWS - 1) // 2, sum(len(f"row {i}") for i in range(ROWS))]
# The strings that pass through take six times as much.
CONF = {
    "spark.hydrofoil.columnar.passThroughMemory": "1m",
    "spark.python.daemon.module": "hydrofoil.daemon",
    "spark.executor.memory": "512m",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.unsafe.exceptionOnMemoryLeak": "true",
}
T = TypeVar("T")


def awaited(look: Callable[[], T], seconds: float = 120) -> T:
    """Look until there is something to see; the last look counts."""
    end = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


def spilled(executor: psutil.Process) -> list[str]:
    """Files that the process has open and that have no name any more."""
    links = []
    for descriptor in Path(f"/proc/{executor.pid}/fd").iterdir():
        try:
            links.append(os.readlink(descriptor))
        except FileNotFoundError:
            continue
    return [link for link in links if "temp_local_" in link and link.endswith("(deleted)")]


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "executor"])
def test_kill_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    local, temporary, notes = (tmp_path / name for name in ("local", "temporary", "notes"))
    for folder in (local, temporary, notes):
        folder.mkdir()
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(local))
    monkeypatch.setenv("TMPDIR", str(temporary))
    with standalone(tmp_path) as master:
        conf = [f"{key}={value}" for key, value in jvm_operators.additions(CONF).items()]
        conf += [f"{key}={value}" for key, value in CONF.items()]
        options = [word for setting in conf for word in ("--conf", setting)]
        submit = [spark_home() / "bin/spark-submit", "--master", master, *options, APP, notes]
        with (tmp_path / "driver.log").open("wb") as log:
            driver = subprocess.Popen(
                [str(word) for word in submit],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ
                | {
                    "PYSPARK_PYTHON": sys.executable,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    "SPARK_CONF_DIR": str(tmp_path),
                    "SPARK_LOCAL_IP": "127.0.0.1",
                },
            )
        try:
            kill(victim, notes, driver)
        finally:
            (notes / "seen").touch()
            try:
                driver.wait(60)
            finally:
                driver.kill()
        # Spark's worker removes an application's folders a moment after it has ended.
        awaited(lambda: not files(local), 30)
        assert not files(local)
        assert not files(temporary)
        logs = [log.read_text() for log in (tmp_path / "work").glob("*/*/stderr")]
        assert len(logs) == (2 if victim == "executor" else 1)
        assert not any("leak" in log for log in logs)


def kill(victim: str, notes: Path, driver: "subprocess.Popen[bytes]") -> None:
    """Kill the process while its function waits; look at what is left once the query is done."""
    waiting, answered = notes / "waiting", notes / "answered"
    awaited(lambda: waiting.exists() or driver.poll() is not None)
    worker, daemon = map(psutil.Process, json.loads(waiting.read_text()))
    executor = daemon.parent()
    assert executor is not None
    assert executor.name() == "java"
    assert spilled(executor)

    ends = [worker] if victim == "worker" else [executor, daemon, worker]
    ends[0].send_signal(signal.SIGKILL)
    awaited(lambda: answered.exists() or driver.poll() is not None)
    assert json.loads(answered.read_text()) == {"answer": ANSWER, "ours": True}
    awaited(lambda: not any(process.is_running() for process in ends), 30)
    assert not any(process.is_running() for process in ends)
    if victim == "worker":
        assert executor.is_running()
        awaited(lambda: not spilled(executor), 30)
        assert not spilled(executor)
