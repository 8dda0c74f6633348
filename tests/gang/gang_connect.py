"""A Spark Connect server, and programs that are its clients."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from gang_cluster import APPS, MARK
from gang_leftovers import WAIT_S

from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS
from hydrofoil.settings.user_conf import spark_home

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
_HUB = "hydrofoil.gang.connect.host"
_LIMIT_S = 280
_HERE = Path(__file__).parent
_LOG = """rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.console.type = Console
appender.console.name = stderr
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1}: %m%n%ex
"""
_OWN = "HYDROFOIL_TEST_SERVER"  # In the environment of the server, and so of what it starts.


class Server:
    """A server, and the processes that it has started.

    Attributes
    ----------
    url : str
        ``sc://...``
    """

    def __init__(self, url: str, own: str) -> None:
        self.url = url
        self._own = own

    def run(self, app: str, *arguments: str) -> dict[str, Any]:
        """Run ``apps/<app>`` as a client; return what it tells, by its name."""
        done = subprocess.run(
            self.command(app, *arguments),
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            env=environment(),
        )
        told: dict[str, Any] = {}
        for line in done.stdout.splitlines():
            if line.startswith(MARK):
                told |= json.loads(line.removeprefix(MARK))
        assert done.returncode == 0 and told, done.stdout + done.stderr[-8000:]
        return told

    def command(self, app: str, *arguments: str) -> list[str]:
        return [sys.executable, str(APPS / app), self.url, *arguments]

    def has_no_hubs(self) -> bool:
        """Whether they end, of which clients don't wait for the last moment."""
        until = time.monotonic() + WAIT_S
        while self.hubs() and time.monotonic() < until:
            time.sleep(0.1)
        return not self.hubs()

    def hubs(self) -> list[int]:
        """The processes of hubs that this server has started."""
        mark, found = f"{_OWN}={self._own}", []
        for process in psutil.process_iter(["cmdline"]):
            if _HUB in (process.info["cmdline"] or []):
                try:
                    if mark in Path(f"/proc/{process.pid}/environ").read_text().split("\0"):
                        found.append(process.pid)
                except OSError:
                    pass  # It has ended.
        return found


def environment() -> dict[str, str]:
    found = [str(_HERE), str(_HERE.parent), *filter(None, sys.path)]
    return os.environ | {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(found)}


@contextmanager
def connect_server(
    folder: Path, master: str, settings: dict[str, str] | None = None
) -> Iterator[Server]:
    """Start a server with Hydrofoil's workers, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        DAEMON_KEY: SETTINGS[DAEMON_KEY],
        "spark.executorEnv.PYTHONPATH": environment()["PYTHONPATH"],
        **(settings or {}),
    }
    (folder / "conf").mkdir(exist_ok=True)
    (folder / "conf" / "log4j2.properties").write_text(_LOG)  # It would log every question.
    words = [word for item in conf.items() for word in ("--conf", "=".join(item))]
    command = [str(spark_home() / "bin/spark-submit"), "--master", master, "--class", SERVER]
    own = uuid.uuid4().hex
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(
            [*command, *words, "spark-internal"],
            cwd=folder,
            env=environment()
            | {"SPARK_CONF_DIR": str(folder / "conf"), "SPARK_LOCAL_IP": "127.0.0.1", _OWN: own},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Server(f"sc://127.0.0.1:{port}", own)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
