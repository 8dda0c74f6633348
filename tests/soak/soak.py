"""Hours of work in minutes: does memory stay flat, and is each answer right?

    python tests/soak/soak.py --minutes 2 --crowd-minutes 1

First every kind of function runs in turn, under stock and under Hydrofoil, for some minutes. The
memory (PSS), descriptors, threads and processes of each engine's daemons and workers are sampled
meanwhile, and the Python objects of a worker. Then 32 tasks run at a time, on workers that are used
again: mixed queries, whose answers are known beforehand, and some that fail. The exit code is 1 if
anything of Hydrofoil's grows more than it may and more than stock's, if an answer is wrong, or if a
process is left at the end. ``--plant`` has a function leak: it has to be found.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import click
import flat
import psutil
from crowd import Crowd
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "smoke"))

import crowd
import smoke

import hydrofoil
from hydrofoil.tools.parity import session
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_engine

OURS = Engine("hydrofoil", HYDROFOIL.daemon, columnar=True)
ENGINES = [STOCK, OURS]
# Enough rows for several batches.
BULK = 60_000
# A round is sampled so many times.
PARTS = 3
CONF = {
    **session.CONF,
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "2g",
}
LEFT_WITHIN_S = 30.0
HEADS = ("at first", "more")
console = Console(width=120)


def started(cores: int, folder: str) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    conf = CONF | {"spark.sql.warehouse.dir": f"{folder}/warehouse"}
    spark = hydrofoil.session(master=f"local[{cores}]", app_name="hydrofoil soak", conf=conf)
    # Among others, queries fail on purpose.
    spark.sparkContext.setLogLevel("OFF")
    return spark


def jvm_of(spark: SparkSession) -> int:
    return int(spark.sparkContext._jvm.ProcessHandle.current().pid())


def objects(batches: Iterator[Any]) -> Iterator[Any]:
    """The number of objects that the worker has, but for those that the daemon brought along."""
    import gc

    import pyarrow as pa

    for _ in batches:
        gc.collect()
        yield pa.record_batch([pa.array([len(gc.get_objects())])], ["n"])


def leaking(what: str) -> Callable[[int], int]:
    """A function that leaves something behind each time."""

    def function(x: int) -> int:
        import builtins
        import os
        import threading
        import time

        kept = builtins.__dict__.setdefault("_planted", [])
        if what == "memory":
            kept.append(os.urandom(1 << 20))
        elif what == "objects":
            kept.append([[] for _ in range(500)])
        elif what == "descriptors":
            kept.append(os.open(os.devnull, os.O_RDONLY))
        else:
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
        return x

    return function


def one_round(spark: SparkSession, kinds: list[Any], engine: Engine, plant: str) -> list[str]:
    """Run every kind once; return what is wrong."""
    from pyspark.sql.functions import udf

    wrong = []
    rows = smoke.source(spark)
    for kind in kinds:
        got = Counter(repr(tuple(row)) for row in kind.query(rows).collect())
        if got != Counter(map(repr, kind.expected)):
            wrong.append(f"{engine.name}: {kind.name} gave {got}")
    text = udf(lambda i, s: f"{s} {i}", "string")
    frame = spark.range(0, BULK, 1, 2).selectExpr("id", "concat('é', id) s")
    [[count, total]] = (
        frame.select(text("id", "s").alias("t")).selectExpr("count(t)", "sum(length(t))").collect()
    )
    if (count, total) != (BULK, sum(2 + 2 * len(str(i)) for i in range(BULK))):
        wrong.append(f"{engine.name}: {count} rows of {total} characters")
    if plant and engine is OURS:
        spark.range(0, 4, 1, 2).select(udf(leaking(plant), "long")("id")).collect()
    return wrong


def in_turn(
    spark: SparkSession, minutes: float, plant: str
) -> tuple[dict[str, list[flat.Sample]], list[str], int]:
    """Run kinds until the time is over; return samples by engine, what is wrong, and queries."""
    kinds = [kind for kind in smoke.KINDS if kind.since <= smoke.LINE]
    parts = [kinds[start::PARTS] for start in range(PARTS)]
    samples: dict[str, list[flat.Sample]] = {engine.name: [] for engine in ENGINES}
    wrong: list[str] = []
    queries = 0
    until, told = time.monotonic() + minutes * 60, time.monotonic()
    while time.monotonic() < until:
        for part, engine in product(parts, ENGINES):
            with use_engine(spark, engine):
                wrong += one_round(spark, part, engine, plant)
                made = spark.range(0, 2, 1, 2).mapInArrow(objects, "n long").collect()
                queries += len(part) + 2
            found = flat.sample(jvm_of(spark), engine.daemon, max(row[0] for row in made))
            samples[engine.name].append(found)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            ours = samples[OURS.name][-1]
            console.print(
                f"{len(samples[OURS.name]) // PARTS} rounds, {(until - told) / 60:.1f} minutes "
                f"to go, {len(wrong)} wrong; PSS {ours.pss / flat.MB:.0f} MB, "
                f"{ours.objects} objects, "
                f"{ours.descriptors} descriptors, {ours.threads} threads"
            )
    return samples, wrong, queries


def table(samples: dict[str, list[Any]]) -> tuple[Table, list[str]]:
    """The closing table, and what has grown."""
    shown = Table(
        "", *(f"{engine.name}, {what}" for engine in ENGINES for what in ("at first", "more"))
    )
    wrong = []
    for measure in flat.MEASURES:
        series = {
            name: [float(getattr(found, measure.name)) for found in each]
            for name, each in samples.items()
        }
        cells = [
            f"{value / measure.unit:,.1f}"
            for engine in ENGINES
            for value in flat.growth(series[engine.name])
        ]
        shown.add_row(measure.name, *cells)
        grown = flat.grown(measure, series[OURS.name], series[STOCK.name])
        wrong += [grown] if grown else []
    return shown, wrong


def left(processes: list[psutil.Process]) -> list[str]:
    """Those that go on after their session has ended."""
    _, alive = psutil.wait_procs(processes, timeout=LEFT_WITHIN_S)
    found = []
    for process in alive:
        with suppress(psutil.Error):
            # What has ended, and is not asked for its status by the JVM, goes with the JVM.
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"process {process.pid} is left: {process.cmdline()}")
    return found


def below(jvm: int) -> list[psutil.Process]:
    return psutil.Process(jvm).children(recursive=True)


@click.command(help=__doc__)
@click.option("--minutes", default=2.0, help="For every kind in turn.")
@click.option("--crowd-minutes", default=1.0, help="For 32 tasks at a time.")
@click.option("--plant", type=click.Choice(["memory", "objects", "descriptors", "threads"]))
def main(minutes: float, crowd_minutes: float, plant: str | None) -> None:
    for module in (crowd, smoke):
        cloudpickle.register_pickle_by_value(module)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hydrofoil-soak-") as folder:
        if minutes:
            began = time.monotonic()
            spark = started(2, folder)
            samples, mistakes, queries = in_turn(spark, minutes, plant or "")
            wrong += mistakes
            mine = below(jvm_of(spark))
            spark.stop()
            wrong += left(mine)
            shown, grown = table(samples)
            number = len(samples[OURS.name])
            if number < flat.LEAST:
                wrong.append(f"{number} samples are too few to say: give it more minutes")
            wrong += grown
            console.print(shown)
            took = (time.monotonic() - began) / 60
            console.print(f"{number // PARTS} rounds, {queries} queries in {took:.1f} minutes")
        if crowd_minutes:
            began = time.monotonic()
            spark = started(32, folder)
            run = Crowd(spark, crowd_minutes * 60)
            run.run()
            mine = below(jvm_of(spark))
            spark.stop()
            wrong += run.wrong
            number = sum(run.queries.values())
            console.print(dict(run.queries))
            console.print(
                f"{number} queries of {crowd.PARTITIONS} tasks, {len(run.wrong)} wrong, "
                f"in {(time.monotonic() - began) / 60:.1f} minutes"
            )
            wrong += left(mine)
    for what in wrong[:20]:
        console.print(f"soak: {what}", soft_wrap=True)
    console.print(f"soak: {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
