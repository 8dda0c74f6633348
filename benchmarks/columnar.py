"""The JVM's operators, Spark's against Hydrofoil's, by query: ``python -m benchmarks.columnar``.

In one session, in turn: Spark's operators with stock's worker, Hydrofoil's with the same worker
(the JVM's half alone), and Hydrofoil's with Hydrofoil's worker (end to end). Answers are compared
first. The least noisy figure is the tasks' CPU time, which compiling, collecting garbage and
planning are not part of.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyspark
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings import jvm_operators
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.bench.clock import SparkClock
from hydrofoil.tools.console import output
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_conf, use_engine

HAS_ARROW_FUNCTIONS = tuple(map(int, pyspark.__version__.split(".")[:2])) >= (4, 1)
# Rows on which answers are compared.
SAMPLE = 100_000
WARM_UPS = 2


@dataclass(frozen=True)
class Variant:
    """Whose operators and whose worker."""

    name: str
    ours: bool
    engine: Engine


VARIANTS = (
    Variant("stock", False, STOCK),
    Variant("operators", True, STOCK),
    Variant("both", True, HYDROFOIL),
)


@dataclass(frozen=True)
class Data:
    """Sources of so many rows; Parquet files hold id, d (10% null), s (14% null) and k."""

    spark: SparkSession
    rows: int
    folder: Path

    def range(self) -> DataFrame:
        return self.spark.range(0, self.rows, 1, 2)

    def parquet(self) -> DataFrame:
        return self._stored(
            "few",
            "id",
            "IF(id % 10 = 0, NULL, id * 0.5D) AS d",
            "IF(id % 7 = 0, NULL, concat('name ', id)) AS s",
            "CAST(id % 1000 AS INT) AS k",
        )

    def wide(self) -> DataFrame:
        """Fifty columns of ten types, of a twentieth of the rows."""
        kinds = (
            "id + {}",
            "CAST(id AS INT) + {}",
            "id * 0.5D + {}",
            "CAST(id AS FLOAT) + {}",
            "IF(id % 7 = 0, NULL, concat('s', id, '{}'))",
            "id % {} = 1",
            "CAST(id % 1000 + {} AS DECIMAL(12, 2))",
            "DATE '2020-01-01' + CAST(id % 1000 + {} AS INT)",
            "timestamp_seconds(id + {})",
            "IF(id % 5 = 0, NULL, CAST(id + {} AS SMALLINT))",
        )
        columns = [f"{kinds[i % len(kinds)].format(i + 2)} AS c{i}" for i in range(50)]
        return Data(self.spark, max(1, self.rows // 20), self.folder)._stored("wide", *columns)

    def _stored(self, name: str, *columns: str) -> DataFrame:
        path = str(self.folder / f"{name}-{self.rows}")
        if not Path(path).exists():
            with use_conf(self.spark, {"spark.sql.ansi.enabled": "false"}):
                self.range().selectExpr(*columns).write.parquet(path)
        return self.spark.read.parquet(path)


def batch_function(
    arrow: Callable[[pa.Array], pa.Array], pandas: Callable[[pd.Series], pd.Series], type: str
) -> Callable[[Any], Column]:
    """A function of pyarrow's arrays; of Series on Spark 4.0, which has no others."""
    if HAS_ARROW_FUNCTIONS:
        arrow.__annotations__ = {"a": pa.Array, "return": pa.Array}
        return F.arrow_udf(arrow, type)
    pandas.__annotations__ = {"s": pd.Series, "return": pd.Series}
    return F.pandas_udf(pandas, type)


def plus_one(column: Any) -> Column:
    return batch_function(lambda a: pc.add(a, 1), lambda s: s + 1, "long")(column)


def upper(column: Any) -> Column:
    return batch_function(lambda a: pc.utf8_upper(a), lambda s: s.str.upper(), "string")(column)


def pandas_plus_one(column: Any) -> Column:
    def plus(s: pd.Series) -> pd.Series:
        return s + 1.0

    return F.pandas_udf(plus, "double")(column)


def plain_plus_one(column: Any, arrow: bool = True) -> Column:
    return F.udf(lambda x: x + 1, "long", useArrow=arrow)(column)


def same(batches: Iterator[Any]) -> Iterator[Any]:
    yield from batches


def through_arrow(frame: DataFrame) -> DataFrame:
    return frame.mapInArrow(same, frame.schema)


def through_pandas(frame: DataFrame) -> DataFrame:
    return frame.mapInPandas(same, frame.schema)


def total(frame: DataFrame) -> DataFrame:
    """Numbers summed up, everything else counted."""
    sums = [
        F.sum(name) if kind in ("bigint", "double") else F.count(name)
        for name, kind in frame.dtypes
    ]
    return frame.agg(*sums)


