"""Memory of the JVM and of Python in a long query: ``python -m benchmarks.columnar_memory``.

A function that is slower than Spark's source gets many rows under the JVM's operators, with a
column that passes through. Resident memory is sampled twice a second; flat means that the last
fifth of the run holds no more than the second.
"""

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click
import pandas as pd
import psutil
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.table import Table

import hydrofoil
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import output
from hydrofoil.tools.machine import describe_machine

_PARTS = 5


class Sampler(threading.Thread):
    """Resident bytes of a process and of its descendants' Python processes, over time."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self.samples: list[tuple[int, int]] = []

    def run(self) -> None:
        while not self._done.wait(0.5):
            python = 0
            for child in self._process.children(recursive=True):
                with contextlib.suppress(psutil.Error):  # It may end just now.
                    python += child.memory_full_info().pss
            self.samples.append((self._process.memory_info().rss, python))

    def stop(self) -> None:
        self._done.set()
        self.join()

    def peaks(self) -> list[tuple[int, int]]:
        """The most in each part of the run, JVM and Python."""
        size = max(1, len(self.samples) // _PARTS)
        parts = [self.samples[i * size : (i + 1) * size] for i in range(_PARTS)]
        return [(max(j for j, _ in part), max(p for _, p in part)) for part in parts if part]


def slow(seconds: float) -> Any:
    @F.pandas_udf("long")  # type: ignore[call-overload,untyped-decorator,unused-ignore]
    def add_one(x: pd.Series) -> pd.Series:
        time.sleep(seconds)
        return x + 1

    return add_one


@click.command()
@click.option("--rows", default=200_000_000, show_default=True)
@click.option("--sleep", default=0.005, show_default=True, help="seconds a batch of 10,000 rows")
@click.option("--json", "json_file", type=Written())
def main(rows: int, sleep: float, json_file: Path | None) -> None:
    """Print the peaks of resident memory in each fifth of the query."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "1g")
    for key in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(key, "false")
    spark = hydrofoil.configure(builder).getOrCreate()
    jvm: Any = spark._jvm
    sampler = Sampler(jvm.java.lang.ProcessHandle.current().pid())
    frame = spark.range(0, rows, 1, 2)
    query = frame.select("id", slow(sleep)("id").alias("y"))
    if "HydrofoilEvalPython" not in query._jdf.queryExecution().executedPlan().toString():
        raise RuntimeError("the query doesn't use Hydrofoil's operators")
    begin = time.perf_counter()
    sampler.start()
    wrong = query.where("y <> id + 1").count()
    sampler.stop()
    if wrong:
        raise RuntimeError(f"{wrong} rows are wrong")
    held = jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator().getAllocatedMemory()
    table = Table(title=f"{rows:,} rows in {time.perf_counter() - begin:.0f} s; {held} bytes left")
    for column in ("part of the run", "JVM, MiB", "Python, MiB"):
        table.add_column(column, justify="right")
    peaks = sampler.peaks()
    for i, (java, python) in enumerate(peaks, 1):
        table.add_row(f"{i} of {_PARTS}", f"{java / 2**20:,.0f}", f"{python / 2**20:,.0f}")
    output().print(table)
    if json_file is not None:
        result = {"machine": describe_machine(), "rows": rows, "sleep": sleep, "peaks": peaks}
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    spark.stop()


if __name__ == "__main__":
    main()
