"""Reading data again, by Spark or from an export: ``python -m benchmarks.gang_dataset``.

A DataFrame of some float32 columns lies in Parquet. In one session and in turn, a single-process
consumer gets all of it as NumPy arrays and adds one column up: by Spark's ``toPandas`` and
``toArrow``, and from what ``gang.export`` wrote, mapped anew each time. The export itself is timed
beside them. All answers have to be equal.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.machine import describe_machine


def _pandas(df: DataFrame, path: str) -> float:
    frame = df.toPandas()
    return float(sum(np.sum(frame[name].to_numpy(), dtype=np.float64) for name in frame))


def _arrow(df: DataFrame, path: str) -> float:
    table = df.toArrow()
    return float(sum(np.sum(column.to_numpy(), dtype=np.float64) for column in table.columns))


def _export(df: DataFrame, path: str) -> float:
    total = 0.0
    for batch in gang.open(path).numpy(batch_size=65_536):
        total += sum(float(np.sum(values, dtype=np.float64)) for values in batch.values())
    return total


WAYS: dict[str, Callable[[DataFrame, str], float]] = {
    "Spark, toPandas": _pandas,
    "Spark, toArrow": _arrow,
    "gang.open(...).numpy": _export,
}


def measure(rows: int, columns: int, repeats: int) -> dict[str, Any]:
    """Seconds of each way, in turn, and of the export."""
    with tempfile.TemporaryDirectory() as folder:
        spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.execution.arrow.pyspark.enabled", "true")
            .config("spark.driver.memory", "4g")
            .config("spark.driver.maxResultSize", "0")
            .getOrCreate()
        )
        spark.sparkContext.setLogLevel("ERROR")
        ids = spark.range(0, rows, 1, 4)
        made = [(F.col("id") % (k + 7)).cast("float").alias(f"c{k}") for k in range(columns)]
        ids.select(*made).write.parquet(f"{folder}/parquet")
        df = spark.read.parquet(f"{folder}/parquet")
        start = time.perf_counter()
        dataset = gang.export(df, f"{folder}/set")
        exported = time.perf_counter() - start
        times: dict[str, list[float]] = {name: [] for name in WAYS}
        answers = set()
        for _ in range(repeats + 1):
            for name, way in WAYS.items():
                start = time.perf_counter()
                answers.add(way(df, f"{folder}/set"))
                times[name].append(time.perf_counter() - start)
        size = dataset.nbytes
        spark.stop()
    assert len(answers) == 1, answers
    return {
        "rows": rows,
        "columns": columns,
        "bytes": size,
        "export_seconds": exported,
        # The first round warms the JVM and the page cache.
        "seconds": {name: statistics.median(found[1:]) for name, found in times.items()},
    }


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--columns", default=16, show_default=True)
@click.option("--repeats", default=5, show_default=True)
@click.option("--output", type=Written(), help="Write the figures as JSON, too.")
def main(rows: int, columns: int, repeats: int, output: Path | None) -> None:
    """Print the time of each way, and how many times the export is faster."""
    found = measure(rows, columns, repeats)
    size = found["bytes"] / 1e6
    click.echo(f"{rows:,} rows of {columns} float32, {size:.0f} MB; the export took "
               f"{found['export_seconds']:.2f} s")  # fmt: skip
    ours = found["seconds"]["gang.open(...).numpy"]
    for name, seconds in found["seconds"].items():
        click.echo(f"{name:24} {seconds:8.3f} s {size / seconds:8.0f} MB/s {seconds / ours:7.1f}x")
    if output is not None:
        output.write_text(json.dumps({"machine": describe_machine(), **found}, indent=1))


if __name__ == "__main__":
    main()
