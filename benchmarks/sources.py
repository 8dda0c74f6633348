"""Python data sources, stock's over Hydrofoil's: ``python -m benchmarks.sources``.

One session, in which the engines take turns; each case is read into the sink that drops its rows,
or written by a writer that looks at one column. What counts is CPU time: of the driver's Python, of
its JVM, and of all Python processes below it. Three cases say what of that is not the rows': a
reader of one row, one that makes all rows and yields the last, and one that yields record batches
which it has made before.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from pyspark.sql import DataFrame, SparkSession

import hydrofoil
from benchmarks.sheets import finish, sheet
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.bench.clock import SparkClock
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_conf, use_engine

_PARTITIONS = 2
_NARROW = "a long, b double, c string"
_WIDE = f"{_NARROW}, d struct<x: long, y: string>, e array<long>, f timestamp"
_QUERIES = {
    "narrow": ("id a", "id * 0.5D b", "concat('row ', id) c"),
    "wide": (
        *("id a", "id * 0.5D b", "concat('row ', id) c"),
        *("struct(id x, 'x' y) d", "array(id, id + 1) e", "timestamp_seconds(id) f"),
    ),
}
_READS = ("rows", "rows, wide", "record batches", "one row", "rows that are not yielded")
_WRITES = ("written rows", "written rows, wide")


def source() -> Any:
    """The data source, made here: its module is not on the workers' path."""
    import datetime

    import pyarrow as pa
    from pyspark.sql.datasource import (
        DataSource,
        DataSourceReader,
        DataSourceWriter,
        InputPartition,
        WriterCommitMessage,
    )

    at = datetime.datetime(2024, 5, 6, 7, 8, 9)

    def narrow(i: int) -> Any:
        return (i, i * 0.5, "row %d" % i)  # noqa: UP031  # as programs have it

    def wide(i: int) -> Any:
        return (i, i * 0.5, "row %d" % i, (i, "x"), [i, i + 1], at)  # noqa: UP031

    class Reader(DataSourceReader):
        def __init__(self, case: str, rows: int) -> None:
            self.case, self.rows = case, rows // _PARTITIONS

        def partitions(self) -> list[InputPartition]:
            return [InputPartition(i) for i in range(_PARTITIONS)]

        def read(self, partition: InputPartition) -> Iterator[Any]:
            if self.case == "record batches":
                size = 10_000
                made = [narrow(i) for i in range(size)]
                batch = pa.RecordBatch.from_arrays(
                    [pa.array(column) for column in zip(*made, strict=True)], ["a", "b", "c"]
                )
                yield from [batch] * (self.rows // size)
            elif self.case == "one row":
                yield narrow(0)
            elif self.case == "rows that are not yielded":
                for i in range(self.rows):
                    last = narrow(i)
                yield last
            else:
                make = wide if "wide" in self.case else narrow
                for i in range(self.rows):
                    yield make(i)

    class Writer(DataSourceWriter):
        def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
            total = 0
            for row in iterator:
                total += row[0]
            return WriterCommitMessage()

    class Source(DataSource):
        @classmethod
        def name(cls) -> str:
            return "benchmark"

        def schema(self) -> str:
            return _WIDE if "wide" in self.options["case"] else _NARROW

        def reader(self, schema: Any) -> Reader:
            return Reader(self.options["case"], int(self.options["rows"]))

        def writer(self, schema: Any, overwrite: bool) -> Writer:
            return Writer()

    return Source


def calls(spark: SparkSession, rows: int) -> dict[str, Callable[[], Any]]:
    """A query for each case."""

    def read(case: str) -> Callable[[], Any]:
        data = spark.read.format("benchmark").options(case=case, rows=str(rows)).load()
        return lambda: data.write.format("noop").mode("overwrite").save()

    def write(data: DataFrame) -> Callable[[], Any]:
        return lambda: data.write.format("benchmark").mode("append").save()

    numbers = spark.range(0, rows, 1, _PARTITIONS)
    made = {case: read(case) for case in _READS}
    for case, query in zip(_WRITES, _QUERIES.values(), strict=True):
        made[case] = write(numbers.selectExpr(*query))
    return made


def timed(spark: SparkSession, engine: Engine, call: Callable[[], Any]) -> dict[str, float]:
    """CPU seconds of one run."""
    with ExitStack() as stack:
        stack.enter_context(use_engine(spark, engine))
        stack.enter_context(use_conf(spark, {ENABLED_KEY: str(engine is HYDROFOIL).lower()}))
        clock = SparkClock(spark)
        begin = time.process_time()
        call()
        cpu = clock.elapsed()
    driver = time.process_time() - begin
    return {"all": driver + cpu.jvm + cpu.python, "jvm": cpu.jvm, "python": cpu.python}


@click.command()
@click.option("--rows", default=300_000, show_default=True)
@click.option("--warm-up", default=5, show_default=True, help="runs that are not counted")
@click.option("--repeat", default=9, show_default=True)
@click.option("--case", "cases", multiple=True, type=click.Choice([*_READS, *_WRITES]))
@click.option("--json", "json_file", type=Written())
def main(
    rows: int, warm_up: int, repeat: int, cases: tuple[str, ...], json_file: Path | None
) -> None:
    """Print each case's CPU seconds, the medians of all runs, and stock's over Hydrofoil's."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quiet = dict.fromkeys(("spark.ui.enabled", "spark.ui.showConsoleProgress"), "false")
    spark = hydrofoil.session(master="local[2]", conf=quiet)
    spark.sparkContext.setLogLevel("OFF")
    spark.dataSource.register(source())
    queries = {
        name: call for name, call in calls(spark, rows).items() if not cases or name in cases
    }
    taken: dict[str, dict[str, list[dict[str, float]]]] = {
        name: {STOCK.name: [], HYDROFOIL.name: []} for name in queries
    }
    for turn in range(warm_up + repeat):
        for name, call in queries.items():
            for engine in (STOCK, HYDROFOIL) if turn % 2 else (HYDROFOIL, STOCK):
                sample = timed(spark, engine, call)
                if turn >= warm_up:
                    taken[name][engine.name].append(sample)
    spark.stop()

    table = sheet(
        f"{rows:,} rows, CPU seconds: all (JVM + Python)",
        *("case", "stock", "Hydrofoil", "stock over Hydrofoil", "least to most"),
    )
    for name, by_engine in taken.items():
        shown = []
        for samples in by_engine.values():
            middle = {
                part: statistics.median(sample[part] for sample in samples)
                for part in ("all", "jvm", "python")
            }
            shown.append(f"{middle['all']:.2f} ({middle['jvm']:.2f} + {middle['python']:.2f})")
        stock, ours = ([sample["all"] for sample in each] for each in by_engine.values())
        factors = sorted(a / b for a, b in zip(stock, ours, strict=True) if b)
        factor = statistics.median(stock) / statistics.median(ours)
        spread = f"{factors[0]:.1f} to {factors[-1]:.1f}"
        table.add_row(name, *shown, f"{factor:.1f}", spread)
    finish(table, json_file, rows=rows, samples=taken)


if __name__ == "__main__":
    main()
