"""Worker CPU time of stock's pickled path over ``rows="arrow"``: ``python -m benchmarks.exchange``.

The same rows and function twice: pickled, played to stock's worker, and as Arrow record batches,
played to Hydrofoil's worker that follows the pickled path's rules. ``tests/matrix/test_rows.py``
compares the results.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.recordings.recording import Recording
from hydrofoil.settings.rows import VARIABLE
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import output
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.replay.player import Player
from hydrofoil.tools.replay.recorder import record

# Argument, function, declared type. Data and functions are those of the suite of rows.
CASES: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "long": ("id", lambda x: x + 1, "long"),
    "string": ("concat('name ', id)", lambda s: s.upper(), "string"),
    "struct-in": ("named_struct('a', id, 'b', id * 2)", lambda r: r.a + r.b, "long"),
    "struct-out": ("id", lambda x: (x, x * 0.5), "a long, b double"),
}
ASKED = 3.0


def query(spark: SparkSession, name: str, rows: int, arrow: bool) -> DataFrame:
    """The case's query; ``arrow`` chooses the transport."""
    argument, function, declared = CASES[name]
    data = spark.range(0, rows, 1, 1).selectExpr(f"{argument} AS it")
    return data.select(udf(function, declared, useArrow=arrow)("it").alias("it"))


def recorded(rows: int) -> dict[str, tuple[Recording, Recording]]:
    """Each case's task, pickled and as Arrow."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    made = {}
    for name in CASES:
        both = []
        for arrow in (False, True):
            # A UDF takes the environment along when it is made.
            spark.sparkContext.environment[VARIABLE] = "arrow" if arrow else "stock"
            frame = query(spark, name, rows, arrow)
            both += record(spark, lambda f=frame: f.write.format("noop").mode("overwrite").save())
        pickled, as_arrow = both
        made[name] = (pickled, as_arrow)
    spark.stop()
    return made


def measure(pickled: Recording, arrow: Recording, rows: int, runs: int) -> tuple[float, float]:
    """ns of CPU a row: stock on the pickled task, Hydrofoil on the Arrow one; medians."""
    with (
        Player(pickled.environment, ["stock"]) as stock,
        Player(arrow.environment, ["hydrofoil"]) as ours,
    ):
        times = [
            (
                stock.play(pickled, "stock").cpu,
                ours.play(arrow, "hydrofoil").cpu,
            )
            for _ in range(runs)
        ]
    left, right = (statistics.median(column) / rows * 1e9 for column in zip(*times, strict=True))
    return left, right


@click.command()
@click.option("--rows", default=400_000, show_default=True, type=click.IntRange(1))
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1))
@click.option("--json", "json_file", type=Written())
@click.option("--check", is_flag=True, help=f"Exit with 1 if a ratio is below {ASKED}.")
def main(rows: int, runs: int, json_file: Path | None, check: bool) -> None:
    """Compare stock's pickled path with ``rows="arrow"`` in the worker's CPU time."""
    results = []
    for name, (pickled, arrow) in recorded(rows).items():
        stock, ours = measure(pickled, arrow, rows, runs)
        results.append({"case": name, "stock": stock, "hydrofoil": ours, "ratio": stock / ours})
        output().print(f"{name}: {stock:,.0f} / {ours:,.0f} ns/row = {stock / ours:.2f}")
    if json_file is not None:
        report = {"machine": describe_machine(), "results": results}
        json_file.write_text(json.dumps(report, indent=2) + "\n")
    if check and any(result["ratio"] < ASKED for result in results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
