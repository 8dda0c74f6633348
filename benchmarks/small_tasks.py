"""What a worker spends on a task of ten rows: ``python -m benchmarks.small_tasks``.

Tasks are recorded once, and then sent to one worker of each daemon, which this program talks to as
the JVM does: over TCP, each task when the one before it has been answered, as in a query of many
tasks. Daemons take turns. What counts is the CPU time of the worker's process for a block of tasks,
by the kernel's clock: reading, planning, calling, answering, and the garbage collection that
stock's daemon does after each task. With ``--pause`` the caches of the processor are cold.
``--daemon NAME=MODULE=FOLDER`` adds a checkout's.
"""

import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.replay.recorder import record

_SECRET = b"small"
_END = struct.pack("!i", -4)
# Tasks of a block, of which the first of each worker is not timed.
_BLOCK = 20
# What the daemon has the worker do after a task happens within this time.
_AFTERWARDS_S = 0.05


def recorded() -> dict[str, Recording]:
    """One task of each kind."""
    spark = (
        SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    data = spark.range(0, 10, 1, 1)

    @F.pandas_udf("double")  # type: ignore[call-overload, untyped-decorator]
    def mean(v: pd.Series) -> float:
        return float(v.mean())

    @F.pandas_udf("long")  # type: ignore[call-overload, untyped-decorator]
    def series(v: pd.Series) -> pd.Series:
        return v + 1

    def same(group: pd.DataFrame) -> pd.DataFrame:
        return group

    plus_one = F.udf(lambda x: x + 1, "long", useArrow=True)
    pickled = F.udf(lambda x: x + 1, "long", useArrow=False)
    queries: dict[str, Callable[[], Any]] = {
        "udf on Arrow": lambda: data.select(plus_one("id")).collect(),
        "udf, pickled": lambda: data.select(pickled("id")).collect(),
        "pandas_udf": lambda: data.select(series("id")).collect(),
        "pandas_udf, grouped": lambda: data.groupBy().agg(mean("id")).collect(),
        "applyInPandas": lambda: data.groupBy().applyInPandas(same, "id long").collect(),
    }
    made = {}
    for name, query in queries.items():
        [made[name]] = record(spark, query)
    spark.stop()
    return made


@contextmanager
def authenticated(
    module: str,
    environment: dict[str, str],
    delay: float = 0.0,
    stderr: int | None = None,
    around: Sequence[str] = (),
) -> Iterator[tuple[socket.socket, int]]:
    """A worker of a daemon's, ready for tasks: the connection to it and its process id.

    The daemon is ``delay`` seconds old when it forks the worker. ``around`` is a command that runs
    it.
    """
    environment = environment | {
        "PYTHON_WORKER_FACTORY_SECRET": _SECRET.decode(),
        "OMP_NUM_THREADS": "1",
    }
    daemon = subprocess.Popen(
        [*around, sys.executable, "-m", module, "pyspark.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment,
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    [port] = struct.unpack("!i", daemon.stdout.read(4))
    time.sleep(delay)
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            [pid] = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
            connection.sendall(struct.pack("!i", len(_SECRET)) + _SECRET)
            assert connection.recv(6, socket.MSG_WAITALL)[4:] == b"ok"
            yield connection, pid
    finally:
        daemon.stdin.close()
        daemon.wait()


def answer(connection: socket.socket, data: bytes) -> bytes:
    """What a worker answers to a task's bytes."""
    connection.sendall(data)
    answered = b""
    while not answered.endswith(_END):
        part = connection.recv(1 << 16)
        assert part, "the worker has ended without an answer"
        answered += part
    return answered


@contextmanager
def worker(module: str, folder: str, task: Recording) -> Iterator[Callable[[bytes, float], float]]:
    """A worker of a daemon's: a task's bytes and the pause after each in s, to CPU ms a task."""
    more = {"PYTHONPATH": folder, "SPARK_REUSE_WORKER": "1"}
    environment = os.environ | task.environment | more
    with authenticated(module, environment) as (connection, pid):
        clock = Path(f"/proc/{pid}/schedstat")

        def spent() -> float:
            return int(clock.read_text().split()[0]) / 1e6

        def run(data: bytes, pause: float) -> float:
            before = spent()
            for _ in range(_BLOCK):
                answer(connection, data)
                time.sleep(pause)
            time.sleep(_AFTERWARDS_S)
            return (spent() - before) / _BLOCK

        yield run


def measure(
    task: Recording, daemons: dict[str, tuple[str, str]], tasks: int, pause: float
) -> dict[str, list[float]]:
    """CPU ms of a task, by daemon: a figure for each block but the first."""
    taken: dict[str, list[float]] = {name: [] for name in daemons}
    for _ in range(2):
        for name, (module, folder) in daemons.items():
            with worker(module, folder, task) as run:
                run(task.data, 0)
                taken[name] += [run(task.data, pause) for _ in range(max(1, tasks // 2 // _BLOCK))]
    return taken


@click.command()
@click.option("--tasks", default=400, show_default=True, help="Timed tasks of each daemon.")
@click.option("--pause", default=0.0, show_default=True, help="Seconds between two tasks.")
@click.option("--daemon", "more", multiple=True, metavar="NAME=MODULE=FOLDER")
def main(tasks: int, pause: float, more: tuple[str, ...]) -> None:
    """Print the table."""
    here = os.environ.get("PYTHONPATH", "")
    daemons = {"stock": ("pyspark.daemon", here), "Hydrofoil": ("hydrofoil.daemon", here)}
    for each in more:
        name, module, folder = each.split("=", 2)
        daemons[name] = (module, folder)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    made = recorded()
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}\n")
    print("| worker CPU of a task, ms |", " | ".join(daemons), "|")
    print("| --- |", " | ".join("---:" for _ in daemons), "|")
    for name, task in made.items():
        taken = measure(task, daemons, tasks, pause)
        cells = " | ".join(f"{statistics.median(each):.2f}" for each in taken.values())
        print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
