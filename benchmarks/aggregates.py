"""Compare `hydrofoil.group_by` with grouped-agg pandas UDFs: ``python -m benchmarks.aggregates``.

End to end on a local Spark, because most of the cost is in the JVM: the shuffle and the sort of all
rows there, the conversion of all rows to Arrow here. Engines take turns within a session. Answers
are compared with the exact ones first, and what went through the shuffle is read from the query's
metrics.
"""

import os
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

import hydrofoil
from hydrofoil.aggregates import Largest, Mean, Quantiles, Variance
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.bench.stopwatch import Sample, Stopwatch
from hydrofoil.tools.parity.engines import Engine, use_engine

_FRACTIONS = (0.5, 0.9, 0.99)
_ACCURACY = 0.01
_COUNT = 10
_KEYS = {"long": "(id * 7919) % 1000", "string": "concat('customer-', (id * 7919) % 1000)"}
_STOCK = "pyspark.daemon"
_HYDROFOIL = "hydrofoil.daemon"


def _mean(x: pd.Series) -> float:
    return float(x.mean())


def _variance(x: pd.Series) -> float:
    return float(x.var())


def _quantiles(x: pd.Series) -> list[float]:
    return list(np.quantile(x, _FRACTIONS, method="lower"))


def _largest(x: pd.Series) -> list[float]:
    return list(x.nlargest(_COUNT))


@dataclass(frozen=True)
class Contest:
    """One statistic, by an aggregate and by a function of a whole group's Series.

    Attributes
    ----------
    tolerance : float
        How far results may be apart, relatively.
    """

    aggregate: Any
    function: Callable[[pd.Series], Any]
    tolerance: float


CONTESTS = {
    "mean": Contest(Mean, _mean, 1e-9),
    "variance": Contest(Variance, _variance, 1e-9),
    "quantiles": Contest(Quantiles(*_FRACTIONS, accuracy=_ACCURACY), _quantiles, _ACCURACY),
    "largest": Contest(Largest(_COUNT), _largest, 0),
}


def _data(spark: SparkSession, rows: int, key: str) -> DataFrame:
    value = "cast((id * 31) % 100003 - 1000 as double)"
    return spark.range(rows).selectExpr(f"{_KEYS[key]} as k", f"{value} as x")


def _ours(data: DataFrame, names: list[str]) -> DataFrame:
    made: Any = {name: (hydrofoil.aggregate(CONTESTS[name].aggregate), "x") for name in names}
    return hydrofoil.group_by(data, "k").agg(**made)  # type: ignore[no-any-return]


def _theirs(data: DataFrame, names: list[str]) -> DataFrame:
    columns = []
    for name in names:
        kind = "array<double>" if name in ("quantiles", "largest") else "double"
        made = hydrofoil.pandas_udf(CONTESTS[name].function, kind)
        columns.append(made("x").alias(name))
    return data.groupBy("k").agg(*columns)


def check(spark: SparkSession, rows: int, key: str) -> None:
    """Compare the aggregates' results with the exact ones.

    Raises
    ------
    RuntimeError
        At a result that is further off than it may be.
    """
    data, names = _data(spark, rows, key), list(CONTESTS)
    ours = {row["k"]: row for row in _ours(data, names).collect()}
    theirs = {row["k"]: row for row in _theirs(data, names).collect()}
    if ours.keys() != theirs.keys():
        raise RuntimeError("the keys differ")
    for k, row in ours.items():
        for name in names:
            if not np.allclose(row[name], theirs[k][name], CONTESTS[name].tolerance, 0):
                raise RuntimeError(f"{name} of {k!r}: {row[name]} for {theirs[k][name]}")


def shuffled(frame: DataFrame) -> tuple[int, int]:
    """How many rows, and bytes, a query wrote to its shuffles; the query is run."""
    frame.collect()
    records = size = 0
    for plan in _plans(frame._jdf.queryExecution().executedPlan()):
        if plan.getClass().getSimpleName() == "ShuffleExchangeExec":
            metrics = plan.metrics()
            records += metrics.apply("shuffleRecordsWritten").value()
            size += metrics.apply("shuffleBytesWritten").value()
    return records, size


