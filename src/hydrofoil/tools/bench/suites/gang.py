"""What `hydrofoil.gang` costs beside training: starting ranks, meeting, and feeding them."""

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, Spread, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROWS = 2_000_000
_BATCH = 8_192
_MEETINGS = 200


def _nothing(ctx: Any) -> None:
    pass


def _meet(ctx: Any) -> dict[str, float]:
    """Milliseconds of one call of each way to meet."""
    calls: dict[str, Callable[[], Any]] = {
        "barrier": ctx.barrier,
        "all_gather, 1 kB": lambda: ctx.all_gather(b"x" * 1024),
        "broadcast, 1 kB": lambda: ctx.broadcast(b"x" * 1024),
    }
    made = {}
    for name, call in calls.items():
        ctx.barrier()
        start = time.perf_counter()
        for _ in range(_MEETINGS):
            call()
        made[name] = (time.perf_counter() - start) / _MEETINGS * 1e3
    return made


def _read(ctx: Any) -> list[tuple[int, float]]:
    """Rows and seconds of two epochs; the first waits for Spark."""
    made = []
    for _ in range(2):
        start = time.perf_counter()
        rows = sum(len(batch["v"]) for batch in ctx.data.numpy(batch_size=_BATCH, steps="uneven"))
        made.append((rows, time.perf_counter() - start))
    return made


def _count(batches: Iterator[Any]) -> Iterator[Any]:
    import pyarrow as pa

    rows = sum(batch.num_rows for batch in batches)
    yield pa.RecordBatch.from_pydict({"rows": [rows]})


def _data(spark: "SparkSession", rows: int) -> "DataFrame":
    return spark.range(rows).selectExpr("id", "id * 0.5D AS v", "id % 7 AS k")


def workloads() -> list[str]:
    """What --workload can choose."""
    return ["start", "meet", "feed"]


def run(bench: Bench) -> Result:
    by_value(__name__)
    names = bench.chosen("gang", workloads())
    bench.expect((bench.options.repeat + 1) * len(names))
    bench.session()
    result = Result("gang", "")
    parts = {"start": _start, "meet": _meetings, "feed": _feed}
    result.headline = " ".join([parts[name](bench, result) for name in names])
    return result


def _turns(bench: Bench, name: str) -> Iterator[bool]:
    """Whether a turn counts: the first is a warm-up."""
    for turn in range(bench.options.repeat + 1):
        bench.step(f"gang: {name}, " + (f"run {turn}" if turn else "warm-up"))
        yield turn > 0


def _start(bench: Bench, result: Result) -> str:
    gang = import_module("hydrofoil.gang")

    spark = bench.session()
    ranks = spark.sparkContext.defaultParallelism
    seconds: dict[str, list[float]] = {
        "barrier job of Spark's (mapInArrow)": [],
        "gang.run, all of it": [],
        "of it until all ranks had met": [],
    }
    barrier, whole, met = seconds.values()
    for counts in _turns(bench, "start"):
        start = time.perf_counter()
        frame = spark.range(0, ranks, 1, ranks)
        frame.mapInArrow(_count, "rows long", barrier=True).collect()
        spent = time.perf_counter() - start
        start = time.perf_counter()
        done = gang.run(_nothing, num_tasks=ranks, spark=spark, progress=False)
        if counts:
            barrier.append(spent)
            whole.append(time.perf_counter() - start)
            met.append(done.timings["start_s"])
    spreads = {name: Spread.of(found) for name, found in seconds.items()}
    lines = [[name, number(s.median * 1e3), s.percent()] for name, s in spreads.items()]
    note = f"{ranks} ranks that do nothing; workers are up already."
    result.sheets.append(Sheet("Starting a gang", ["what", "ms", "spread"], lines, note))
    result.records += [_record("start", name, s, seconds[name]) for name, s in spreads.items()]
    return f"A gang of {ranks} that does nothing takes {number(Spread.of(whole).median * 1e3)} ms."


