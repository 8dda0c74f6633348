"""What starting Python costs on Spark: the first UDF query, one more worker, and eight in memory.

    python -m benchmarks.startup [--runs 5] [--json FILE]

Every run is a fresh driver and JVM; stock and Hydrofoil take turns. Reported are medians.
"""

import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hydrofoil.replay.recorder import record
from hydrofoil.replay.recording import Recording

DAEMONS = {"stock": "pyspark.daemon", "hydrofoil": "hydrofoil.daemon"}
WORKERS = 8
NEW_WORKERS = 7
MARK = "STARTUP "


class Figure:
    """One line of the report: how to read it from a run, and what is asked of it."""

    def __init__(
        self, name: str, unit: str, target: str, met: Callable[[float, float], bool]
    ) -> None:
        self.name = name
        self.unit = unit
        self.target = target
        self.met = met


FIGURES = {
    "first_query_s": Figure(
        "first UDF query of a session", "s", "0.4 s less", lambda s, h: s - h >= 0.4
    ),
    "worker_ready_ms": Figure(
        "a further worker, asked for to its first answer", "ms", "under 50 ms", lambda s, h: h < 50
    ),
    "workers_pss_mb": Figure(
        f"PSS of {WORKERS} workers, summed", "MB", "60 % at most", lambda s, h: h <= 0.6 * s
    ),
    "all_pss_mb": Figure("the same and their daemon", "MB", "", lambda s, h: True),
}


def run_once(engine: str) -> dict[str, float]:
    """Take all figures of one engine in this process; needs a process without a Spark."""
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import udf

    spark = (
        SparkSession.builder.master(f"local[{WORKERS}]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.python.daemon.module", DAEMONS[engine])
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    # The JVM's own first query is not the question.
    spark.range(1000).selectExpr("sum(id + 1)").collect()

    started = time.perf_counter()
    spark.range(0, 1000, 1, 1).select(udf(lambda x: x + 1, "long")("id")).collect()
    first_query = time.perf_counter() - started

    occupy = udf(hold_worker, "string")
    rows = spark.range(0, WORKERS, 1, WORKERS).select(occupy("id")).collect()
    pids = {int(row[0].split()[0]) for row in rows}
    daemons = {int(row[0].split()[1]) for row in rows}
    if len(pids) != WORKERS:
        raise RuntimeError(f"{len(pids)} workers served {WORKERS} partitions at the same time")
    workers, daemon = (sum(map(pss, group)) for group in (pids, daemons))

    one_row = spark.range(0, 1, 1, 1).select(udf(lambda x: x + 1, "long")("id"))
    [task] = record(spark, one_row.collect)
    environment = json.loads(spark.range(1).select(udf(look, "string")("id")).head()[0])
    spark.stop()
    ready = time_new_workers(engine, task, environment)
    return {
        "first_query_s": first_query,
        "worker_ready_ms": statistics.median(ready),
        "workers_pss_mb": workers / 1e6,
        "all_pss_mb": (workers + daemon) / 1e6,
    }


def hold_worker(_):
    """Keep this worker busy until all of the others have started."""
    import os
    import time

    time.sleep(6)
    return f"{os.getpid()} {os.getppid()}"


def look(_):
    """Return what Spark adds to a worker's environment."""
    import json
    import os

    spark = [name for name in os.environ if name.startswith("SPARK_")]
    return json.dumps({name: os.environ[name] for name in [*spark, "PYTHONPATH"]})


def time_new_workers(engine: str, task: Recording, environment: dict[str, str]) -> list[float]:
    """Run one task in each of a few new workers of a daemon, as the JVM asks for them.

    Returns the milliseconds from asking for a worker to the first byte of its answer.
    """
    secret = "startup"
    daemon = subprocess.Popen(
        [sys.executable, "-m", DAEMONS[engine], "pyspark.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ
        | environment
        | task.environment
        | {"PYTHON_WORKER_FACTORY_SECRET": secret, "OMP_NUM_THREADS": "1"},
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    [port] = struct.unpack("!i", daemon.stdout.read(4))
    times = []
    with ExitStack() as open_connections:  # A worker that ends would be in the next one's way.
        for _ in range(NEW_WORKERS):
            started = time.perf_counter()
            connection = socket.create_connection(("127.0.0.1", port))
            open_connections.enter_context(connection)
            answer = connection.makefile("rb")
            answer.read(4)  # The process id.
            connection.sendall(struct.pack("!i", len(secret)) + secret.encode())
            assert answer.read(6)[4:] == b"ok"
            connection.sendall(task.data)
            assert answer.read(1), f"a worker of {DAEMONS[engine]} ended without an answer"
            times.append(1e3 * (time.perf_counter() - started))
    daemon.stdin.close()
    daemon.wait()
    return times


def pss(pid: int) -> int:
    """Return a process's memory in bytes, where a page that n processes share counts 1/n."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("Pss:")]
    return int(line.split()[1]) * 1024


def run_in_fresh_process(engine: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.startup", "--one-run-of", engine],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    figures: dict[str, float] = json.loads(line.removeprefix(MARK))
    return figures


def report(runs: dict[str, list[dict[str, float]]]) -> Table:
    table = Table(title="Starting Python on Spark", caption="medians of alternating fresh sessions")
    for heading in ("", "stock", "hydrofoil", "hydrofoil / stock", "target", "met"):
        table.add_column(heading, justify="left" if not heading else "right")
    for key, figure in FIGURES.items():
        stock, ours = (statistics.median(run[key] for run in runs[name]) for name in DAEMONS)
        met = ("yes" if figure.met(stock, ours) else "no") if figure.target else ""
        table.add_row(
            figure.name,
            f"{stock:.2f} {figure.unit}",
            f"{ours:.2f} {figure.unit}",
            f"{ours / stock:.2f}",
            figure.target,
            met,
        )
    return table


@click.command()
@click.option("--runs", default=5, show_default=True, help="Sessions of each engine.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write the runs here.")
@click.option("--one-run-of", type=click.Choice(list(DAEMONS)), hidden=True)
def main(runs: int, path: Path | None, one_run_of: str | None) -> None:
    """Compare what starting Python costs under stock PySpark and under Hydrofoil."""
    if one_run_of:
        print(MARK + json.dumps(run_once(one_run_of)), flush=True)
        return
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in DAEMONS}
    console = Console()
    with console.status("starting sessions") as status:
        for number in range(runs):
            for engine in DAEMONS:
                status.update(f"session {number + 1} of {runs}: {engine}")
                results[engine].append(run_in_fresh_process(engine))
    console.print(report(results))
    if path:
        path.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
