"""What a small task takes: 200 of ten rows, a shuffle of 200, micro-batches of streams."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hydrofoil.settings.sockets import UNIX_SOCKETS_KEY, has_unix_sockets
from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.contest import HYDROFOIL
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, Spread, number
from hydrofoil.tools.bench.micro_batches import Streamed, stream
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.stopwatch import Sample, Stopwatch, drain
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.parity import engines
from hydrofoil.tools.parity.engines import STOCK, Engine, use_conf, use_core_conf, use_environment
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

_TASKS = 200
_ROWS_OF_A_TASK = 10
# Micro-batches that are timed of each way, and in how many queries: the ways take turns.
_BATCHES = 100
_TURNS = 4
# Spark pools workers by environment: those of one kind of socket have a pool of their own.
_POOL = "BENCH_SOCKETS"


@dataclass(frozen=True)
class Way:
    """An engine and the sockets between it and the JVM, or Spark's own expressions."""

    engine: Engine
    unix: bool = False
    python: bool = True

    @property
    def is_ours(self) -> bool:
        return self.python and self.engine is not STOCK

    @contextmanager
    def using(self, spark: "SparkSession") -> Iterator[None]:
        """Make and run queries inside the block this way."""
        with ExitStack() as stack:
            stack.enter_context(engines.use_engine(spark, self.engine))
            if has_unix_sockets(spark.version):
                unix = str(self.unix).lower()
                stack.enter_context(use_core_conf(spark, {UNIX_SOCKETS_KEY: unix}))
                stack.enter_context(use_environment(spark, {_POOL: unix}))
            yield


_ENGINES = {"stock": STOCK, "Hydrofoil, worker alone": engines.HYDROFOIL, "Hydrofoil": HYDROFOIL}
_FIRST = "stock, TCP"
_NO_PYTHON = "no Python"


def ways(spark: "SparkSession") -> dict[str, Way]:
    """All engines on TCP, on Unix sockets where this Spark has them, and Spark by itself."""
    from hydrofoil.settings import jvm_operators

    engines = dict(_ENGINES)
    extensions = spark.sparkContext.getConf().get(jvm_operators.EXTENSIONS_KEY, "") or ""
    if jvm_operators.EXTENSION not in extensions:
        del engines["Hydrofoil"]
    kinds = {"TCP": False} | ({"Unix": True} if has_unix_sockets(spark.version) else {})
    found = {
        f"{name}, {kind}": Way(engine, unix)
        for kind, unix in kinds.items()
        for name, engine in engines.items()
    }
    return {**found, _NO_PYTHON: Way(STOCK, python=False)}


# --- The queries ----------------------------------------------------------------------------------


# Without hints, which PySpark would look at.
_plus_one: Callable[[Any], Any] = lambda value: value + 1  # noqa: E731


def _mean(values: "pd.Series") -> float:
    return float(values.mean())


def _same(group: "pd.DataFrame") -> "pd.DataFrame":
    return group


