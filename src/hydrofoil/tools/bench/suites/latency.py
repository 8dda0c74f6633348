"""What a small task takes: 200 of ten rows, a shuffle of 200, micro-batches of streams."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from hydrofoil.tools.bench import small_queries
from hydrofoil.tools.bench.bench import Bench, by_value, in_order
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, Spread, number
from hydrofoil.tools.bench.micro_batches import stream
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.routes import FIRST, NO_PYTHON, Route, routes
from hydrofoil.tools.bench.small_queries import (
    QUERIES,
    ROWS_OF_A_TASK,
    STREAMS,
    TASKS,
    tasks_of,
    workloads,
)
from hydrofoil.tools.bench.stopwatch import Sample, Stopwatch
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.parity.engines import use_conf
from hydrofoil.tools.sheet import Sheet

# Micro-batches that are timed of each streaming query.
_BATCHES = 25


def run(bench: Bench) -> Result:
    by_value(small_queries.__name__)
    spark = bench.session()
    names = bench.chosen("latency", workloads())
    found = routes(spark)
    turns = bench.options.repeat
    queries = [name for name in names if name in QUERIES]
    streams = [name for name in names if name in STREAMS]
    few = _few(found)
    bench.expect(len(queries) * len(found) * (1 + turns) + len(streams) * len(few) * turns)
    result = Result("latency", "")
    for name in queries:
        tasks = tasks_of(name, bench.rows(TASKS * ROWS_OF_A_TASK))
        _add_query(result, name, tasks, found, _time_query(bench, name, found))
    for name in streams:
        _add_stream(result, name, few, _time_stream(bench, name, few))
    result.headline = "; ".join(sheet.note.partition(". ")[0] for sheet in result.sheets) + "."
    return result


def _time_query(bench: Bench, name: str, found: dict[str, Route]) -> dict[str, list[Sample]]:
    spark = bench.session()
    _, query, conf = QUERIES[name]
    rows = bench.rows(TASKS * ROWS_OF_A_TASK)
    stopwatch = Stopwatch(spark)
    samples: dict[str, list[Sample]] = {way: [] for way in found}
    with use_conf(spark, conf):
        for turn in range(bench.options.repeat + 1):
            for each, way in in_order(found.items(), turn):
                what = f"run {turn} of {bench.options.repeat}" if turn else "warm-up"
                bench.step(f"{name}: {what}, {each}")
                with way.using(spark):
                    sample = stopwatch.time(partial(query, spark, way.python), rows)
                if turn:
                    samples[each].append(sample)
    return samples


def _time_stream(bench: Bench, name: str, found: dict[str, Route]) -> dict[str, list[float]]:
    """Milliseconds from trigger to commit."""
    spark = bench.session()
    rows = bench.rows(ROWS_OF_A_TASK)
    batches = _BATCHES if bench.options.rows is None else 1
    turns = bench.options.repeat
    taken: dict[str, list[float]] = {way: [] for way in found}
    for turn in range(turns):
        for each, way in in_order(found.items(), turn):
            bench.step(f"{name}: query {turn + 1} of {turns}, {each}")
            with way.using(spark):
                taken[each] += stream(spark, STREAMS[name][1](way.python), rows, batches)
    return taken


def _add_query(
    result: Result,
    name: str,
    tasks: int,
    found: dict[str, Route],
    samples: dict[str, list[Sample]],
) -> None:
    title = QUERIES[name][0].format(tasks)
    walls = {way: Spread.of([one.wall for one in taken]) for way, taken in samples.items()}
    python, jvm = (
        {
            way: Spread.of([getattr(one, kind) for one in taken]).scaled(1e3 / tasks)
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
    ours = _as_spark_is_set(found)
    note = (
        f"{title}: {ours} takes {number(walls[ours].median)} s, {FIRST} "
        f"{number(walls[FIRST].median)} s. Python and JVM: CPU time of all processes for each of "
        f"the {tasks} tasks. {NOISE_NOTE}"
    )
    result.sheets.append(Sheet(title, columns, lines, note, strong=_strong(found)))
    result.charts.append(_bars(title, "s", walls))
    for way, taken in samples.items():
        result.records.append(
            {
                **_record(name, way, "task", walls),
                "wall_s": walls[way].median,
                "wall_s_low": walls[way].low,
                "wall_s_high": walls[way].high,
                "python_cpu_ns_per_unit": python[way].median * 1e6,
                "jvm_cpu_ns_per_unit": jvm[way].median * 1e6,
                "runs": [vars(one) for one in taken],
            }
        )


def _add_stream(
    result: Result, name: str, found: dict[str, Route], taken: dict[str, list[float]]
) -> None:
    title = STREAMS[name][0]
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
    ours = _as_spark_is_set(found)
    note = (
        f"{title}: a batch takes {number(spreads[ours].median)} ms with {ours}, "
        f"{number(spreads[FIRST].median)} ms with {FIRST}. From trigger to commit, medians of "
        f"{len(taken[FIRST])} batches each; the first of each query are not counted. A factor "
        "behind ~ is less than the middle halves are wide."
    )
    result.sheets.append(Sheet(title, columns, lines, note, strong=_strong(found)))
    result.charts.append(_bars(title, "ms a batch", spreads))
    for way, each in taken.items():
        record = _record(name, way, "batch", spreads)
        result.records.append({**record, "value": spreads[way].median, "runs": each})


def _record(workload: str, way: str, unit: str, spreads: dict[str, Spread]) -> dict[str, Any]:
    factor = Factor.of(spreads[way], spreads[FIRST])
    return {
        "suite": "latency",
        "workload": workload,
        "engine": way,
        "unit": unit,
        "factor": factor.value,
        "factor_over": FIRST,
        "factor_is_noise": factor.noise,
    }


def _few(found: dict[str, Route]) -> dict[str, Route]:
    """The routes that streams are timed by: each query takes seconds to start."""
    return {name: found[name] for name in (FIRST, _as_spark_is_set(found), NO_PYTHON)}


def _as_spark_is_set(found: dict[str, Route]) -> str:
    """Hydrofoil's route over TCP, as `FIRST` is, with the JVM's half where there is one."""
    return [name for name, way in found.items() if way.is_ours and not way.unix][-1]


def _middle(values: list[float]) -> Spread:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(Spread.of(values).median, ordered[last // 4], ordered[last - last // 4])


def _bases(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith("stock")]


def _over_columns(names: Iterable[str]) -> list[str]:
    return [f"x {base}" for base in _bases(names)]


def _over(spreads: dict[str, Spread], way: str) -> list[str]:
    bases = _bases(spreads)
    return ["1" if way == b else str(Factor.of(spreads[way], spreads[b])) for b in bases]


def _strong(found: dict[str, Route]) -> tuple[int, ...]:
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
