"""Peak memory of a worker on one huge group and on very many tiny ones.

    python -m benchmarks.memory [--rows N] [--groups N] [--json FILE]

Each run is a fresh process that imports what Spark's daemon does and then works on a socket, so
that neither the recording nor the answer is in its memory. The figure is the kernel's peak of the
resident set while the worker ran, and how far that is above where it started.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.table import Table

from hydrofoil.bench.console import output
from hydrofoil.bench.machine import describe_machine
from hydrofoil.replay.player import ENGINES
from hydrofoil.replay.recorder import record
from hydrofoil.replay.recording import Recording
from hydrofoil.replay.stream import group_section

_SCHEMA = "id long, v double"
_KINDS = ("applyInPandas", "applyInArrow")
# Groups that are really recorded; the rest are the same bytes again.
_RECORDED = 10_000


@dataclass(frozen=True)
class Task:
    """What one worker is sent, ``rows`` in all: a recording with its groups ``repeat`` times."""

    name: str
    recording: Recording
    rows: int
    repeat: int

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the task, piece by piece."""
        start, end = group_section(self.recording)
        data = memoryview(self.recording.data)
        yield bytes(data[:start])
        for _ in range(self.repeat):
            yield bytes(data[start:end])
        yield bytes(data[end:])


@dataclass(frozen=True)
class Result:
    """Peaks in MB, and the answer's rows, for one engine on one task."""

    task: str
    engine: str
    peak_mb: float
    above_start_mb: float
    cpu_s: float
    rows: int


def make_tasks(kinds: tuple[str, ...], rows: int, groups: int) -> list[Task]:
    """Record, for each kind, one group of ``rows`` rows and ``groups`` groups of one row."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.memory", "4g")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    recorded = min(groups, _RECORDED)
    repeat = groups // recorded
    tasks = []
    for kind in kinds:
        one = _record(spark, kind, spark.range(rows).selectExpr("0L as id", "id * 0.5D as v"))
        tasks.append(Task(f"{kind}, 1 group of {rows:,} rows", one, rows, 1))
        tiny = _record(spark, kind, spark.range(recorded).selectExpr("id", "id * 0.5D as v"))
        total = recorded * repeat
        tasks.append(Task(f"{kind}, {total:,} groups of 1 row", tiny, total, repeat))
    spark.stop()
    return tasks


def _record(spark: SparkSession, kind: str, data: DataFrame) -> Recording:
    groups: Any = data.repartition(1).groupBy("id")
    query = getattr(groups, kind)(lambda group: group, _SCHEMA)
    (made,) = record(spark, lambda: query.write.format("noop").mode("overwrite").save())
    return made


def measure(task: Task, engine: str) -> Result:
    """Run the task in a fresh process and check how many rows it answered."""
    ours, theirs = socket.socketpair()
    worker = [sys.executable, "-m", "benchmarks.memory_worker"]
    with theirs:
        child = subprocess.Popen(
            [*worker, str(theirs.fileno()), ENGINES[engine]],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            env=os.environ | task.recording.environment,
        )
    assert child.stdout is not None
    with ours, child.stdout, tempfile.TemporaryFile() as answer:
        feeder = threading.Thread(target=_feed, args=(ours, task), daemon=True)
        feeder.start()
        while chunk := ours.recv(1 << 20):
            answer.write(chunk)
        feeder.join()
        figures = child.stdout.read()
        if child.wait():
            raise RuntimeError(f"{engine} failed on {task.name!r}; its error is on stderr")
        answer.seek(4)  # The marker before the Arrow stream.
        rows = sum(batch.num_rows for batch in pa.ipc.open_stream(answer))
    if rows != task.rows:
        raise RuntimeError(f"{engine} answered {rows} rows to {task.name!r}")
    return Result(task.name, engine, rows=rows, **json.loads(figures))


def _feed(sock: socket.socket, task: Task) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for chunk in task.chunks():
            sock.sendall(chunk)
        sock.shutdown(socket.SHUT_WR)


def as_table(results: list[Result]) -> Table:
    """One row for each task and engine."""
    table = Table(title="Peak resident memory of a worker, MB")
    table.add_column("task")
    table.add_column("engine")
    for heading in ("peak", "above start", "CPU s"):
        table.add_column(heading, justify="right")
    for result in results:
        cells = (result.peak_mb, result.above_start_mb, result.cpu_s)
        table.add_row(result.task, result.engine, *(f"{cell:,.1f}" for cell in cells))
    return table


@click.command()
@click.option("--rows", default=5_000_000, show_default=True, help="Of the one huge group.")
@click.option("--groups", default=1_000_000, show_default=True, help="Groups of one row.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS))
@click.option("--engine", "engines", multiple=True, type=click.Choice(list(ENGINES)))
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
def main(
    rows: int, groups: int, kinds: tuple[str, ...], engines: tuple[str, ...], json_file: Path | None
) -> None:
    """Print what stock's worker and Hydrofoil's take at most."""
    results = []
    for task in make_tasks(kinds or _KINDS, rows, groups):
        for engine in engines or tuple(ENGINES):
            Console(stderr=True).print(f"{task.name}, {engine} ...")
            results.append(measure(task, engine))
    output().print(as_table(results))
    if json_file is not None:
        report = {"machine": describe_machine(), "results": [asdict(result) for result in results]}
        json_file.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
