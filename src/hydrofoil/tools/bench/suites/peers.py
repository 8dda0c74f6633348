"""The same functions in DuckDB, Polars, Daft and Sail, each as its documentation recommends."""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.tools.bench import peers
from hydrofoil.tools.bench.bench import Bench, UnequalResultsError, by_value, in_order
from hydrofoil.tools.bench.contest import BOTH, Contestant
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, Spread, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.ways import has_arrow_functions
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.sheet import Sheet

_ROWS = 2_000_000
_GROUP_OF_ROWS = 100_000
_OURS = "Hydrofoil"
_INSTALL = 'pip install duckdb polars daft pysail (the extra "peers")'

Run = Callable[[str], tuple[float, int]]


def workloads() -> list[str]:
    """What --workload can choose."""
    return [n for n in peers.WORKLOADS if "batch" not in n or has_arrow_functions()]


def run(bench: Bench) -> Result:
    by_value(__name__, peers.__name__)
    names = bench.chosen("peers", workloads())
    there = peers.installed()
    if not there:
        raise UsageError("none of the peers is installed", f"{_INSTALL}, or some of them")
    result = Result("peers", "")
    missing = [name for name in peers.PEERS if name not in there]
    if missing:
        result.notes.append(f"Not installed: {', '.join(missing)}. All of them: {_INSTALL}.")
    rows = bench.rows(_ROWS)
    bench.expect((len(BOTH) + len(there)) * len(names) * (1 + bench.options.repeat))
    with tempfile.TemporaryDirectory(prefix="hydrofoil-bench-") as folder, ExitStack() as stack:
        path = Path(folder) / "rows.parquet"
        _write(path, rows)
        threads = int(bench.session().sparkContext.defaultParallelism)
        runs: dict[str, Run] = {engine.name: _spark(bench, engine, path) for engine in BOTH}
        for name in there:
            runs[name] = stack.enter_context(peers.Peer(name, path, threads)).run
        for name in names:
            _add(result, name, rows, _measure(bench, name, runs, result.notes))
    wins = sum(record["engine"] == _OURS and record["first"] for record in result.records)
    result.headline = f"Hydrofoil is the fastest of {len(runs)} in {wins} of {len(names)}."
    return result


def _write(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    x = pa.array(range(rows), pa.int64())
    s = pc.binary_join_element_wise("name", x.cast(pa.string()), " ")
    pq.write_table(pa.table({"x": x, "s": s}), path, row_group_size=_GROUP_OF_ROWS)


def _spark(bench: Bench, engine: Any, path: Path) -> Run:
    contestant = Contestant(engine.name, engine, lambda data: data)

    def run(workload: str) -> tuple[float, int]:
        with bench.using(contestant):
            query = peers.spark_queries(bench.session(), str(path))[workload]
            start = time.perf_counter()
            answer = query()
            return time.perf_counter() - start, answer

    return run


def _measure(
    bench: Bench, workload: str, runs: dict[str, Run], notes: list[str]
) -> dict[str, list[float]]:
    """Seconds of all runs; who fails, or answers otherwise than stock, is out and named."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    expected: int | None = None
    for turn in range(bench.options.repeat + 1):
        for name in in_order(seconds, turn):
            bench.step(f"{workload}: {name}, " + (f"run {turn}" if turn else "warm-up"))
            try:
                spent, answer = runs[name](workload)
            except peers.PeerError as error:
                notes.append(f"{workload}: {name} failed: {error}")
                del seconds[name]
                continue
            expected = answer if expected is None else expected
            if answer != expected and name == _OURS:
                raise UnequalResultsError(
                    f"workload {workload!r}: {name} answers {answer}, and stock {expected}"
                )
            if answer != expected:
                notes.append(f"{workload}: {name} answers {answer}, and stock {expected}")
                del seconds[name]
            elif turn:
                seconds[name].append(spent)
    return seconds


def _add(result: Result, workload: str, rows: int, seconds: dict[str, list[float]]) -> None:
    walls = {name: Spread.of(found) for name, found in seconds.items()}
    ranked = sorted(walls, key=lambda name: walls[name].median)
    lines = []
    for name in ranked:
        rate = walls[name].inverse(rows / 1e6)
        other = "1" if name == _OURS else str(Factor.of(walls[name], walls[_OURS]))
        stock = "1" if name == "stock" else str(Factor.of(walls[name], walls["stock"]))
        lines.append([name, number(rate.median), walls[name].percent(), stock, other])
        result.records.append(
            {
                "suite": "peers",
                "workload": workload,
                "engine": name,
                "rows": rows,
                "wall_s": walls[name].median,
                "wall_s_low": walls[name].low,
                "wall_s_high": walls[name].high,
                "rows_per_s": rate.median * 1e6,
                "first": name == ranked[0],
                "runs": seconds[name],
            }
        )
    note = (
        "From a Parquet file to the sum of the results, by wall clock, fastest first; as many "
        "threads as Spark has slots, where a peer has such a setting. Answers were compared. "
    )
    columns = ["engine", "M rows/s", "spread", "x stock", "x Hydrofoil"]
    result.sheets.append(
        Sheet(
            f"{workload}: {rows:,} rows",
            columns,
            lines,
            note + NOISE_NOTE,
            strong=(ranked.index(_OURS),),
        )
    )
    rates = [walls[name].inverse(rows / 1e6) for name in ranked]
    result.charts.append(
        Bars(
            f"{workload}: rows a second",
            ranked,
            {"M rows/s": [rate.median for rate in rates]},
            unit="M rows/s",
            spread={"M rows/s": [(rate.low, rate.high) for rate in rates]},
            strong=(_OURS,),
        )
    )