@dataclass(frozen=True)
class Case:
    """A query.

    Attributes
    ----------
    prototype : pair of float, optional
        What a prototype reached on Spark 4.3: stock's CPU time over its own, of tasks and the JVM.
    end_to_end : float, optional
        The ratio of wall clock that is asked for with both halves.
    pickled : function, optional
        The same on pickled rows, which stock is timed on, too.
    scale : int
        By what the rows are fewer.
    """

    name: str
    make: Callable[[Data], DataFrame]
    prototype: tuple[float, float] | None = None
    end_to_end: float | None = None
    pickled: Callable[[Data], DataFrame] | None = None
    scale: int = 1


CASES = (
    Case("range, arrow_udf, noop", lambda d: d.range().select(plus_one("id")), (5.7, 3.9)),
    Case("range, arrow_udf, sum", lambda d: total(d.range().select(plus_one("id"))), (9.2, 4.1)),
    Case(
        "range, udf on Arrow, noop",
        lambda d: d.range().select(plain_plus_one("id")),
        (4.7, 3.9),
        3.0,
        lambda d: d.range().select(plain_plus_one("id", arrow=False)),
    ),
    Case(
        "range, udf on Arrow, sum",
        lambda d: total(d.range().select(plain_plus_one("id"))),
        None,
        3.0,
        lambda d: total(d.range().select(plain_plus_one("id", arrow=False))),
    ),
    Case(
        "Parquet, pandas_udf(d), sum",
        lambda d: total(d.parquet().select(pandas_plus_one("d"))),
        (7.8, 3.3),
        3.0,
    ),
    Case(
        "Parquet, arrow_udf(id), sum",
        lambda d: total(d.parquet().select(plus_one("id"))),
        (6.9, 3.6),
        3.0,
    ),
    Case(
        "Parquet, id, d, s and arrow_udf(id), noop",
        lambda d: d.parquet().select("id", "d", "s", plus_one("id")),
        (3.5, 2.6),
    ),
    Case("Parquet, upper(s), noop", lambda d: d.parquet().select(upper("s")), (6.3, 5.8)),
    Case(
        "Parquet, upper(s), sum of lengths",
        lambda d: total(d.parquet().select(F.length(upper("s")).cast("long").alias("n"))),
        (5.7, 4.1),
    ),
    Case(
        "Parquet, filter, arrow_udf(id), sum",
        lambda d: total(d.parquet().where("k > 100").select(plus_one("id"))),
        (3.0, 2.5),
    ),
    Case(
        "Parquet, arrow_udf(id + k), sum",
        lambda d: total(d.parquet().select(plus_one(F.col("id") + F.col("k")))),
        (6.4, 4.4),
    ),
    Case(
        "Parquet, mapInArrow(id, d, s), noop",
        lambda d: through_arrow(d.parquet().select("id", "d", "s")),
        (7.1, 6.3),
        5.0,
    ),
    Case(
        "Parquet, mapInArrow(id, d, s), total",
        lambda d: total(through_arrow(d.parquet().select("id", "d", "s"))),
        (6.8, 5.6),
        5.0,
    ),
    Case(
        "Parquet, mapInPandas(id, d), noop",
        lambda d: through_pandas(d.parquet().select("id", "d")),
        (6.3, 5.5),
    ),
    Case(
        "Parquet of 50 columns, mapInArrow, noop",
        lambda d: through_arrow(d.wide()),
        None,
        2.0,
        scale=20,
    ),
    Case("range, noop: no Python", lambda d: d.range()),
    Case("Parquet, id, d, s, noop: no Python", lambda d: d.parquet().select("id", "d", "s")),
)


@dataclass(frozen=True)
class Sample:
    """Seconds of one run: CPU of the tasks' threads, of the JVM, of Python's processes; wall."""

    task: float
    jvm: float
    python: float
    wall: float


class TaskClock:
    """The CPU time of the tasks of the stages that have ended since `restart`."""

    def __init__(self, spark: SparkSession) -> None:
        self._scala: Any = spark.sparkContext._jsc.sc()
        self._quantiles = spark.sparkContext._gateway.new_array(spark._jvm.double, 0)
        self._seen = -1
        self.restart()

    def restart(self) -> None:
        self._seen = max((stage.stageId() for stage in self._stages()), default=-1)

    def elapsed(self) -> float:
        stages = [stage for stage in self._stages() if stage.stageId() > self._seen]
        return float(sum(stage.executorCpuTime() for stage in stages)) / 1e9

    def _stages(self) -> list[Any]:
        self._scala.listenerBus().waitUntilEmpty()
        # Newest first, and a query has few.
        found = self._scala.statusStore().stageList(None, False, False, self._quantiles, None)
        return [found.apply(i) for i in range(min(found.size(), 50))]


