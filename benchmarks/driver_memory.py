"""Memory of a long iteration on the driver: ``python -m benchmarks.driver_memory``.

Rows of a DataFrame are read one after the other, by `hydrofoil.iterate` and by `toLocalIterator`,
with and without prefetch, each in a driver of its own. What it holds is compared with what the same
driver held when it had read a few rows and nothing ran:

* Python: resident memory.
* JVM, live: what is left of its heap after a full collection, and its direct buffers. The JVM is
  told to collect four times a second, for a heap that nobody collects holds what it may, not what
  is needed: its resident memory says more of ``--heap`` than of the iteration.
* JVM, resident: of a run in which the JVM collects when it wants to. By default its heap may have
  200 MB more than the 65 that the idle driver's live objects take.

The JVM has the executor's tasks in it, too, unless ``--master`` names a cluster, such as
``local-cluster[1,2,1024]``. In the end the iteration is taken once more and left after some rows:
what of jobs, threads of the JVM and open files of Python is there afterwards that was not there
before.
"""

import contextlib
import gc
import json
import os
import subprocess
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
from hydrofoil.tools.cli.written import Written

_MB = 1_000_000
_ROWS_BEFORE_LEAVING = 10
_FEW = 100_000
_SECONDS_BETWEEN = 0.25

WAYS: dict[str, Callable[[DataFrame], Iterator[Any]]] = {
    "iterate": lambda df: hydrofoil.iterate(df),
    "iterate, prefetch": lambda df: hydrofoil.iterate(df, prefetch=True),
    "toLocalIterator": lambda df: df.toLocalIterator(),
    "toLocalIterator, prefetch": lambda df: df.toLocalIterator(prefetchPartitions=True),
}


class Sampler(threading.Thread):
    """The most that this process and its JVM hold, in bytes above what they held at the start.

    Parameters
    ----------
    jvm : Py4J's view of the JVM
    collects : bool
        Have the JVM collect before each look, and see its live memory; else its resident memory.
    """

    def __init__(self, jvm: Any, collects: bool) -> None:
        super().__init__(daemon=True)
        self._jvm = jvm
        self._collects = collects
        self._python = psutil.Process()
        self._java = psutil.Process(jvm.java.lang.ProcessHandle.current().pid())
        self._done = threading.Event()
        self.idle = self._held()
        self.peaks = [0, 0]
        self.looks = 0

    def _held(self) -> list[int]:
        java = self._live() if self._collects else self._java.memory_info().rss
        return [self._python.memory_info().rss, java]

    def _live(self) -> int:
        factory = self._jvm.java.lang.management.ManagementFactory
        self._jvm.System.gc()
        heap: int = factory.getMemoryMXBean().getHeapMemoryUsage().getUsed()
        return heap + sum(pool.getMemoryUsed() for pool in self._pools(factory))

    def _pools(self, factory: Any) -> Any:
        kind = self._jvm.java.lang.Class.forName("java.lang.management.BufferPoolMXBean")
        return factory.getPlatformMXBeans(kind)

    def run(self) -> None:
        while not self._done.wait(_SECONDS_BETWEEN):
            self.look()

    def look(self) -> None:
        above = [now - idle for now, idle in zip(self._held(), self.idle, strict=True)]
        self.peaks = [max(pair) for pair in zip(self.peaks, above, strict=True)]
        self.looks += 1

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


def measure(name: str, rows: int, partitions: int, master: str, heap: str) -> dict[str, Any]:
    """What one way holds, in this process and its JVM."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quiet = dict.fromkeys(("spark.ui.enabled", "spark.ui.showConsoleProgress"), "false")
    # Spark does not start in so small a heap unless it takes less of it for itself.
    small = {"spark.testing.reservedMemory": "20000000"}
    conf = {"spark.driver.memory": heap, **small, **quiet}
    spark = hydrofoil.session(master=master, conf=conf)
    rows_of = WAYS[name]

    def data(count: int) -> DataFrame:
        return spark.range(0, count, 1, partitions).selectExpr(
            "id", "id * 0.5D v", "concat('name ', id) s"
        )

    # The first loads what all need.
    for _ in range(2):
        sum(1 for _ in rows_of(data(_FEW)))
    made: dict[str, Any] = {}
    for kind in ("resident", "live"):
        gc.collect()
        sampler = Sampler(spark._jvm, collects=kind == "live")
        sampler.start()
        begin = time.perf_counter()
        count = sum(1 for _ in rows_of(data(rows)))
        seconds = time.perf_counter() - begin
        sampler.stop()
        if count != rows:
            raise RuntimeError(f"{name} gave {count:,} rows, not {rows:,}")
        python, java = sampler.peaks
        made[kind] = {"python": python, "jvm": java, "seconds": seconds, "looks": sampler.looks}
        made[kind]["idle"] = sampler.idle
    made["left"] = left_early(spark, rows_of(data(rows)))
    spark.stop()
    return made


@click.command()
@click.option("--rows", default=20_000_000, show_default=True)
@click.option("--partitions", default=64, show_default=True)
@click.option("--master", default="local[2]", show_default=True)
@click.option("--heap", default="265m", show_default=True, help="The most of the driver's JVM.")
@click.option("--way", type=click.Choice([*WAYS]), help="One alone, in this process.")
@click.option("--json", "json_file", type=Written())
def main(
    rows: int, partitions: int, master: str, heap: str, way: str | None, json_file: Path | None
) -> None:
    """Print the most that each iteration held, in MB above what the idle driver does."""
    if way is not None:
        print(json.dumps(measure(way, rows, partitions, master, heap)))
        return
    same = [f"--rows={rows}", f"--partitions={partitions}", f"--master={master}", f"--heap={heap}"]
    results: dict[str, Any] = {}
    for name in WAYS:
        command = [sys.executable, "-m", "benchmarks.driver_memory", *same, "--way", name]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        results[name] = json.loads(told.splitlines()[-1])

    table = sheet(
        f"{rows:,} rows of 3 columns, {partitions} partitions, {master}, a heap of {heap}: MB more",
        *("call", "Python", "JVM, live", "JVM, resident", "seconds", "left after a stop"),
    )
    for name, made in results.items():
        stays = ", ".join(f"{n} {what}" for what, n in made["left"].items()) or "nothing"
        resident, live = made["resident"], made["live"]
        table.add_row(
            name,
            f"{max(resident['python'], live['python']) / _MB:,.0f}",
            f"{live['jvm'] / _MB:,.0f}",
            f"{resident['jvm'] / _MB:,.0f}",
            f"{resident['seconds']:.0f}",
            stays,
        )
    finish(table, json_file, rows=rows, master=master, heap=heap, results=results)


if __name__ == "__main__":
    main()
