"""A standalone master with one worker, on this machine's loopback."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydrofoil.user_conf import spark_home

STARTED = re.compile(r"Starting Spark master at (spark://\S+)")


@contextmanager
def standalone(folder: Path) -> Iterator[str]:
    """Start both, yield the master's URL, and end both."""
    master = start(folder / "master.log", "master.Master")
    try:
        [url] = wait_for(folder / "master.log", STARTED, master)
        slots = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / "work")]
        worker = start(folder / "worker.log", "worker.Worker", *slots, url)
        try:
            wait_for(folder / "master.log", re.compile(r"(Registering worker)"), worker)
            yield url
        finally:
            stop(worker)
    finally:
        stop(master)


def start(log: Path, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
    place = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
    home = spark_home()
    with log.open("wb") as stream:
        return subprocess.Popen(
            [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", *place, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env={
                **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                "SPARK_HOME": str(home),
                "SPARK_DAEMON_MEMORY": "256m",
                "SPARK_LOCAL_IP": "127.0.0.1",
            },
        )


def wait_for(log: Path, line: re.Pattern[str], process: "subprocess.Popen[bytes]") -> list[str]:
    for _ in range(600):
        found = line.findall(log.read_text(errors="replace"))
        if found:
            return found[:1]
        assert process.poll() is None, log.read_text(errors="replace")
        time.sleep(0.1)
    raise TimeoutError(log.read_text(errors="replace"))


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
