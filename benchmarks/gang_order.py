"""What an order of rows that is the same in each run costs: ``python -m benchmarks.gang_order``.

The feed: rows of a shuffled DataFrame go to one rank whose consumer does nothing with its batches,
in the order of their arrival and in their stable order, and with ``--before`` also by another
checkout's code. Contestants take turns, each time in a Spark of their own (``local[1]``). Times are
those of the whole first epoch, in the rank; CPU is the JVM's and the rank's.

Epochs: ranks that are processes read a table; what an epoch takes in each kind of shuffle.
"""

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psutil  # type: ignore[import-untyped]

from benchmarks.contestants import child
from benchmarks.gang_feed import BATCH, session
from benchmarks.gang_feed import write as write_wide
from hydrofoil.tools.machine import describe_machine

FORMS = ("columns", "array", "narrow")
# Name -> the order of rows, and how batches are asked for.
CONTESTANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "before": ("arrival", {"batch_size": BATCH}),
    "arrival": ("arrival", {"batch_size": BATCH}),
    "stable": ("stable", {"batch_size": BATCH}),
    "stable, global batches": ("stable", {"global_batch_size": BATCH}),
    "stable, global, shuffled": ("stable", {"global_batch_size": BATCH, "shuffle": True}),
}
EPOCHS: dict[str, dict[str, Any]] = {
    "shuffle=True": {"batch_size": BATCH, "shuffle": True},
    'shuffle="global"': {"batch_size": BATCH, "shuffle": "global"},
    "global batches, shuffle=True": {"global_batch_size": BATCH, "shuffle": True},
}
Timed = dict[str, Any]


def write(folder: Path, rows: int) -> None:
    """The forms of the data, as Parquet."""
    write_wide(folder, rows)
    names = ", ".join(f"rand({place}) as d{place}" for place in range(4))
    spark = session("stock")
    spark.sql(f"select {names} from range(0, {rows}, 1, 4)").write.parquet(f"{folder}/narrow")


def feed(order: str, how: dict[str, Any], batches: Iterator[Any]) -> Timed:
    """The first epoch, in the rank."""
    from hydrofoil.gang.data.reader import open_feed
    from hydrofoil.gang.seams import Spool

    class Alone:
        rank = local_rank = attempt = 0
        world_size = 1
        hosts = ("localhost",)

    began, cpu = time.perf_counter(), time.process_time()
    first = next(batches)

    def again() -> Iterator[Any]:
        yield first
        yield from batches

    more = {} if order == "arrival" else {"order": order}  # Earlier versions know none.
    data = open_feed(again(), first.schema, Spool(), Alone(), **more)  # type: ignore[arg-type]
    rows, first_batch = 0, 0.0
    for batch in data.numpy(**how):
        first_batch = first_batch or time.perf_counter() - began
        rows += len(next(iter(batch.values())))
    data.rows_per_rank  # noqa: B018
    found = {
        "rows": data.num_rows,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "first": first_batch,
    }
    data.close()
    return found


def run_feed(folder: Path, form: str, contestant: str, runs: int) -> list[Timed]:
    """One contestant's times, after a run that warms the JVM."""
    import pyarrow as pa
    from pyspark import cloudpickle

    from hydrofoil.gang.data.staging import stage

    cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    order, how = CONTESTANTS[contestant]
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark: Any = session("columnar")
    more = {} if order == "arrival" else {"positions": True}
    df: Any = stage(spark.read.parquet(f"{folder}/{form}"), 1, **more).df  # type: ignore[arg-type]

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        yield pa.RecordBatch.from_pydict({"r": [json.dumps(feed(order, how, batches))]})

    jvm = psutil.Process(spark.sparkContext._gateway.proc.pid)
    times = []
    for _ in range(runs + 1):
        before = jvm.cpu_times()
        [[found]] = df.mapInArrow(run, "r string", barrier=True).collect()
        after = jvm.cpu_times()
        one = json.loads(found)
        one["cpu"] += after.user + after.system - before.user - before.system
        times.append(one)
    return times[1:]


