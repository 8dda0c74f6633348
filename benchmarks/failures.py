"""What it costs to know where a function is: ``python -m benchmarks.failures --before FOLDER``.

Tasks are recorded once and sent to one worker of each of two checkouts in turn, as
`benchmarks.small_tasks` does: FOLDER, the ``src`` of one without notes on errors and without pages
that a daemon reads when its worker has died, and this one. What counts is the CPU time of the
worker's process, by the kernel's clock.
"""

import os
import statistics
import sys
from typing import Any

import click
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.small_tasks import measure
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.replay.recorder import record

ROWS = 200_000
GROUPS = 2_000


def recorded() -> dict[str, tuple[int, Recording]]:
    """One task of each kind, and how many rows or groups it has."""
    conf = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1"}
    builder = SparkSession.builder.master("local[1]")
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    rows = spark.range(0, ROWS, 1, 1)
    groups = spark.range(0, GROUPS * 5, 1, 1).selectExpr("id", "id % 2000 as k")
    plus_one = F.udf(lambda x: x + 1, "long", useArrow=True)
    pickled = F.udf(lambda x: x + 1, "long", useArrow=False)

    def same(group: pd.DataFrame) -> pd.DataFrame:
        return group

    def table(group: Any) -> Any:
        return group

    made = {}
    for name, count, frame in (
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


@click.command()
@click.option("--before", required=True, metavar="FOLDER", help="The src of the other checkout.")
@click.option("--tasks", default=200, show_default=True, help="Timed tasks of each.")
def main(before: str, tasks: int) -> None:
    """Print the table."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    here = os.environ.get("PYTHONPATH", "")
    made = recorded()
    daemons = {
        "before": ("hydrofoil.daemon", before),
        "after": ("hydrofoil.daemon", here),
    }
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}\n")
    print("| worker CPU of a task, ms (quartiles) | before | after | a row or group more, ns |")
    print("| --- | ---: | ---: | ---: |")
    for name, (count, task) in made.items():
        taken = measure(task, daemons, tasks, 0)
        cells = []
        for figures in taken.values():
            low, middle, high = statistics.quantiles(figures, n=4)
            cells.append(f"{middle:.3f} ({low:.3f} to {high:.3f})")
        old, new = (statistics.median(figures) for figures in taken.values())
        more = (new - old) * 1e6 / count
        print(f"| {name} | {' | '.join(cells)} | {more:+.1f} ({new / old - 1:+.1%}) |", flush=True)


if __name__ == "__main__":
    main()
