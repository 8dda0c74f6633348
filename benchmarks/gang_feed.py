"""A gang's feed against what it replaces: ``python -m benchmarks.gang_feed``.

64 float32 features, as 64 columns and as one ``array<float>``, go from a shuffled DataFrame to one
rank whose consumer does nothing with its batches. Each contestant has a Spark of its own
(``local[1]``), all in turn; times are taken in the Python worker, from its first request for data
to the last batch. Contestants on "stock" have stock's JVM operators and workers.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.contestants import child
from hydrofoil.tools.machine import describe_machine

WIDTH = 64
BATCH = 1024
EPOCHS = 3
# Row iterators, whose rate doesn't change any more, stop here.
MOST_SECONDS = 5.0
FORMS = ("columns", "array")
Timed = dict[str, Any]


def _clock() -> float:
    return time.perf_counter()


def ours(batches: Iterator[Any]) -> Timed:
    """The gang's feed: epochs of NumPy batches."""
    import pyarrow as pa

    from hydrofoil.gang.data.reader import open_feed
    from hydrofoil.gang.seams import Spool

    class Alone:
        rank = local_rank = attempt = 0
        world_size = 1
        hosts = ("localhost",)

    def resident(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        [line] = [one for one in lines if one.startswith(name)]
        return int(line.split()[1]) << 10

    start = _clock()
    first: pa.RecordBatch = next(batches)

    def again() -> Iterator[pa.RecordBatch]:
        yield first
        yield from batches

    Path("/proc/self/clear_refs").write_text("5")  # The peak begins anew.
    before = resident("VmRSS")
    data = open_feed(again(), first.schema, Spool(), Alone())  # type: ignore[arg-type]
    times, rows, filled = [], 0, 0.0
    for epoch in range(EPOCHS):
        rows = 0
        for batch in data.numpy(batch_size=BATCH, epoch=epoch):
            rows += len(next(iter(batch.values())))
        if epoch == 0:
            data.rows_per_rank  # noqa: B018
            filled = resident("VmHWM")
        times.append(_clock() - start)
        start = _clock()
    shuffled = _clock()
    for batch in data.numpy(batch_size=BATCH, epoch=EPOCHS, shuffle=True):
        len(batch)
    shuffled = _clock() - shuffled
    result = {
        "rows": rows,
        "seconds": times[0],
        "epochs": times[1:],
        "shuffled": shuffled,
        "spool": data.spooled_bytes,
        "resident": filled - before,
        "all epochs": resident("VmHWM") - before,
        "batch": first.nbytes,
    }
    data.close()
    return result


def pandas_partition(frames: Iterator[Any]) -> Timed:
    """The whole partition as one pandas DataFrame, then batches of it."""
    import numpy as np
    import pandas as pd

    start = _clock()
    frame = pd.concat(list(frames), ignore_index=True)
    for at in range(0, len(frame), BATCH):
        part = frame.iloc[at : at + BATCH]
        if len(part.columns) == 1:
            np.stack(part.iloc[:, 0].to_numpy())
        else:
            part.to_numpy()
    return {"rows": len(frame), "seconds": _clock() - start}


def row_iterator(rows: Iterator[Any]) -> Timed:
    """Spark's rows, of which batches are made."""
    from itertools import islice

    import numpy as np

    start = _clock()
    count = 0
    while part := list(islice(rows, BATCH)):
        count += len(np.asarray(part, np.float32))
        if _clock() - start > MOST_SECONDS:
            break
    return {"rows": count, "seconds": _clock() - start}


def bare_rows(rows: Iterator[Any]) -> Timed:
    """Spark's rows, of which nothing is made."""
    start = _clock()
    count = 0
    for _ in rows:
        count += 1
        if not count % BATCH and _clock() - start > MOST_SECONDS:
            break
    return {"rows": count, "seconds": _clock() - start}


def _in_arrow(df: Any, measure: Callable[[Any], Timed]) -> str:
    import pyarrow as pa

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        yield pa.RecordBatch.from_pydict({"r": [json.dumps(measure(batches))]})

    [[found]] = df.mapInArrow(run, "r string", barrier=True).collect()
    return str(found)


def _in_pandas(df: Any, measure: Callable[[Any], Timed]) -> str:
    import pandas as pd

    def run(frames: Iterator[Any]) -> Iterator[Any]:
        yield pd.DataFrame({"r": [json.dumps(measure(frames))]})

    [[found]] = df.mapInPandas(run, "r string").collect()
    return str(found)


def _in_rows(df: Any, measure: Callable[[Any], Timed]) -> str:
    [found] = df.rdd.mapPartitions(lambda rows: [json.dumps(measure(rows))]).collect()
    return str(found)


# Name -> how it is sent, what runs, whose JVM operators.
CONTESTANTS: dict[str, tuple[Any, Callable[[Any], Timed], str]] = {
    "gang, columnar": (_in_arrow, ours, "columnar"),
    "gang, stock": (_in_arrow, ours, "stock"),
    "toPandas a partition": (_in_pandas, pandas_partition, "stock"),
    "row iterator": (_in_rows, row_iterator, "stock"),
    "rows, no batches": (_in_rows, bare_rows, "stock"),
}


def session(engine: str) -> Any:
    """A Spark with one core."""
    from pyspark.sql import SparkSession

    import hydrofoil

    builder = (
        SparkSession.builder.master("local[1]")
        .appName("hydrofoil benchmarks")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "2g")
    )
    return (hydrofoil.configure(builder) if engine == "columnar" else builder).getOrCreate()


