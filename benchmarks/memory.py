"""Memory of daemon, worker and JVM, beside stock's: ``python -m benchmarks.memory``.

First each engine has a Spark of its own (``local[1]``), in which the same queries run; what its
processes hold afterwards is read from the kernel. Then one small task of each kind is sent to a
worker of each daemon, again and again under different limits, as Spark sets them by
``spark.executor.pyspark.memory``: the least one, in MiB, under which the task is answered as it is
without. ``--engine`` is for this program itself.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from typing import Any

import click
import psutil
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil
from benchmarks.small_tasks import authenticated, recorded
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.machine import describe_machine

_LIMIT = "PYSPARK_EXECUTOR_MEMORY_MB"
_ENDS = (struct.pack("!i", -4), struct.pack("!i", -1))  # Of what a worker answers: all is well.
_MOST_MIB = 1024
_STEP_MIB = 8
_ROWS = 1_000_000
_PATIENCE_S = 20.0  # A worker without memory may hang.
_LATE_S = 4.0  # Daemons import pandas after their first workers.
DAEMONS = {"stock": "pyspark.daemon", "Hydrofoil": "hydrofoil.daemon"}
Held = dict[str, float]


# --- Processes of a Spark -------------------------------------------------------------------------


def held_by(process: psutil.Process) -> Held:
    """What a process holds, in MB; PSS counts a page that n share as an n-th of one."""
    full = process.memory_full_info()
    return {"address space": full.vms / 1e6, "RSS": full.rss / 1e6, "PSS": full.pss / 1e6}


def session_of(engine: str) -> dict[str, Held]:
    """Run the queries in a Spark of this process; return what its processes hold after them."""
    conf = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    if engine == "stock":
        builder = SparkSession.builder.master("local[1]")
        for key, value in conf.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
    else:
        spark = hydrofoil.session("local[1]", conf=conf)
    spark.sparkContext.setLogLevel("ERROR")
    data = spark.range(0, _ROWS, 1, 4)
    plus_one = F.udf(lambda x: x + 1, "long", useArrow=True)
    for _ in range(3):
        data.select(plus_one("id")).write.format("noop").mode("overwrite").save()
        time.sleep(_LATE_S / 2)
    [jvm] = [child for child in psutil.Process().children() if "java" in child.name()]
    [daemon] = [child for child in jvm.children() if "python" in child.name()]
    [worker] = daemon.children()
    found = {"JVM": held_by(jvm), "daemon": held_by(daemon), "worker": held_by(worker)}
    spark.stop()
    return found


def in_a_process(engine: str) -> dict[str, Held]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--engine", engine],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Held] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- Limits ---------------------------------------------------------------------------------------


def runs_with(daemon: str, task: Recording, mib: int, delay: float) -> bool:
    """Whether a worker answers the task under a limit; the daemon is ``delay`` seconds old."""
    environment = {**os.environ, **task.environment, _LIMIT: str(mib)}
    environment.pop("SPARK_REUSE_WORKER", None)  # It would wait for more tasks.
    with authenticated(DAEMONS[daemon], environment, delay, subprocess.DEVNULL) as (connection, _):
        connection.settimeout(_PATIENCE_S)
        answer = b""
        try:
            connection.sendall(task.data)
            connection.shutdown(socket.SHUT_WR)  # A worker that has failed waits for it.
            while part := connection.recv(1 << 16):
                answer += part
        except OSError:
            pass
    return answer.endswith(_ENDS)


def least(daemon: str, task: Recording, delay: float) -> int | None:
    """The least limit in MiB, to within ``_STEP_MIB``; ``None`` if ``_MOST_MIB`` is not enough."""
    low, high = 0, _MOST_MIB
    if not runs_with(daemon, task, high, delay):
        return None
    while high - low > _STEP_MIB:
        middle = (low + high) // 2
        if runs_with(daemon, task, middle, delay):
            high = middle
        else:
            low = middle
    return high


# --- The report -----------------------------------------------------------------------------------


def table(head: list[str], rows: list[list[Any]]) -> str:
    return "\n".join(map(row, [head, ["---", *["---:"] * (len(head) - 1)], *rows]))


def row(cells: list[Any]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


@click.command()
@click.option("--engine", type=click.Choice([*DAEMONS]), hidden=True)
@click.option("--only", multiple=True, help="Kinds of tasks to find the limits of; all by default.")
@click.option("--no-session", is_flag=True, help="Only the limits.")
def main(engine: str | None, only: tuple[str, ...], no_session: bool) -> None:
    """Print the tables."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if engine:
        print(json.dumps(session_of(engine)))
        return
    machine = describe_machine()
    names = ("processor", "cores", "python", "pyspark", "pyarrow", "numpy", "pandas")
    print("\n".join(f"- {name}: {machine[name]}" for name in names), end="\n\n")
    if not no_session:
        found = {engine: in_a_process(engine) for engine in DAEMONS}
        rows = [
            [f"{process}, {what}", *(f"{found[engine][process][what]:,.0f}" for engine in DAEMONS)]
            for process in ("JVM", "daemon", "worker")
            for what in ("address space", "RSS", "PSS")
        ]
        print(table(["after an Arrow udf, MB", *DAEMONS], rows), end="\n\n")
    head = ["least spark.executor.pyspark.memory, MiB", *DAEMONS, "Hydrofoil, daemon with pandas"]
    print(table(head, []), flush=True)
    for name, task in recorded().items():
        if not only or name in only:
            cells = [least("stock", task, 0), least("Hydrofoil", task, 0)]
            print(row([name, *cells, least("Hydrofoil", task, _LATE_S)]), flush=True)


if __name__ == "__main__":
    main()
