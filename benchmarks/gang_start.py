"""Gangs: how soon one that can't fit fails, and what starting one costs; ours and stock's.

    python -m benchmarks.gang_start [--whole] [--json FILE]

A gang of one rank more than there are slots, on local[2]. By default stock's own check is shortened
by configuration, to 3 tries of 1 second instead of 40 of 15, and the report says so; with --whole
it isn't, which takes ten minutes. Both have a shuffle upstream, which stock runs before it fails.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hydrofoil.tools.cli.written import Written

MARK = "GANG START "
SHORT = {
    "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": "1s",
    "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": "3",
}
DEFAULT_S = 40 * 15
WARM_RUNS = 5
BARRIERS = 200


def session(settings: dict[str, str]) -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.python.daemon.module", "hydrofoil.daemon")
    for key, value in {**settings, "spark.ui.showConsoleProgress": "false"}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def upstream(spark: Any) -> Any:
    """A DataFrame with a shuffle, and how often its rows were computed."""
    computed = spark.sparkContext.accumulator(0)

    def count(batches: Any) -> Any:
        for batch in batches:
            computed.add(batch.num_rows)
            yield batch

    return spark.range(0, 1000, 1, 2).mapInArrow(count, "id long").repartition(3), computed


def ours(spark: Any) -> dict[str, Any]:
    from hydrofoil import gang

    df, computed = upstream(spark)
    started = time.perf_counter()
    try:
        gang.run(lambda ctx: None, df, num_tasks=3)
    except gang.SlotError as error:
        seconds, message = time.perf_counter() - started, error.message
    return {"seconds": seconds, "computed": computed.value, "message": message}


def stock(spark: Any) -> dict[str, Any]:
    df, computed = upstream(spark)
    started = time.perf_counter()
    try:
        df.mapInArrow(lambda batches: batches, "id long", barrier=True).collect()
    except Exception as error:
        seconds = time.perf_counter() - started
        [message] = [line for line in str(error).splitlines() if "SPARK-24819" in line][:1]
    return {"seconds": seconds, "computed": computed.value, "message": message}


def start(spark: Any) -> dict[str, Any]:
    """Start a gang of two, warm; and meet in it, by our barrier and by Spark's."""
    from hydrofoil import gang

    def meet(ctx: Any) -> list[float]:
        from pyspark import BarrierTaskContext

        ctx.barrier()
        started = time.perf_counter()
        for _ in range(BARRIERS):
            ctx.barrier()
        ours = (time.perf_counter() - started) / BARRIERS
        task = BarrierTaskContext.get()
        started = time.perf_counter()
        for _ in range(3):
            task.barrier()
        return [ours, (time.perf_counter() - started) / 3]

    def stock_job() -> None:
        rows = spark.range(0, 2, 1, 2)
        rows.mapInArrow(lambda batches: batches, "id long", barrier=True).collect()

    gang.run(meet, num_tasks=2)
    stock_job()
    times: dict[str, list[float]] = {"gang": [], "stock": []}
    for _ in range(WARM_RUNS):
        started = time.perf_counter()
        gang.run(lambda ctx: None, num_tasks=2)
        times["gang"].append(time.perf_counter() - started)
        started = time.perf_counter()
        stock_job()
        times["stock"].append(time.perf_counter() - started)
    barriers = gang.run(meet, num_tasks=2)
    return {
        "gang_s": statistics.median(times["gang"]),
        "stock_job_s": statistics.median(times["stock"]),
        "barrier_ms": 1e3 * max(each[0] for each in barriers),
        "spark_barrier_ms": 1e3 * max(each[1] for each in barriers),
    }


RUNS = {"ours": ours, "stock": stock, "start": start}


def in_fresh_process(name: str, settings: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gang_start", "--one", name, json.dumps(settings)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    return json.loads(line.removeprefix(MARK))  # type: ignore[no-any-return]


def report(found: dict[str, dict[str, Any]], whole: bool) -> Table:
    note = (
        "Spark's defaults" if whole else f"stock's check cut to 3 tries of 1 s, from {DEFAULT_S} s"
    )
    table = Table(title="3 ranks on 2 slots", caption=note)
    for heading in ("", "fails after", "rows computed for it", "message"):
        table.add_column(heading)
    for name in ("ours", "stock"):
        run = found[name]
        seconds, rows = f"{run['seconds']:.2f} s", f"{run['computed']} of 1000"
        table.add_row(name, seconds, rows, run["message"])
    return table


def second_report(run: dict[str, Any]) -> Table:
    table = Table(title="2 ranks on 2 slots, warm")
    for heading in ("", "gang", "stock"):
        table.add_column(heading)
    table.add_row(
        "a run that does nothing", f"{run['gang_s']:.2f} s", f"{run['stock_job_s']:.2f} s"
    )
    table.add_row("a barrier", f"{run['barrier_ms']:.2f} ms", f"{run['spark_barrier_ms']:.0f} ms")
    return table


@click.command()
@click.option("--whole", is_flag=True, help="Leave stock's check as it is: ten minutes.")
@click.option("--json", "path", type=Written(), help="Also write figures here.")
@click.option("--one", nargs=2, hidden=True)
def main(whole: bool, path: Path | None, one: tuple[str, str] | None) -> None:
    """Compare how gangs start and fail to start."""
    if one:
        name, settings = one
        print(MARK + json.dumps(RUNS[name](session(json.loads(settings)))), flush=True)
        return
    settings = {} if whole else SHORT
    found = {name: in_fresh_process(name, settings if name == "stock" else {}) for name in RUNS}
    console = Console(width=140)
    console.print(report(found, whole))
    console.print(second_report(found["start"]))
    if path:
        path.write_text(json.dumps({"whole": whole, **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