def write(folder: Path, rows: int) -> None:
    """Both forms of the data, as Parquet."""
    spark = session("stock")
    names = [f"f{place}" for place in range(WIDTH)]
    values = ", ".join(f"cast(rand({place}) as float) as {names[place]}" for place in range(WIDTH))
    spark.sql(f"select {values} from range(0, {rows}, 1, 4)").write.parquet(f"{folder}/columns")
    array = f"array({', '.join(names)}) as features"
    spark.read.parquet(f"{folder}/columns").selectExpr(array).write.parquet(f"{folder}/array")


def run_one(folder: Path, form: str, contestant: str, runs: int) -> list[Timed]:
    """One contestant's times, after a run that warms the JVM."""
    from pyspark import cloudpickle

    from hydrofoil.gang.data.staging import stage

    cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    send, measure, engine = CONTESTANTS[contestant]
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = session(engine)
    df = stage(spark.read.parquet(f"{folder}/{form}"), 1).df
    return [json.loads(send(df, measure)) for _ in range(runs + 1)][1:]


def _rate(times: list[Timed]) -> float:
    return statistics.median(one["rows"] / one["seconds"] for one in times)


def report(form: str, found: dict[str, list[Timed]]) -> Iterator[str]:
    """The results of one form of the data in words."""
    first = _rate(found["gang, columnar"])
    yield f"{WIDTH} float32 as {form}: rows/s into a consumer that does nothing, median"
    for name, times in found.items():
        yield f"  {name:24}{_rate(times):14,.0f}   {first / _rate(times):5.1f}x"
    for name, times in found.items():
        if "epochs" not in times[0]:
            continue
        later = statistics.median(one["rows"] / epoch for one in times for epoch in one["epochs"])
        shuffled = statistics.median(one["rows"] / one["shuffled"] for one in times)
        most = max(one["resident"] for one in times)
        allowed = times[0]["spool"] + 2 * times[0]["batch"]
        yield (
            f"  {name}: later epochs {later:,.0f} rows/s ({later / _rate(times):.0f}x), shuffled "
            f"{shuffled:,.0f}; memory grew by {most >> 20} MiB in the first epoch, by "
            f"{max(one['all epochs'] for one in times) >> 20} in all; spool and two batches "
            f"are {allowed >> 20}"
        )


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--runs", default=3, show_default=True, help="of each, after one to warm up")
@click.option("--form", "forms", multiple=True, type=click.Choice(FORMS), help="only these")
@click.option("--contestant", "names", multiple=True, help="only these")
@click.option("--one", nargs=3, hidden=True, help="folder, form and contestant: print its times")
def main(
    rows: int,
    runs: int,
    forms: tuple[str, ...],
    names: tuple[str, ...],
    one: tuple[str, str, str] | None,
) -> None:
    """Run all contestants on both forms of the data and print their rates."""
    if one is not None:
        folder, form, name = one
        if name == "write":
            write(Path(folder), rows)
        else:
            click.echo(json.dumps(run_one(Path(folder), form, name, runs)))
        return
    click.echo(json.dumps(describe_machine()))
    with tempfile.TemporaryDirectory() as folder:
        child("benchmarks.gang_feed", folder, "", "write", rows, runs)
        for form in forms or FORMS:
            found = {
                name: json.loads(child("benchmarks.gang_feed", folder, form, name, rows, runs))
                for name in names or CONTESTANTS
            }
            for line in report(form, found):
                click.echo(line)


if __name__ == "__main__":
    main()
