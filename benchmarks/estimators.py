"""How estimators feed their ranks, beside ``xgboost.spark``: ``python -m benchmarks.estimators``.

64 float features go from Parquet to the arrays that one rank makes its matrix of, as 64 columns,
as one array and as one vector of Spark ML; the rank computes nothing with them. What XGBoost does
then, its bins and trees, is the same library's work in both, and is measured apart.

Each contestant has a Spark of its own (``local[1]``), all in turn. ``xgboost.spark`` runs on
stock's workers and JVM operators, with the DataFrame that its estimator prepares and its own
function that takes rows over. Both shuffle, for the data has four partitions.
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
import psutil  # type: ignore[import-untyped]

from benchmarks.contestants import child
from hydrofoil.tools.machine import describe_machine

WIDTH = 64
NAMES = [f"f{place}" for place in range(WIDTH)]
FORMS = ("columns", "array", "vector")
Found = dict[str, float]


class Clock:
    """Wall time and CPU time of this worker and of its JVM, from when it is made."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        above = [one for one in self._me.parents() if "java" in one.name()]
        self._jvm = above[0]
        self._start = self._now()

    def _now(self) -> tuple[float, float, float]:
        times = self._jvm.cpu_times()
        return time.perf_counter(), time.process_time(), times.user + times.system

    def passed(self) -> Found:
        names = ("wall", "worker", "jvm")
        return {n: b - a for n, a, b in zip(names, self._start, self._now(), strict=True)}


class Alone:
    """The only rank of a gang, as far as a feed asks."""

    rank = local_rank = attempt = 0
    world_size = 1
    hosts = ("localhost",)

    def __init__(self) -> None:
        self.data: Any = None

    def all_gather(self, value: Any) -> list[Any]:
        return [value]


def features_of(form: str) -> Any:
    return NAMES if form == "columns" else "features"


def theirs(df: Any, form: str) -> Found:
    """The rank's part of ``xgboost.spark``: until the matrix is to be made."""
    import pandas as pd
    from xgboost.spark import SparkXGBRegressor

    estimator = SparkXGBRegressor(features_col=features_of(form), num_workers=1)
    prepared, properties = estimator._prepare_input(df)

    def run(frames: Iterator[Any]) -> Iterator[Any]:
        from xgboost.spark import data

        clock = Clock()
        found: dict[str, Any] = {}

        def instead(values: Any, *rest: Any) -> Any:
            found.update(clock.passed())
            found["rows"] = sum(map(len, values[data.alias.data]))
            return None

        before, data.make_qdm = data.make_qdm, instead  # type: ignore[assignment]
        try:
            data.create_dmatrix_from_partitions(
                iterator=frames,
                feature_cols=properties.features_cols_names,
                dev_ordinal=None,
                use_qdm=True,
                kwargs={"nthread": 1, "missing": float("nan")},
                enable_sparse_data_optim=False,
                has_validation_col=False,
            )
        finally:
            data.make_qdm = before
        yield pd.DataFrame({"r": [json.dumps(found)]})

    [[result]] = prepared.mapInPandas(run, "r string", barrier=True).collect()
    return dict(json.loads(result))


