"""The user's own functions on the user's own data; found and called as `hydrofoil parity` does."""

from pathlib import Path
from typing import TYPE_CHECKING

from hydrofoil.errors import UsageError
from hydrofoil.tools.bench.bench import Bench, UnequalResultsError, in_order
from hydrofoil.tools.bench.contest import BOTH, Contest, Contestant, Measured
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.sheets import cpu_bars, rate_bars
from hydrofoil.tools.parity import mine
from hydrofoil.tools.parity.harness import Raised, difference, outcome_of
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hydrofoil.tools.bench.stopwatch import Sample

# On which answers are compared, and which bring workers up.
_FEW = 1_000


def workloads() -> None:
    """Known only once the module is loaded beside the data: `run` refuses what is not there."""


def run(bench: Bench) -> Result:
    module, file = bench.options.module, bench.options.data
    assert module is not None and file is not None
    spark = bench.session()
    # Workers find modules beside the user's, too.
    spark.sparkContext.addPyFile(str(module.resolve()))
    sample = mine.read_sample(spark, file)
    loaded = mine.load(module)
    found = list(mine.functions(sample, loaded, bench.options.binds or {}))
    names = bench.chosen("mine", [one.name for one in found])
    functions = [one for one in found if isinstance(one, mine.Function) and one.name in names]
    result = Result("mine", "")
    result.notes += [
        f"{one.name} was left out: {one.reason}" for one in found if isinstance(one, mine.Verdict)
    ]
    if not functions:
        raise UsageError(
            f"{module} has no function that could be given its arguments",
            hint="; ".join(result.notes) or "make one with udf, pandas_udf, arrow_udf or udtf",
        )
    frame, rows = _repeated(sample, bench.options.rows)
    few = frame if rows <= _FEW else sample.limit(_FEW).localCheckpoint()
    done = []
    for function in functions:
        bench.expect(len(BOTH))
        raised = _check(bench, function, few)
        if raised is not None:
            result.notes.append(f"{function.name} was left out: stock raises {raised}")
            continue
        bench.expect(len(BOTH) * (1 + bench.options.repeat))
        done.append(_measure(bench, function, frame, few, rows))
    if not done:
        raise UsageError("no function could be measured", hint="; ".join(result.notes))
    factors = [one.factor("Hydrofoil", "stock") for one in done]
    result.headline = (
        f"Your functions run {Factor.mean(factors)} times faster with Hydrofoil than on "
        f"stock PySpark: {', '.join(f'{o.name} {_times(o)}' for o in done)}."
    )
    result.sheets.append(_sheet(module, file, rows, functions, done))
    for one in done:
        result.charts.append(rate_bars(one, f"{one.name}: rows a second"))
        result.charts.append(cpu_bars(one, f"{one.name}: CPU time a row"))
        result.records += one.records("mine")
    return result


def _times(one: Measured) -> str:
    return f"{one.factor('Hydrofoil', 'stock')}x"


def _repeated(sample: "DataFrame", wanted: int | None) -> "tuple[DataFrame, int]":
    """The sample in as many partitions as there are slots, over and over if there must be more."""
    spark = sample.sparkSession
    rows = sample.count()
    if not rows:
        raise UsageError("the data has no rows")
    copies = 1 if wanted is None else -(-wanted // rows)
    # Without a column of its own, which the data may have, too.
    frame = sample.crossJoin(spark.range(copies).select())
    frame = frame.limit(wanted) if wanted is not None else frame
    slots = spark.sparkContext.defaultParallelism
    return frame.repartition(slots).localCheckpoint(), wanted or rows


def _check(bench: Bench, function: mine.Function, few: "DataFrame") -> str | None:
    """Compare both engines' answers; what stock raises, if it does."""
    outcomes = []
    for engine in BOTH:
        bench.step(f"{function.name}: result, {engine.name}")
        with bench.using(Contestant(engine.name, engine, function.query)):
            outcomes.append(outcome_of(bench.session(), lambda _: function.query(few)))
    found = difference(*outcomes)
    if found is not None:
        raise UnequalResultsError(
            f"{function.name}: stock and Hydrofoil differ, or your function answers differently "
            f"each time; hydrofoil parity shows the differences\n{found}"
        )
    return outcomes[0].last_line if isinstance(outcomes[0], Raised) else None


def _measure(
    bench: Bench, function: mine.Function, frame: "DataFrame", few: "DataFrame", rows: int
) -> Measured:
    def data(_: "SparkSession", count: int) -> "DataFrame":
        return few if count < rows else frame

    contest = Contest(
        function.name,
        data,
        rows,
        [Contestant(engine.name, engine, function.query) for engine in BOTH],
    )
    samples: dict[str, list[Sample]] = {engine.name: [] for engine in BOTH}
    for turn in range(bench.options.repeat + 1):
        for each in in_order(contest.contestants, turn):
            bench.step(f"{function.name}: " + (f"run {turn}" if turn else "warm-up"))
            sample = bench.time(contest, each, rows)
            if turn:
                samples[each.name].append(sample)
    return Measured(contest, None, samples, {})


def _sheet(
    module: Path, file: Path, rows: int, functions: list[mine.Function], done: list[Measured]
) -> Sheet:
    kinds = {function.name: function.kind for function in functions}
    lines = []
    for one in done:
        cells = [one.name, kinds[one.name]]
        for engine in one.names:
            cells += [
                number(one.wall(engine).median),
                one.wall(engine).percent(),
                number(one.jvm_ns(engine)),
                number(one.python_ns(engine)),
            ]
        lines.append([*cells, str(one.factor("Hydrofoil", "stock"))])
    columns = ["function", "kind"]
    for engine in ("stock", "Hydrofoil"):
        columns += [f"{engine}: s", "spread", "JVM ns/row", "Python ns/row"]
    return Sheet(
        f"{module.name} on {rows:,} rows of {file.name}",
        [*columns, "times faster"],
        lines,
        f"Wall clock and CPU time, medians. {NOISE_NOTE}",
        ("kind",),
    )
