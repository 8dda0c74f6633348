"""The claims that vectorized UDFs were made for: as they were published, and as they are today.

The profile of ``lambda x: x + 1`` is that of Le Dem's and Jin's talk "Improving Python and Spark
Performance and Interoperability with Apache Arrow" (Spark Summit, 2017), the other workloads are
those of Jin's article "Introducing Vectorized UDFs for PySpark" (Databricks and Two Sigma, 2017);
see docs/bench.md.
"""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench import sheets
from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.contest import HYDROFOIL, Alone, Contest, Contestant, Measured
from hydrofoil.tools.bench.figures import number, times
from hydrofoil.tools.bench.profiled import Profile, profile
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.suites.groups import frames, tables
from hydrofoil.tools.bench.ways import (
    ARROW,
    OURS,
    OURS_PICKLED,
    PICKLED,
    WAYS,
    Way,
    Workload,
    make_udf,
)
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.parity.engines import STOCK, Engine
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from hydrofoil.recordings.recording import Recording

# --- What was published ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """A published factor of pandas_udf over the plain, pickled UDF; ``word`` qualifies it."""

    factor: float
    word: str = ""


CLAIMS = {
    "plus one": Claim(3),
    "cumulative probability": Claim(242),
    "subtract mean": Claim(12, "about "),
}

PROFILE_ROWS = 2_097_152
_PUBLISHED_PROFILE = (8_787_091, 4.08, 0.92, 8.0)

# --- Plus one and cumulative probability ----------------------------------------------------------


