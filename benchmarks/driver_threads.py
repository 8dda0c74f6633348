"""A driver's call by the threads of its JVM: ``python -m benchmarks.driver_threads "collect()"``.

The calls are those of ``hydrofoil bench --suite driver``. What counts is CPU time a row, of each of
the JVM's threads that took some: the collector's, the compilers', those of tasks, and so on. Those
whose names differ in a number alone are one. Linux alone has these times.
"""

import re
import statistics
from collections import Counter
from pathlib import Path

import click
from pyspark.sql import SparkSession

import hydrofoil
from benchmarks.sheets import finish, sheet
from hydrofoil.tools.bench.bench import Bench, Options
from hydrofoil.tools.bench.contest import HYDROFOIL
from hydrofoil.tools.bench.suites import driver
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.parity.engines import STOCK, use_engine

_ENGINES = {"stock": STOCK, "Hydrofoil": HYDROFOIL}
# Threads that take less are added up.
_LEAST = 10


def _threads(pid: int) -> Counter[str]:
    """CPU nanoseconds of a process's threads, by their names without numbers."""
    found: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text()
            spent = (task / "schedstat").read_text()
        except OSError:
            continue  # It has ended.
        found[re.sub(r"[-# ]*\d[\d.-]*", "", name).strip()] += int(spent.split()[0])
    return found


def _measure(
    spark: SparkSession, call: str, columns: str, rows: int, repeat: int, engines: list[str]
) -> dict[str, dict[str, float]]:
    """Nanoseconds a row of each thread, medians, by engines."""
    expressions, row = driver._FRAMES[columns]
    hydrofoil.enable(spark)
    run = driver._calls(spark, spark.range(rows).selectExpr(*expressions), row, rows, [call])[call]
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    pid = jvm.java.lang.ProcessHandle.current().pid()
    taken: dict[str, list[Counter[str]]] = {engine: [] for engine in engines}
    for turn in range(-driver._WARM_UPS, repeat):
        for engine in engines:
            with use_engine(spark, _ENGINES[engine]):
                (hydrofoil.disable if engine == "stock" else hydrofoil.enable)(spark)
                before = _threads(pid)
                run()
            if turn >= 0:
                taken[engine].append(_threads(pid) - before)
    return {
        engine: {
            name: statistics.median(one[name] for one in runs) / rows for name in set().union(*runs)
        }
        for engine, runs in taken.items()
    }


@click.command()
@click.argument("call", type=click.Choice(driver._CALLS))
@click.option("--wide", is_flag=True, help="With columns of struct, array and timestamp.")
@click.option("--alone", is_flag=True, help="Without stock's calls between.")
@click.option("--rows", default=300_000, show_default=True)
@click.option("--repeat", default=5, show_default=True)
@click.option("--json", "json_file", type=Written(), help="All figures.")
def main(
    call: str, wide: bool, alone: bool, rows: int, repeat: int, json_file: Path | None
) -> None:
    """Measure a call, as it is in that suite, by the threads of the JVM."""
    columns = list(driver._FRAMES)[wide]
    engines = ["Hydrofoil"] if alone else list(_ENGINES)
    spark = Bench(Options()).session()
    took = _measure(spark, call, columns, rows, repeat, engines)
    names = sorted(
        {name for by_name in took.values() for name, ns in by_name.items() if ns >= _LEAST},
        key=lambda name: -max(by_name.get(name, 0.0) for by_name in took.values()),
    )
    table = sheet(
        f"{call} of {rows:,} rows of {columns}: CPU ns a row of the JVM's threads",
        *("threads", *engines),
    )
    for name in names:
        table.add_row(name, *(f"{took[engine].get(name, 0.0):,.0f}" for engine in engines))
    others = [
        sum(ns for name, ns in took[engine].items() if name not in names) for engine in engines
    ]
    table.add_row("others", *(f"{ns:,.0f}" for ns in others))
    finish(table, json_file, call=call, columns=columns, rows=rows, threads=took)
    spark.stop()


if __name__ == "__main__":
    main()