def ours(df: Any, form: str) -> Found:
    """The rank's part of an estimator of ours: until the matrix is to be made."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    from hydrofoil.gang.data.staging import stage
    from hydrofoil.ml.base.columns import Asked, selected
    from hydrofoil.ml.base.running import even_or_dealt

    chosen = selected(df, Asked(features_of(form), "label"))
    staged = stage(chosen, 1, even_or_dealt(chosen, 1)).df
    schema = to_arrow_schema(staged.schema)

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        from hydrofoil.gang.data.reader import open_feed
        from hydrofoil.gang.seams import Spool
        from hydrofoil.ml.workers.rows import fill, taken

        clock = Clock()
        alone = Alone()
        alone.data = open_feed(batches, schema, Spool(nulls="fill", fill=fill(schema.names)), alone)  # type: ignore[arg-type]
        rows, _ = taken(alone)
        found = {**clock.passed(), "rows": len(rows)}
        alone.data.close()
        yield pa.RecordBatch.from_pydict({"r": [json.dumps(found)]})

    [[result]] = staged.mapInArrow(run, "r string", barrier=True).collect()
    return dict(json.loads(result))


# Name -> what runs, and whether the session has Hydrofoil's workers and operators.
CONTESTANTS: dict[str, tuple[Callable[[Any, str], Found], bool]] = {
    "hydrofoil.ml": (ours, True),
    "hydrofoil.ml, stock's operators": (ours, False),
    "xgboost.spark": (theirs, False),
    "xgboost.spark, Hydrofoil's workers": (theirs, True),
}


def session(hydrofoils: bool) -> Any:
    """A Spark with one core."""
    from pyspark.sql import SparkSession

    import hydrofoil

    builder = (
        SparkSession.builder.master("local[1]")
        .appName("hydrofoil benchmarks")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "3g")
    )
    return (hydrofoil.configure(builder) if hydrofoils else builder).getOrCreate()


def write(folder: Path, rows: int) -> None:
    """All forms of the data, as Parquet in four files."""
    from pyspark.ml.feature import VectorAssembler

    spark = session(False)
    values = ", ".join(
        f"cast(rand({place}) as float) as {name}" for place, name in enumerate(NAMES)
    )
    made = spark.sql(
        f"select cast(rand(-1) as float) as label, {values} from range(0, {rows}, 1, 4)"
    )
    made.write.parquet(f"{folder}/columns")
    columns = spark.read.parquet(f"{folder}/columns")
    array = f"array({', '.join(NAMES)}) as features"
    columns.selectExpr("label", array).write.parquet(f"{folder}/array")
    vectors = VectorAssembler(inputCols=NAMES, outputCol="features").transform(columns)
    vectors.select("label", "features").write.parquet(f"{folder}/vector")


def run_one(folder: Path, form: str, name: str, runs: int) -> list[Found]:
    """One contestant's times, after two runs that warm the JVM."""
    from pyspark import cloudpickle

    from hydrofoil.tools.bench.clock import SparkClock

    cloudpickle.register_pickle_by_value(sys.modules["__main__"])  # type: ignore[no-untyped-call]
    os.environ["PYSPARK_PYTHON"] = sys.executable
    measure, hydrofoils = CONTESTANTS[name]
    spark = session(hydrofoils)
    spark.sparkContext.setLogLevel("OFF")
    clock = SparkClock(spark)
    made = []
    for _ in range(runs + 2):
        df = spark.read.parquet(f"{folder}/{form}")
        clock.restart()
        start = time.perf_counter()
        found = measure(df, form)
        found["all wall"] = time.perf_counter() - start
        cpu = clock.elapsed()
        found["all cpu"] = cpu.jvm + cpu.python
        made.append(found)
    return made[2:]


def matrix_of(rows: int) -> Found:
    """What XGBoost takes for its bins, of the same number of values in memory, on one thread."""
    import numpy as np
    import xgboost

    values = np.random.default_rng(0).random((rows, WIDTH), dtype=np.float32)
    start = time.process_time()
    data = xgboost.QuantileDMatrix(values, values[:, 0], nthread=1)
    binned = time.process_time()
    xgboost.train({"max_depth": 6, "nthread": 1}, data, 10)
    return {"bins": binned - start, "trees": time.process_time() - binned}


def report(form: str, found: dict[str, list[Found]]) -> Iterator[str]:
    """The results of one form of the data in words."""

    def median(name: str, *parts: str) -> float:
        return statistics.median(sum(one[part] for part in parts) for one in found[name])

    rows = next(iter(found.values()))[0]["rows"]
    yield f"{WIDTH} float32 features as {form}, {rows:,.0f} rows; medians, and times as many"
    first = next(iter(found))
    kinds = {
        "in the rank, wall": ("wall",),
        "in the rank, CPU of worker and JVM": ("worker", "jvm"),
        "CPU of the worker": ("worker",),
        "from Parquet on, wall": ("all wall",),
        "from Parquet on, CPU": ("all cpu",),
    }
    for kind, parts in kinds.items():
        yield f"  {kind}"
        for name in found:
            mine, other = median(first, *parts), median(name, *parts)
            yield f"    {name:36}{other:8.2f} s {other / mine:6.1f}x"


@click.command()
@click.option("--rows", default=800_000, show_default=True)
@click.option("--runs", default=5, show_default=True, help="of each, after two to warm up")
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
    """Run all contestants on all forms of the data and print their times."""
    if one is not None:
        folder, form, name = one
        if name == "write":
            write(Path(folder), rows)
        elif name == "matrix":
            click.echo(json.dumps(matrix_of(rows)))
        else:
            click.echo(json.dumps(run_one(Path(folder), form, name, runs)))
        return
    click.echo(json.dumps(describe_machine()))
    with tempfile.TemporaryDirectory() as folder:
        child("benchmarks.estimators", folder, "", "write", rows, runs)
        for form in forms or FORMS:
            found = {
                name: json.loads(child("benchmarks.estimators", folder, form, name, rows, runs))
                for name in names or CONTESTANTS
            }
            for line in report(form, found):
                click.echo(line)
    took = json.loads(child("benchmarks.estimators", "", "", "matrix", rows, runs))
    click.echo(
        f"XGBoost itself, of {rows:,} rows in memory, one thread: {took['bins']:.1f} s CPU for its "
        f"bins, {took['trees']:.1f} s for ten trees"
    )


if __name__ == "__main__":
    main()