def _add_one(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.add(array, 1)


def _probability(v: Any) -> float:
    from scipy import stats

    return float(stats.norm.cdf(v))


def _probabilities(v: Any) -> Any:
    from scipy import stats

    return stats.norm.cdf(v)


def _series_of_probabilities(v: Any) -> Any:
    import pandas as pd
    from scipy import stats

    return pd.Series(stats.norm.cdf(v))


def _array_of_probabilities(v: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    from scipy import stats

    return pa.array(stats.norm.cdf(v))


# Rows (id int, v double), ten thousand of each id, as the article has them.
_GROUP = 10_000
_COLUMNS = [f"CAST(id DIV {_GROUP} AS INT) AS id", "rand(7) AS v"]

SCALARS = {
    workload.name: workload
    for workload in (
        Workload(
            "plus one",
            "rand(7)",
            "double",
            {
                "row": lambda v: v + 1,
                "pandas": lambda v: v + 1,
                "arrow": _add_one,
                "numpy": lambda v: v + 1,
            },
            rows=4_000_000,
        ),
        Workload(
            "cumulative probability",
            "rand(7)",
            "double",
            {
                "row": _probability,
                "pandas": _series_of_probabilities,
                "arrow": _array_of_probabilities,
                "numpy": _probabilities,
            },
            rows=4_000_000,
            # A call of SciPy's for one number takes as long as a thousand numbers of an array.
            shares={"row": 0.01},
            tolerance=1e-14,
        ),
    )
}

# --- Subtract the mean, by group ------------------------------------------------------------------


def _rows_minus_mean(rows: Any) -> Any:
    mean = sum(row.v for row in rows) / len(rows)
    return [(row.id, row.v - mean) for row in rows]


def _frame_minus_mean(group: Any) -> Any:
    return group.assign(v=group.v - group.v.mean())


def _table_minus_mean(group: "pa.Table") -> "pa.Table":
    import pyarrow.compute as pc

    v = group.column("v")
    return group.set_column(1, "v", pc.subtract(v, pc.mean(v)))


def _lists_minus_mean(v: Any) -> Any:
    import numpy as np

    from hydrofoil.values.arrays import Ragged

    if not isinstance(v, Ragged):  # Lists of one length come as the rows of a matrix.
        return v - v.mean(axis=1, keepdims=True)
    lengths = np.diff(v.offsets)
    means = np.add.reduceat(v.values, v.offsets[:-1]) / lengths
    return Ragged(v.values - np.repeat(means, lengths), v.offsets)


def _collected(engine: Engine, use_arrow: bool) -> Contestant:
    """Plain UDFs get a group as a list of rows, as one had to before there was applyInPandas."""

    def query(data: "DataFrame") -> "DataFrame":
        from pyspark.sql import functions as F

        way = Way("row", engine, use_arrow)
        minus_mean = make_udf(way, _rows_minus_mean, "array<struct<id: int, v: double>>")
        rows = F.collect_list(F.struct("id", "v")).alias("rows")
        lists = data.groupBy("id").agg(rows)
        return lists.select(F.explode(minus_mean("rows")).alias("r")).select("r.id", "r.v")

    return Contestant("", engine, query, alone="row")


def _collected_arrays(data: "DataFrame") -> "DataFrame":
    """Functions of NumPy arrays get a group's values as one array."""
    from pyspark.sql import functions as F

    minus_mean = make_udf(Way("numpy", HYDROFOIL), _lists_minus_mean, "array<double>")
    lists = data.groupBy("id").agg(F.collect_list("v").alias("v"))
    return lists.select("id", F.explode(minus_mean("v")).alias("v"))


def _groups_of_rows(table: "pa.Table") -> list[list[Any]]:
    """A list of rows for each group."""
    from pyspark.sql import Row

    row = Row("id", "v")
    ids, values = (column.to_pylist() for column in table.columns)
    rows = [row(id, v) for id, v in zip(ids, values, strict=True)]
    return [[rows[start : start + _GROUP] for start in range(0, len(rows), _GROUP)]]


def _by_group(engine: Engine, method: str, function: Any) -> Contestant:
    return Contestant(
        "",
        engine,
        lambda data: getattr(data.groupBy("id"), method)(function, "id int, v double"),
        alone=method,
    )


def subtract_mean(rows: int) -> Contest:
    """The contest of the third workload."""
    ways = {
        PICKLED: _collected(STOCK, False),
        ARROW: _collected(STOCK, True),
        "applyInPandas (stock)": _by_group(STOCK, "applyInPandas", _frame_minus_mean),
        "applyInArrow (stock)": _by_group(STOCK, "applyInArrow", _table_minus_mean),
        OURS: _collected(HYDROFOIL, True),
        "applyInPandas (Hydrofoil)": _by_group(HYDROFOIL, "applyInPandas", _frame_minus_mean),
        "applyInArrow (Hydrofoil)": _by_group(HYDROFOIL, "applyInArrow", _table_minus_mean),
        "numpy_udf (Hydrofoil)": Contestant("", HYDROFOIL, _collected_arrays),
    }

    if not _has_apply_in_arrow():
        ways = {name: one for name, one in ways.items() if "applyInArrow" not in name}

    def data(spark: "SparkSession", count: int) -> "DataFrame":
        return spark.range(count).selectExpr(*_COLUMNS)

    return Contest(
        "subtract mean",
        data,
        rows,
        [replace(one, name=name) for name, one in ways.items()],
        functions={
            "row": Alone(_rows_minus_mean, _groups_of_rows),
            "applyInPandas": Alone(_frame_minus_mean, frames(_GROUP)),
            "applyInArrow": Alone(_table_minus_mean, tables(_GROUP)),
        },
        tolerance=1e-12,
    )


def _has_apply_in_arrow() -> bool:
    from pyspark.sql.group import GroupedData

    return hasattr(GroupedData, "applyInArrow")


# --- The suite ------------------------------------------------------------------------------------


def workloads() -> list[str]:
    """What --workload can choose."""
    return ["profile", *CLAIMS]


def run(bench: Bench) -> Result:
    by_value(__name__)
    names = bench.chosen("origin", workloads())
    result = Result("origin", "")
    missing = "" if "cumulative probability" not in names else _without_scipy()
    if missing:
        names.remove("cumulative probability")
        result.notes.append(missing)
    if "profile" in names:
        _add_profile(bench, result)
    contests = [_contest(bench, name) for name in names if name in CLAIMS]
    done = list(bench.measure_all(contests))
    if done:
        result.sheets.insert(0, _sheet(done))
        result.charts.append(_chart(done))
    for one in done:
        result.sheets.append(sheets.engines_sheet(one, (PICKLED, ARROW)))
        result.charts.append(sheets.cpu_bars(one, f"{one.name}: CPU time a row"))
        result.records += one.records("origin", PICKLED, published=CLAIMS[one.name].factor)
        result.notes.append(_verdict(one))
    result.headline = _headline(done) or "The profile of lambda x: x + 1, published and today."
    return result


def _without_scipy() -> str:
    try:
        import scipy  # noqa: F401
    except ImportError:
        return (
            "cumulative probability was left out: it calls SciPy, which is not installed "
            "(pip install scipy)."
        )
    return ""


def _contest(bench: Bench, name: str) -> Contest:
    if name == "subtract mean":
        return subtract_mean(bench.rows(1_000_000))
    return SCALARS[name].contest(
        [way for way in WAYS if way != OURS_PICKLED], bench.rows(SCALARS[name].rows)
    )


def _best(one: Measured, stock: bool) -> str:
    """The vectorized way that was fastest."""
    names = [name for name in one.names if not name.startswith("row ")]
    return min(
        (name for name in names if ("(stock)" in name) == stock),
        key=lambda name: one.wall_per_row(name).median,
    )


def _pandas(one: Measured) -> str:
    return next(n for n in one.names if n in ("pandas_udf (stock)", "applyInPandas (stock)"))


def _headline(done: list[Measured]) -> str:
    parts = [f"{one.factor(OURS, PICKLED)} times for {one.name}" for one in done]
    if not parts:
        return ""
    return f"Hydrofoil's row UDF is faster than stock's pickled one: {', '.join(parts)}."


def _sheet(done: list[Measured]) -> Sheet:
    rows = []
    for one in done:
        claim = CLAIMS[one.name]
        rows.append(
            [
                one.name,
                f"{claim.word}{claim.factor:g}",
                str(one.factor(_pandas(one), PICKLED)),
                str(one.factor(ARROW, PICKLED)),
                str(one.factor(OURS, PICKLED)),
                str(one.factor(OURS, ARROW)),
                str(one.factor("numpy_udf (Hydrofoil)", PICKLED)),
                f"{one.factor(_best(one, False), PICKLED)} ({_kind(_best(one, False))})",
            ]
        )
    columns = [
        "workload",
        "published: pandas, 2017",
        "pandas (stock)",
        "row Arrow (stock)",
        OURS,
        "the same over row Arrow (stock)",
        "NumPy (Hydrofoil)",
        "best of Hydrofoil's",
    ]
    note = (
        "Times faster than stock's row pickled, the UDF of 2017, unless the column says otherwise; "
        "by wall clock. ~: noise."
    )
    return Sheet("Published and measured factors", columns, rows, note)


def _kind(name: str) -> str:
    return name.partition(" (")[0]


def _chart(done: list[Measured]) -> Bars:
    shown: dict[str, Callable[[Measured], float]] = {
        "published, pandas": lambda one: CLAIMS[one.name].factor,
        "pandas (stock)": lambda one: one.factor(_pandas(one), PICKLED).value,
        OURS: lambda one: one.factor(OURS, PICKLED).value,
        "NumPy (Hydrofoil)": lambda one: one.factor("numpy_udf (Hydrofoil)", PICKLED).value,
    }
    return Bars(
        "Times faster than stock's row UDF, published and today",
        [one.name for one in done],
        {name: [value(one) for one in done] for name, value in shown.items()},
        unit="times faster than row pickled (stock)",
        log=True,
        strong=(OURS,),
        style="{:,.1f}x",
        mark=(1.0, "as fast"),
    )


def _verdict(one: Measured) -> str:
    """Whether Hydrofoil's plain UDF does what took a different kind of UDF then, and why not."""
    claim, factor = CLAIMS[one.name], one.factor(OURS, PICKLED)
    text = (
        f"{one.name}: Hydrofoil's row UDF is {factor} times as fast as stock's row pickled "
        f"and {one.factor(OURS, ARROW)} times as fast as its row Arrow; "
    )
    published = f"{claim.word}{claim.factor:g}"
    if factor.value > claim.factor:
        return f"{text}that is more than the published {published} of pandas_udf."
    jvm, python = one.jvm_ns(OURS), one.python_ns(OURS)
    text += (
        f"the published factor of pandas_udf is {published}, "
        f"{times(claim.factor / factor.value)} times that. "
        f"Of its {number(jvm + python)} ns of CPU time a row the JVM takes {number(jvm)}"
    )
    function = one.function_ns(OURS)
    if function is not None and function > python / 2:
        return f"{text} and the function itself {number(function)}: only vectorizing it helps."
    if "mean" in one.name:
        text += ", for shuffling, collecting and exploding lists, which stock pays too"
    return f"{text}, and Python {number(python)}."


# --- The profile ----------------------------------------------------------------------------------


def _add_profile(bench: Bench, result: Result) -> None:
    """``lambda x: x + 1`` in one worker, as in the talk: one task, replayed."""
    from hydrofoil.tools.replay.player import ENGINES, Player

    rows = bench.rows(PROFILE_ROWS)
    bench.expect(5 + 4 * bench.options.repeat)
    spark = bench.session()
    ways = {
        PICKLED: (False, "stock"),
        ARROW: (True, "stock"),
        OURS_PICKLED: (False, "hydrofoil"),
        OURS: (True, "hydrofoil"),
    }
    bench.step("profile: recording")
    recordings = {arrow: _record(spark, rows, arrow) for arrow in (False, True)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with Player(recordings[False].environment) as player:
        for turn in range(bench.options.repeat):
            for name, (arrow, engine) in ways.items():
                bench.step(f"profile: run {turn + 1} of {bench.options.repeat}, {name}")
                seconds[name].append(player.play(recordings[arrow], engine).cpu)
    profiles = {}
    with tempfile.TemporaryDirectory(prefix="hydrofoil-bench-") as folder:
        for name, (arrow, engine) in ways.items():
            bench.step(f"profile: cProfile, {name}")
            profiles[name] = profile(recordings[arrow], ENGINES[engine], __file__, Path(folder))
    result.sheets.append(_profile_sheet(rows, seconds, profiles))
    for name, found in profiles.items():
        result.texts[f"cProfile of lambda x: x + 1, {name}"] = found.table
        result.records.append(
            {
                "suite": "origin",
                "workload": "profile",
                "engine": name,
                "rows": rows,
                "calls": found.calls,
                "profiled_s": found.seconds,
                "exchange_share": found.exchange_share,
                "worker_cpu_s": statistics.median(seconds[name]),
                "runs": seconds[name],
            }
        )


def _record(spark: "SparkSession", rows: int, arrow: bool) -> "Recording":
    from pyspark.sql.functions import udf

    from hydrofoil.tools.bench.stopwatch import drain
    from hydrofoil.tools.replay.recorder import record

    function = udf(lambda x: x + 1, "long", useArrow=arrow)
    (made,) = record(spark, lambda: drain(spark.range(0, rows, 1, 1).select(function("id"))))
    return made


def _profile_sheet(
    rows: int, seconds: dict[str, list[float]], profiles: dict[str, Profile]
) -> Sheet:
    calls, profiled, share, speed = _PUBLISHED_PROFILE
    lines = [["published, 2017", f"{calls:,}", f"{profiled:.2f}", f"{share:.0%}", "", f"{speed:g}"]]
    for name, found in profiles.items():
        cpu = statistics.median(seconds[name])
        lines.append(
            [
                name,
                f"{found.calls:,}",
                f"{found.seconds:.2f}",
                f"{found.exchange_share:.0%}",
                f"{cpu:.2f}",
                number(rows * 8 / cpu / 1e6),
            ]
        )
    columns = ["worker", "calls", "s under cProfile", "in the exchange", "s without", "MB/s"]
    note = (
        "One worker on a recorded task. Exchange: what is not in the lambda; calls within compiled "
        "loops are not seen by cProfile. MB/s: the column's 8 bytes a row over CPU seconds "
        "without cProfile; the talk timed 2 s with the JVM's share."
    )
    return Sheet(f"lambda x: x + 1 over {rows:,} rows", columns, lines, note, strong=(3, 4))