def _meetings(bench: Bench, result: Result) -> str:
    gang = import_module("hydrofoil.gang")

    spark = bench.session()
    ranks = spark.sparkContext.defaultParallelism
    taken: dict[str, list[float]] = {}
    for counts in _turns(bench, "meet"):
        found = gang.run(_meet, num_tasks=ranks, spark=spark, progress=False).value
        for name, milliseconds in found.items():
            if counts:
                taken.setdefault(name, []).append(milliseconds)
    spreads = {name: Spread.of(found) for name, found in taken.items()}
    lines = [[name, number(s.median), s.percent()] for name, s in spreads.items()]
    note = f"{ranks} ranks, the mean of {_MEETINGS} calls; medians of runs."
    result.sheets.append(Sheet("Meeting", ["call", "ms", "spread"], lines, note))
    result.records += [
        _record("meet", name, s.scaled(1e-3), [milliseconds / 1e3 for milliseconds in taken[name]])
        for name, s in spreads.items()
    ]
    return f"A barrier takes {number(spreads['barrier'].median)} ms."


def _feed(bench: Bench, result: Result) -> str:
    gang = import_module("hydrofoil.gang")

    spark = bench.session()
    ranks = spark.sparkContext.defaultParallelism
    rows = bench.rows(_ROWS)
    rates: dict[str, list[float]] = {
        "mapInArrow, rows only counted": [],
        "gang, first epoch (Spark computes)": [],
        "gang, second epoch (from the spool)": [],
    }
    counted, first, second = rates.values()
    for counts in _turns(bench, "feed"):
        start = time.perf_counter()
        frame = _data(spark, rows).repartition(ranks)
        frame.mapInArrow(_count, "rows long", barrier=True).collect()
        spent = time.perf_counter() - start
        epochs = gang.run(_read, _data(spark, rows), ranks, spark=spark, progress=False)
        if counts:
            counted.append(rows / spent)
            for into, each in zip((first, second), zip(*epochs, strict=True), strict=True):
                into.append(sum(n for n, _ in each) / max(seconds for _, seconds in each))
    spreads = {name: Spread.of(found) for name, found in rates.items()}
    base = spreads["mapInArrow, rows only counted"]
    lines = [
        [
            name,
            number(s.median / 1e6),
            s.percent(),
            str(Factor.of(s.inverse(), base.inverse())) if s is not base else "1",
        ]
        for name, s in spreads.items()
    ]
    columns = ["how", "M rows/s", "spread", "x mapInArrow"]
    note = (
        f"{rows:,} rows (id long, v double, k long) to {ranks} ranks, read as NumPy batches of "
        f"{_BATCH:,}; mapInArrow's time has the job's start in it. "
    )
    result.sheets.append(Sheet("Feeding a gang", columns, lines, note + NOISE_NOTE))
    result.charts.append(
        Bars(
            "Feeding a gang: rows a second",
            list(spreads),
            {"M rows/s": [s.median / 1e6 for s in spreads.values()]},
            unit="M rows/s",
            spread={"M rows/s": [(s.low / 1e6, s.high / 1e6) for s in spreads.values()]},
            strong=[name for name in spreads if name.startswith("gang")],
        )
    )
    result.records += [
        {**_record("feed", name, s, rates[name]), "rows": rows} for name, s in spreads.items()
    ]
    again = spreads["gang, second epoch (from the spool)"]
    return f"An epoch from the spool reads {number(again.median / 1e6)} M rows/s."


def _record(workload: str, engine: str, spread: Spread, runs: list[float]) -> dict[str, Any]:
    """Seconds for starting and meeting, rows a second for feeding."""
    unit = "rows_per_s" if workload == "feed" else "wall_s"
    return {"suite": "gang", "workload": workload, "engine": engine, unit: spread.median} | {
        "runs": runs
    }