def epochs(ctx: Any, how: dict[str, Any]) -> list[float]:
    """Wall clock and CPU seconds of the fastest of epochs 1 to 3; the first is the feed's."""
    for _ in ctx.data.numpy(**how, epoch=0):
        pass
    times = []
    for epoch in (1, 2, 3):
        ctx.barrier()
        began, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        for _ in ctx.data.numpy(**how, epoch=epoch):
            pass
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
        times.append((time.perf_counter() - began, cpu_s))
        ctx.barrier()
    return min(times)  # type: ignore[return-value]


def report_epochs(folder: Path, form: str, ranks: int) -> Iterator[str]:
    """An epoch of each kind, by ranks that read the table themselves."""
    from pyspark import cloudpickle

    from hydrofoil import gang

    cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    yield (
        f"an epoch of {form}, {ranks} processes: seconds, and CPU seconds of all; "
        "each process's fastest of three"
    )
    for name, how in EPOCHS.items():
        source = gang.parquet(f"{folder}/{form}")
        found = list(gang.run_locally(ranks, epochs, args={"how": how}, source=source))
        yield f"  {name:32}{max(one for one, _ in found):8.2f}{sum(one for _, one in found):8.2f}"


def report_feed(form: str, found: dict[str, list[Timed]]) -> Iterator[str]:
    """The feed's times, over those of arrival."""
    yield f"{form}: first epoch, medians of {len(next(iter(found.values())))}"
    base = found["before"] if "before" in found else found["arrival"]

    def median(times: list[Timed], what: str) -> float:
        return statistics.median(one[what] for one in times)

    for name, times in found.items():
        wall, cpu = median(times, "seconds"), median(times, "cpu")
        yield (
            f"  {name:26}{times[0]['rows'] / wall:12,.0f} rows/s{wall:7.2f} s "
            f"({wall / median(base, 'seconds'):.3f}){cpu:7.2f} s of CPU "
            f"({cpu / median(base, 'cpu'):.3f}), first batch after {median(times, 'first'):.2f} s"
        )


@click.command()
@click.option("--rows", default=800_000, show_default=True)
@click.option("--rounds", default=3, show_default=True, help="turns of each contestant")
@click.option("--runs", default=3, show_default=True, help="in each turn, after one to warm up")
@click.option("--form", "forms", multiple=True, type=click.Choice(FORMS), help="only these")
@click.option("--before", type=click.Path(exists=True), help="another checkout, built")
@click.option("--ranks", default=2, show_default=True, help="processes that share an epoch")
@click.option("--one", nargs=3, hidden=True, help="folder, form and contestant: print its times")
def main(
    rows: int,
    rounds: int,
    runs: int,
    forms: tuple[str, ...],
    before: str | None,
    ranks: int,
    one: tuple[str, str, str] | None,
) -> None:
    """Run all contestants in turn and print what they took."""
    if one is not None:
        folder, form, name = one
        if name == "write":
            write(Path(folder), rows)
        else:
            click.echo(json.dumps(run_feed(Path(folder), form, name, runs)))
        return
    click.echo(json.dumps(describe_machine()))
    names = [name for name in CONTESTANTS if before or name != "before"]
    with tempfile.TemporaryDirectory() as folder:
        child("benchmarks.gang_order", folder, "", "write", rows, runs)
        for form in forms or FORMS:
            found: dict[str, list[Timed]] = {name: [] for name in names}
            for number in range(rounds):
                # Whoever begins a round is lucky or not; so each of them does.
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    tree = before if name == "before" else None
                    found[name] += json.loads(
                        child("benchmarks.gang_order", folder, form, name, rows, runs, tree)
                    )
            for line in report_feed(form, found):
                click.echo(line)
            for line in report_epochs(Path(folder), form, ranks):
                click.echo(line)


if __name__ == "__main__":
    main()
