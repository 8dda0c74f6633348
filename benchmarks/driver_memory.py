"""Memory of a long iteration on the driver: ``python -m benchmarks.driver_memory``.

Rows of a DataFrame are read one after the other, by `hydrofoil.iterate` and by `toLocalIterator`,
with and without prefetch. Resident memory of the driver's Python and of its JVM is sampled, and
compared with what both held when nothing ran. The JVM has the executor's tasks in it, too, unless
``--master`` names a cluster. Then each way is taken once more and left after some rows: what of
jobs, threads of the JVM and open files of Python is there afterwards that was not there before.
"""

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import psutil
from pyspark.sql import DataFrame, SparkSession

import hydrofoil
from benchmarks.sheets import finish, sheet

_MB = 1_000_000
_ROWS_BEFORE_LEAVING = 10

WAYS: dict[str, Callable[[DataFrame], Iterator[Any]]] = {
    "iterate": lambda df: hydrofoil.iterate(df),
    "iterate, prefetch": lambda df: hydrofoil.iterate(df, prefetch=True),
    "toLocalIterator": lambda df: df.toLocalIterator(),
    "toLocalIterator, prefetch": lambda df: df.toLocalIterator(prefetchPartitions=True),
}


class Sampler(threading.Thread):
    """The most that this process and its JVM hold, above what they held at the start."""

    def __init__(self, jvm: int) -> None:
        super().__init__(daemon=True)
        self._processes = (psutil.Process(), psutil.Process(jvm))
        self._done = threading.Event()
        self.idle = self._held()
        self.peaks = [0, 0]

    def _held(self) -> list[int]:
        return [process.memory_info().rss for process in self._processes]

    def run(self) -> None:
        while not self._done.wait(0.1):
            self.look()

    def look(self) -> None:
        above = [now - idle for now, idle in zip(self._held(), self.idle, strict=True)]
        self.peaks = [max(pair) for pair in zip(self.peaks, above, strict=True)]

    def stop(self) -> None:
        self._done.set()
        self.join()
        self.look()


def left_over(spark: SparkSession) -> dict[str, int]:
    """Running jobs, threads of the JVM that serve an iterator, and open sockets of Python."""
    jvm: Any = spark._jvm
    threads = jvm.Thread.getAllStackTraces().keySet().toString()
    return {
        "jobs": len(spark.sparkContext.statusTracker().getActiveJobsIds()),
        "threads": threads.count("serve toLocalIterator"),
        "sockets": len(psutil.Process().net_connections("all")),
    }


def left_early(spark: SparkSession, rows: Iterator[Any]) -> dict[str, int]:
    """What is there after an iteration that was left, and was not there before; waits a moment."""
    # Py4J keeps its connections: they are counted when there are as many as are needed.
    left_over(spark)
    before = left_over(spark)
    for _ in range(_ROWS_BEFORE_LEAVING):
        next(rows)
    with contextlib.suppress(AttributeError):
        rows.close()  # type: ignore[attr-defined]
    del rows
    gc.collect()
    for _ in range(50):
        after = left_over(spark)
        more = {name: after[name] - before[name] for name in after if after[name] > before[name]}
        if not more:
            break
        time.sleep(0.1)
    return more


@click.command()
@click.option("--rows", default=20_000_000, show_default=True)
@click.option("--partitions", default=64, show_default=True)
@click.option("--master", default="local[2]", show_default=True)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
def main(rows: int, partitions: int, master: str, json_file: Path | None) -> None:
    """Print the most that each iteration held, in MB above what the idle driver does."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quiet = dict.fromkeys(("spark.ui.enabled", "spark.ui.showConsoleProgress"), "false")
    spark = hydrofoil.session(master=master, conf={"spark.driver.memory": "1g", **quiet})
    jvm: Any = spark._jvm
    pid = jvm.java.lang.ProcessHandle.current().pid()

    def data(count: int) -> DataFrame:
        return spark.range(0, count, 1, partitions).selectExpr(
            "id", "id * 0.5D v", "concat('name ', id) s"
        )

    results: dict[str, Any] = {}
    for name, rows_of in WAYS.items():
        # The first loads what all need.
        count = sum(1 for _ in rows_of(data(100_000)))
        gc.collect()
        sampler = Sampler(pid)
        sampler.start()
        begin = time.perf_counter()
        count = sum(1 for _ in rows_of(data(rows)))
        seconds = time.perf_counter() - begin
        sampler.stop()
        if count != rows:
            raise RuntimeError(f"{name} gave {count:,} rows, not {rows:,}")
        left = left_early(spark, rows_of(data(rows)))
        python, java = (peak / _MB for peak in sampler.peaks)
        results[name] = {"python": python, "jvm": java, "seconds": seconds, "left": left}
    spark.stop()

    table = sheet(
        f"{rows:,} rows of 3 columns, {partitions} partitions",
        *("call", "Python, MB more", "JVM, MB more", "seconds", "left after a stop"),
    )
    for name, made in results.items():
        stays = ", ".join(f"{n} {what}" for what, n in made["left"].items()) or "nothing"
        table.add_row(
            name,
            f"{made['python']:,.0f}",
            f"{made['jvm']:,.0f}",
            f"{made['seconds']:.0f}",
            stays,
        )
    finish(table, json_file, rows=rows, master=master, results=results)


if __name__ == "__main__":
    main()
