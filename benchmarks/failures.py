"""What it costs to know where a function is: ``python -m benchmarks.failures --before FOLDER``.

Tasks are recorded once and sent to one worker of each of two checkouts in turn, as
`benchmarks.small_tasks` does: FOLDER, the ``src`` of one without notes on errors and without pages
that a daemon reads when its worker has died, and this one. What counts is the CPU time of the
worker's process, by the kernel's clock. Blocks of tasks take turns, and what is told is the median
of the differences between neighbours, with quartiles: the same load slows both of a pair.

With ``--instructions`` the instructions of the worker's process are counted instead, by valgrind,
which must be installed. A machine's load does not change them, so that one run is enough.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.small_tasks import answer, authenticated, worker
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.replay.recorder import record

ROWS = 50_000
GROUPS = 1_000


def recorded() -> dict[str, tuple[int, Recording]]:
    """One task of each kind, and how many rows or groups it has, or 1."""
    conf = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1"}
    builder = SparkSession.builder.master("local[1]")
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    rows = spark.range(0, ROWS, 1, 1)
    groups = spark.range(0, GROUPS * 5, 1, 1).selectExpr("id", "id % 1000 as k")
    plus_one = F.udf(lambda x: x + 1, "long", useArrow=True)
    pickled = F.udf(lambda x: x + 1, "long", useArrow=False)

    def same(group: pd.DataFrame) -> pd.DataFrame:
        return group

    def table(group: Any) -> Any:
        return group

    made = {}
    few = spark.range(0, 10, 1, 1).select(plus_one("id"))
    for name, count, frame in (
        ("x + 1, a task of ten rows", 1, few),
        ("x + 1 on Arrow", ROWS, rows.select(plus_one("id"))),
        ("x + 1, pickled", ROWS, rows.select(pickled("id"))),
        ("applyInArrow", GROUPS, groups.groupBy("k").applyInArrow(table, "id long, k long")),
        ("applyInPandas", GROUPS, groups.groupBy("k").applyInPandas(same, "id long, k long")),
    ):
        # A sum needs the function's results, of which the driver gets one row.
        [recording] = record(spark, frame.agg(F.sum(frame.columns[0])).collect)
        made[name] = count, recording
    spark.stop()
    return made


def pairs(task: Recording, before: str, here: str, blocks: int) -> Iterator[tuple[float, float]]:
    """CPU ms of a task under each of the two, for pairs of blocks that follow each other."""
    with (
        worker("hydrofoil.daemon", before, task) as old,
        worker("hydrofoil.daemon", here, task) as new,
    ):
        old(task.data, 0)
        new(task.data, 0)
        for k in range(blocks):
            # Neither is always the first.
            first, second = (old, new) if k % 2 else (new, old)
            taken = first(task.data, 0), second(task.data, 0)
            yield taken if k % 2 else taken[::-1]


def instructions(task: Recording, folder: str) -> float:
    """Instructions of a task's worker: how many more it has executed after more tasks."""
    few, many = (executed(task, folder, tasks) for tasks in (2, 7))
    return (many - few) / 5


def executed(task: Recording, folder: str, tasks: int) -> int:
    """Instructions of a worker that has run a task so many times."""
    more = {"PYTHONPATH": folder, "SPARK_REUSE_WORKER": "1", "PYTHONHASHSEED": "0"}
    with TemporaryDirectory() as made:
        tool = ("valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes")
        around = (*tool, f"--callgrind-out-file={made}/%p")
        environment = os.environ | task.environment | more
        # Forked processes that end late have no place for their counts any more, and say so.
        started = authenticated("hydrofoil.daemon", environment, 0, subprocess.DEVNULL, around)
        with started as (connection, pid):
            for _ in range(tasks):
                answer(connection, task.data)
            connection.shutdown(socket.SHUT_RDWR)
            counts = Path(made, str(pid))
            # It is written while the worker ends.
            for _ in range(600):
                found = re.search(
                    r"^totals: (\d+)", counts.read_text() if counts.exists() else "", re.M
                )
                if found:
                    return int(found[1])
                time.sleep(0.1)
    raise click.ClickException(f"valgrind has written no totals of process {pid}")


def print_instructions(made: dict[str, tuple[int, Recording]], before: str, here: str) -> None:
    """Print the table of `instructions`."""
    print("| | instructions a task, thousands | more, % | more a row, group or task |")
    print("| --- | ---: | ---: | ---: |")
    for folder in (before, here):  # So that all modules are compiled.
        executed(next(iter(made.values()))[1], folder, 1)
    for name, (count, task) in made.items():
        old, new = instructions(task, before), instructions(task, here)
        each = (new - old) / count
        print(f"| {name} | {old / 1e3:,.0f} | {new / old - 1:+.1%} | {each:+,.0f} |", flush=True)


@click.command()
@click.option("--before", required=True, metavar="FOLDER", help="The src of the other checkout.")
@click.option("--blocks", default=20, show_default=True, help="Pairs of blocks of 20 tasks.")
@click.option("--instructions", "counting", is_flag=True, help="Count them, by valgrind.")
def main(before: str, blocks: int, counting: bool) -> None:
    """Print the table."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    here = os.environ.get("PYTHONPATH", "")
    made = recorded()
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}\n")
    if counting:
        print_instructions(made, before, here)
        return
    print("| | worker CPU a task, ms | more, % (quartiles) | more a row, group or task, ns |")
    print("| --- | ---: | ---: | ---: |")
    for name, (count, task) in made.items():
        taken = [*pairs(task, before, here, blocks)]
        old = statistics.median(each[0] for each in taken)
        low, more, high = statistics.quantiles([new / old - 1 for old, new in taken], n=4)
        each = statistics.median(new - old for old, new in taken) * 1e6 / count
        print(f"| {name} | {old:.3f} | {more:+.1%} ({low:+.1%} to {high:+.1%}) | {each:+.0f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