class Bench:
    """Runs cases in one session."""

    def __init__(self, spark: SparkSession, rows: int, folder: Path) -> None:
        self._spark = spark
        self._data = Data(spark, rows, folder)
        self._sample = Data(spark, min(rows, SAMPLE), folder)
        self._clock = SparkClock(spark)
        self._tasks = TaskClock(spark)

    def run(self, case: Case, repeat: int) -> dict[str, list[Sample]]:
        """Compare the answers, then time all variants in turn, ``repeat`` times."""
        answers = [self._with(variant, lambda: self._answer(case)) for variant in VARIANTS]
        if any(answer != answers[0] for answer in answers):
            raise SystemExit(f"{case.name}: the answers differ: {answers}")
        made: dict[str, list[Sample]] = {variant.name: [] for variant in VARIANTS}
        for turn in range(WARM_UPS + repeat):
            for variant in VARIANTS:
                sample = self._with(variant, lambda: self.time(case.make))
                if turn >= WARM_UPS:
                    made[variant.name].append(sample)
            if case.pickled is not None:
                sample = self._with(VARIANTS[0], partial(self.time, case.pickled))
                if turn >= WARM_UPS:
                    made.setdefault("pickled", []).append(sample)
        return made

    def time(self, make: Callable[[Data], DataFrame]) -> Sample:
        frame = make(self._data)
        self._tasks.restart()
        self._clock.restart()
        start = time.perf_counter()
        frame.write.format("noop").mode("overwrite").save()
        wall = time.perf_counter() - start
        cpu = self._clock.elapsed()
        return Sample(self._tasks.elapsed(), cpu.jvm, cpu.python, wall)

    def _answer(self, case: Case) -> str:
        frame = case.make(self._sample)
        renamed = frame.toDF(*(f"c{i}" for i in range(len(frame.columns))))
        digest = F.sum(F.xxhash64(*renamed.columns).cast("decimal(38, 0)"))
        return str(renamed.agg(digest, F.count("*")).collect())

    def _with(self, variant: Variant, action: Callable[[], Any]) -> Any:
        settings = {ENABLED_KEY: str(variant.ours).lower()}
        with use_conf(self._spark, settings), use_engine(self._spark, variant.engine):
            return action()


def session(master: str) -> SparkSession:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName("hydrofoil columnar")
    for key, value in jvm_operators.settings(True, {}).items():
        builder = builder.config(key, value)
    spark = (
        builder.config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "4g")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


@click.command()
@click.option("--rows", default=8_000_000, show_default=True, type=click.IntRange(1))
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1))
@click.option("--master", default="local[2]", show_default=True)
@click.option("--case", "names", multiple=True, help="Cases whose names contain this.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
def main(
    rows: int, repeat: int, master: str, names: tuple[str, ...], json_file: Path | None
) -> None:
    """Compare Spark's operators with Hydrofoil's. Of several runs, the fastest counts."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    chosen = [case for case in CASES if not names or any(name in case.name for name in names)]
    results = []
    with tempfile.TemporaryDirectory(prefix="hydrofoil-columnar-") as folder:
        spark = session(master)
        bench = Bench(spark, rows, Path(folder))
        for case in chosen:
            samples = bench.run(case, repeat)
            result = {
                "case": case.name,
                "rows": rows // case.scale,
                "prototype": case.prototype,
                "end_to_end": case.end_to_end,
                "variants": {name: [vars(s) for s in runs] for name, runs in samples.items()},
            }
            results.append(result)
            output().print(line(result))
            if json_file is not None:
                settings = {"rows": rows, "repeat": repeat, "master": master}
                report = {"machine": describe_machine(), "settings": settings, "results": results}
                json_file.parent.mkdir(parents=True, exist_ok=True)
                json_file.write_text(json.dumps(report, indent=2) + "\n")
        spark.stop()


def best(result: dict[str, Any], variant: str, what: str) -> float:
    """The least of a variant's runs, in seconds."""
    return float(min(run[what] for run in result["variants"][variant]))


def ratio(result: dict[str, Any], variant: str, what: str) -> float:
    """Stock's seconds over the variant's."""
    return best(result, "stock", what) / max(best(result, variant, what), 1e-9)


def line(result: dict[str, Any]) -> str:
    """One case in a line."""
    ns = [best(result, name, "task") / result["rows"] * 1e9 for name in ("stock", "operators")]
    jvm, wall = ratio(result, "operators", "jvm"), ratio(result, "operators", "wall")
    return (
        f"{result['case']}: task {ns[0]:.0f} / {ns[1]:.0f} ns/row = {ns[0] / ns[1]:.1f}, "
        f"JVM {jvm:.1f}, wall {wall:.1f}; end to end {ratio(result, 'both', 'wall'):.1f}"
    )


if __name__ == "__main__":
    main()
