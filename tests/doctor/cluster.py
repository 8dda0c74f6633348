"""A standalone master with its workers, on this machine's loopback."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hydrofoil.settings.user_conf import spark_home

STARTED = re.compile(r"Starting Spark master at (spark://\S+)")


@contextmanager
def standalone(
    folder: Path, workers: int = 1, cores: int = 1, *, apart: bool = False
) -> Iterator[str]:
    """Start a master and its workers, yield the master's URL, and end them all.

    Parameters
    ----------
    apart : bool
        Each worker has an address of its own, and so is a different host for Spark.
    """
    with ExitStack() as started:
        master = start(folder / "master.log", "master.Master")
        started.callback(stop, master)
        [url] = wait_for(folder / "master.log", STARTED, master)
        slots = ["--cores", str(cores), "--memory", "1g", "--work-dir", str(folder / "work")]
        for number in range(workers):
            log, host = folder / f"worker-{number}.log", f"127.0.0.{number + 2 if apart else 1}"
            worker = start(log, "worker.Worker", *slots, url, host=host)
            started.callback(stop, worker)
        wait_for(folder / "master.log", re.compile("Registering worker"), worker, workers)
        yield url


def start(
    log: Path, name: str, *arguments: str, host: str = "127.0.0.1"
) -> "subprocess.Popen[bytes]":
    place = ["--host", host, "--port", "0", "--webui-port", "0"]
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
                # They end before optimized code pays.
                "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
                "SPARK_LOCAL_IP": host,
            },
        )


def wait_for(
    log: Path, line: re.Pattern[str], process: "subprocess.Popen[bytes]", times: int = 1
) -> list[str]:
    for _ in range(600):
        found = line.findall(log.read_text(errors="replace"))
        if len(found) >= times:
            return found[:times]
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