def _plans(plan: Any) -> Iterator[Any]:
    yield plan
    name = plan.getClass().getSimpleName()
    if name == "AdaptiveSparkPlanExec":
        yield from _plans(plan.executedPlan())
    elif name.endswith("QueryStageExec"):
        yield from _plans(plan.plan())
    children = plan.children()
    for i in range(children.size()):
        yield from _plans(children.apply(i))


def measure(
    spark: SparkSession, rows: int, key: str, names: list[str], runs: int
) -> dict[str, Sample]:
    """The median of each engine's samples, for one query with these statistics."""
    made: dict[str, tuple[str, bool, Any]] = {
        "group_by": (_HYDROFOIL, True, _ours),
        "group_by, Spark's operators": (_HYDROFOIL, False, _ours),
        "group_by, stock worker": (_STOCK, False, _ours),
        "pandas_udf, Hydrofoil's worker": (_HYDROFOIL, True, _theirs),
        "pandas_udf, stock": (_STOCK, False, _theirs),
    }
    watch = Stopwatch(spark)
    taken: dict[str, list[Sample]] = {name: [] for name in made}
    for run in range(runs + 1):
        for name, (daemon, columnar, query) in made.items():
            spark.conf.set(ENABLED_KEY, columnar)
            with use_engine(spark, Engine(name, daemon)):
                sample = watch.time(lambda n, q=query: q(_data(spark, n, key), names), rows)
            if run:  # The first warms the JVM up.
                taken[name].append(sample)
    return {
        name: Sample(
            *(statistics.median(getattr(s, f) for s in samples) for f in ("wall", "jvm", "python"))
        )
        for name, samples in taken.items()
    }


@click.command()
@click.option("--rows", default=10_000_000, show_default=True)
@click.option("--key", type=click.Choice(list(_KEYS)), multiple=True, default=list(_KEYS))
@click.option("--contest", "only", type=click.Choice([*CONTESTS, "all"]), multiple=True)
@click.option("--runs", default=3, show_default=True)
@click.option("--master", default="local[2]", show_default=True)
@click.option("--conf", multiple=True, metavar="KEY=VALUE", help="a setting of the session")
def main(
    rows: int,
    key: tuple[str, ...],
    only: tuple[str, ...],
    runs: int,
    master: str,
    conf: tuple[str, ...],
) -> None:
    """Run each statistic alone and all in one query, and print wall clock and CPU seconds."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    builder = SparkSession.builder.master(master).appName("hydrofoil aggregates")
    for setting in ("spark.ui.enabled=false", "spark.ui.showConsoleProgress=false", *conf):
        name, _, value = setting.partition("=")
        builder = builder.config(name, value)
    spark = hydrofoil.configure(builder).getOrCreate()
    queries = {**{name: [name] for name in CONTESTS}, "all": list(CONTESTS)}
    for one in key:
        check(spark, rows, one)
        ours, theirs = (
            shuffled(make(_data(spark, rows, one), ["mean"])) for make in (_ours, _theirs)
        )
        tasks = _data(spark, rows, one).rdd.getNumPartitions()
        click.echo(
            f"{rows} rows, 1000 keys ({one}), {tasks} tasks: shuffled {ours[0]} rows, {ours[1]} "
            f"bytes; pandas_udf {theirs[0]} rows, {theirs[1]} bytes"
        )
        for name, names in queries.items():
            if only and name not in only:
                continue
            times = measure(spark, rows, one, names, runs)
            first = times["group_by"]
            click.echo(f"{name}, median of {runs} runs: wall s, JVM CPU s, Python CPU s")
            for contestant, time in times.items():
                cpu = (time.jvm + time.python) / (first.jvm + first.python)
                click.echo(
                    f"  {contestant:32} {time.wall:6.2f} {time.jvm:6.2f} {time.python:6.2f}   "
                    f"wall {time.wall / first.wall:5.2f}x  CPU {cpu:5.2f}x"
                )


if __name__ == "__main__":
    main()