def _tasks_of(rows: int) -> int:
    return max(1, rows // _ROWS_OF_A_TASK)


def _tasks(spark: "SparkSession", python: bool, rows: int) -> "DataFrame":
    from pyspark.sql.functions import col, udf

    data = spark.range(0, rows, 1, _tasks_of(rows))
    result = udf(_plus_one, "long")("id") if python else col("id") + 1
    return data.select(result.alias("r"))


def _shuffle(spark: "SparkSession", python: bool, rows: int) -> "DataFrame":
    from pyspark.sql.functions import avg, col
    from pyspark.sql.pandas.functions import PandasUDFType, pandas_udf

    mean: Any = pandas_udf(_mean, "double", PandasUDFType.GROUPED_AGG) if python else avg
    data = spark.range(0, rows, 1, 2).select((col("id") % _TASKS).alias("k"), "id")
    return data.groupBy("k").agg(mean("id").alias("m"))


Query = Callable[["SparkSession", bool, int], "DataFrame"]

_QUERIES: dict[str, tuple[str, Query, dict[str, str]]] = {
    "tasks": (f"{_TASKS} tasks of a plain UDF", _tasks, {}),
    "shuffle": (
        f"a grouped pandas_udf behind a shuffle of {_TASKS}",
        _shuffle,
        {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": str(_TASKS)},
    ),
}


def _stream_rows(python: bool, data: "DataFrame") -> "DataFrame":
    from pyspark.sql.functions import col, udf

    result = udf(_plus_one, "long")("value") if python else col("value") + 1
    return data.select(result.alias("r"))


def _stream_groups(python: bool, data: "DataFrame") -> "DataFrame":
    from pyspark.sql.functions import col

    keyed = data.select((col("value") % 4).alias("k"), "value")
    if not python:
        return keyed.repartition("k")
    return keyed.groupBy("k").applyInPandas(_same, "k long, value long")


def _drain_rows(python: bool, batch: "DataFrame", _: int) -> None:
    drain(_stream_rows(python, batch))


_STREAMS: dict[str, tuple[str, Callable[[bool], Streamed]]] = {
    "stream": (
        "a stream through a plain UDF, to memory",
        lambda python: Streamed(partial(_stream_rows, python)),
    ),
    "stream groups": (
        "a stream through applyInPandas, to memory",
        lambda python: Streamed(partial(_stream_groups, python)),
    ),
    "foreachBatch": (
        "a plain UDF inside foreachBatch",
        lambda python: Streamed(None, partial(_drain_rows, python)),
    ),
}


def workloads() -> list[str]:
    """What --workload can choose."""
    return [*_QUERIES, *_STREAMS]


# --- The suite ------------------------------------------------------------------------------------


def run(bench: Bench) -> Result:
    by_value(__name__)
    spark = bench.session()
    names = bench.chosen("latency", workloads())
    found = ways(spark)
    turns = bench.options.repeat
    queries = [name for name in names if name in _QUERIES]
    streams = [name for name in names if name in _STREAMS]
    bench.expect(len(found) * (len(queries) * (1 + turns) + len(streams) * _TURNS))
    result = Result("latency", "")
    for name in queries:
        _add_query(result, name, found, _time_query(bench, name, found))
    for name in streams:
        _add_stream(result, name, found, _time_stream(bench, name, found))
    result.headline = "; ".join(sheet.note.partition(". ")[0] for sheet in result.sheets) + "."
    return result


def _time_query(bench: Bench, name: str, found: dict[str, Way]) -> dict[str, list[Sample]]:
    spark = bench.session()
    _, query, conf = _QUERIES[name]
    rows = bench.rows(_TASKS * _ROWS_OF_A_TASK)
    stopwatch = Stopwatch(spark)
    samples: dict[str, list[Sample]] = {way: [] for way in found}
    with use_conf(spark, conf):
        for turn in range(bench.options.repeat + 1):
            for each, way in found.items():
                what = f"run {turn} of {bench.options.repeat}" if turn else "warm-up"
                bench.step(f"{name}: {what}, {each}")
                with way.using(spark):
                    sample = stopwatch.time(partial(query, spark, way.python), rows)
                if turn:
                    samples[each].append(sample)
    return samples


def _time_stream(bench: Bench, name: str, found: dict[str, Way]) -> dict[str, list[float]]:
    """Milliseconds from trigger to commit."""
    spark = bench.session()
    rows = bench.rows(_ROWS_OF_A_TASK)
    batches = max(1, (_BATCHES if bench.options.rows is None else _TURNS) // _TURNS)
    taken: dict[str, list[float]] = {way: [] for way in found}
    for turn in range(_TURNS):
        for each, way in found.items():
            bench.step(f"{name}: query {turn + 1} of {_TURNS}, {each}")
            with way.using(spark):
                taken[each] += stream(spark, _STREAMS[name][1](way.python), rows, batches)
    return taken


def _add_query(
    result: Result, name: str, found: dict[str, Way], samples: dict[str, list[Sample]]
) -> None:
    title = _QUERIES[name][0]
    walls = {way: Spread.of([one.wall for one in taken]) for way, taken in samples.items()}
    python, jvm = (
        {
            way: Spread.of([getattr(one, kind) for one in taken]).scaled(1e3 / _TASKS)
            for way, taken in samples.items()
        }
        for kind in ("python", "jvm")
    )
    columns = ["way", "s", "spread", "Python ms/task", "JVM ms/task", *_over_columns(found)]
    lines = [
        [
            way,
            number(wall.median),
            wall.percent(),
            number(python[way].median),
            number(jvm[way].median),
            *_over(walls, way),
        ]
        for way, wall in walls.items()
    ]
    best = [name for name, way in found.items() if way.is_ours][-1]
    note = (
        f"{title}: {best} takes {number(walls[best].median)} s, {_FIRST} "
        f"{number(walls[_FIRST].median)} s. Python and JVM: CPU time of all processes for each of "
        f"the {_TASKS} tasks. {NOISE_NOTE}"
    )
    result.sheets.append(Sheet(title, columns, lines, note, strong=_strong(found)))
    result.charts.append(_bars(title, "s", walls))
    for way, taken in samples.items():
        factor = Factor.of(walls[way], walls[_FIRST])
        result.records.append(
            {
                "suite": "latency",
                "workload": name,
                "engine": way,
                "unit": "task",
                "wall_s": walls[way].median,
                "wall_s_low": walls[way].low,
                "wall_s_high": walls[way].high,
                "python_cpu_ns_per_unit": python[way].median * 1e6,
                "jvm_cpu_ns_per_unit": jvm[way].median * 1e6,
                "factor": factor.value,
                "factor_over": _FIRST,
                "factor_is_noise": factor.noise,
                "runs": [vars(one) for one in taken],
            }
        )


def _add_stream(
    result: Result, name: str, found: dict[str, Way], taken: dict[str, list[float]]
) -> None:
    title = _STREAMS[name][0]
    # Batches differ more than queries do: the middle half of them is shown.
    spreads = {way: _middle(each) for way, each in taken.items()}
    columns = ["way", "ms", "middle half", *_over_columns(found)]
    lines = [
        [
            way,
            number(spread.median),
            f"{spread.low:.0f} to {spread.high:.0f}",
            *_over(spreads, way),
        ]
        for way, spread in spreads.items()
    ]
    best = [name for name, way in found.items() if way.is_ours][-1]
    note = (
        f"{title}: a batch takes {number(spreads[best].median)} ms with {best}, "
        f"{number(spreads[_FIRST].median)} ms with {_FIRST}. From trigger to commit, medians of "
        f"{len(taken[_FIRST])} batches each; the first of each query are not counted. A factor "
        "behind ~ is less than the middle halves are wide."
    )
    result.sheets.append(Sheet(title, columns, lines, note, strong=_strong(found)))
    result.charts.append(_bars(title, "ms a batch", spreads))
    for way, each in taken.items():
        factor = Factor.of(spreads[way], spreads[_FIRST])
        result.records.append(
            {
                "suite": "latency",
                "workload": name,
                "engine": way,
                "unit": "batch",
                "value": spreads[way].median,
                "factor": factor.value,
                "factor_over": _FIRST,
                "factor_is_noise": factor.noise,
                "runs": each,
            }
        )


def _middle(values: list[float]) -> Spread:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(Spread.of(values).median, ordered[last // 4], ordered[last - last // 4])


def _bases(found: dict[str, Way]) -> list[str]:
    return [name for name in found if name.startswith("stock")]


def _over_columns(found: dict[str, Way]) -> list[str]:
    return [f"x {base}" for base in _bases(found)]


def _over(spreads: dict[str, Spread], way: str) -> list[str]:
    bases = [name for name in spreads if name.startswith("stock")]
    return ["1" if way == b else str(Factor.of(spreads[way], spreads[b])) for b in bases]


def _strong(found: dict[str, Way]) -> tuple[int, ...]:
    return tuple(i for i, way in enumerate(found.values()) if way.is_ours)


def _bars(title: str, unit: str, spreads: dict[str, Spread]) -> Bars:
    return Bars(
        title,
        list(spreads),
        {unit: [spread.median for spread in spreads.values()]},
        unit=unit,
        spread={unit: [(spread.low, spread.high) for spread in spreads.values()]},
        strong=[name for name in spreads if name.startswith("Hydrofoil")],
    )
