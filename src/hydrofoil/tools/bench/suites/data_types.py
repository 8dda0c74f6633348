"""Every type of Spark's: into a plain UDF, and through one and back."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException

from hydrofoil.errors import UsageError
from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.contest import BOTH, Contest, Contestant, Measured
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.data import NEAR
from hydrofoil.tools.parity.samples import Sample
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROWS = 100_000
# Of what is made from other types: of each way to make them, with a plain and a costly one.
_NESTED = tuple(
    made(base)
    for base in (samples.named(samples.BASE, "long"), samples.named(samples.BASE, "string"))
    for made in (samples.arrays, samples.string_maps, samples.structs)
)
# Text of one language each: what is not ASCII is decoded and encoded by other code.
_TEXT = tuple(
    Sample(f"text_{language}", "STRING", tuple(f"'{word}'" for word in words.split()))
    for language, words in (
        ("latin", "café São-Paulo Müller Łódź-naïve señor-42 Ærø"),
        ("greek", "Δελφοί Σπάρτη-42 Μυκήνες Πύθια"),
        ("cjk", "東京都 北京市海淀区 서울특별시 大阪-42"),
        ("emoji", "🚢 fine👍 🌍🌊🧳 🎫-42"),
        ("mixed", "plain café Δελφοί 東京都 🚢-42"),
    )
)
# Not all of them on every Spark, nor in both directions: what stock refuses is left out and named.
TYPES = {
    sample.name: sample for sample in (*NEAR, *_TEXT, *samples.SPECIAL, *samples.PARTIAL, *_NESTED)
}


def _in(value: Any) -> bool:
    return value is None


def _through(value: Any) -> Any:
    return value


# Name -> (function, whether it returns what it gets; else a boolean).
_DIRECTIONS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "in": (_in, False),
    "in and out": (_through, True),
}


def _data(sample: Sample, spark: "SparkSession", rows: int) -> "DataFrame":
    """The sample's values over and over, as a column ``c``."""
    values = sample.typed
    cases = " ".join(f"WHEN {index} THEN {value}" for index, value in enumerate(values))
    return spark.range(rows).selectExpr(f"CASE id % {len(values)} {cases} END AS c")


def _query(function: Callable[[Any], Any], returns: str, data: "DataFrame") -> "DataFrame":
    from pyspark.sql.functions import udf

    return data.select(udf(function, returns, useArrow=True)("c").alias("r"))


def _contest(sample: Sample, direction: str, rows: int) -> Contest:
    function, same = _DIRECTIONS[direction]
    query = partial(_query, function, sample.type if same else "boolean")
    return Contest(
        f"{sample.name}, {direction}",
        partial(_data, sample),
        rows,
        [Contestant(engine.name, engine, query) for engine in BOTH],
    )


def workloads() -> list[str]:
    """What --workload can choose."""
    return list(TYPES)


def run(bench: Bench) -> Result:
    by_value(__name__)
    names = bench.chosen("types", workloads())
    contests = [
        _contest(TYPES[name], direction, bench.rows(_ROWS))
        for name in names
        for direction in _DIRECTIONS
    ]
    result = Result("types", "")
    bench.expect(sum(map(bench.steps, contests)))
    done: dict[str, Measured] = {}
    for contest in contests:
        try:
            done[contest.name] = bench.measure(contest)
        except PySparkException as error:
            reason = str(error).strip().splitlines()[0][:120]
            result.notes.append(f"{contest.name}: stock refuses: {reason}")
    if not done:
        raise UsageError("no type could be measured", hint="; ".join(result.notes))
    names = [name for name in names if any(f"{name}, {way}" in done for way in _DIRECTIONS)]
    factors = [one.factor("Hydrofoil", "stock") for one in done.values()]
    least, most = min(factors), max(factors)
    result.headline = (
        f"Over {len(names)} types, plain UDFs are {Factor.mean(factors)} times faster "
        f"than stock's on Arrow: {least} to {most} times."
    )
    result.sheets.append(_sheet(names, done))
    result.charts.append(
        Bars(
            "Hydrofoil's plain UDFs by type: times faster than stock's on Arrow",
            names,
            {
                direction: [
                    one.factor("Hydrofoil", "stock").value
                    if (one := done.get(f"{name}, {direction}"))
                    else None
                    for name in names
                ]
                for direction in _DIRECTIONS
            },
            unit="times faster",
            strong=("in and out", *_DIRECTIONS),
            style="{:,.1f}x",
            mark=(1.0, "as fast"),
        )
    )
    for one in done.values():
        name, _, direction = one.name.partition(", ")
        for record in one.records("types", direction=direction):
            result.records.append({**record, "workload": name})
    return result


def _sheet(names: list[str], done: dict[str, Measured]) -> Sheet:
    lines = []
    for name in names:
        cells = [name, TYPES[name].type.lower()]
        for direction in _DIRECTIONS:
            one = done.get(f"{name}, {direction}")
            if one is None:
                cells += [""] * (len(BOTH) + 1)
                continue
            cells += [number(one.wall_per_row(engine).median * 1e9) for engine in one.names]
            cells.append(str(one.factor("Hydrofoil", "stock")))
        lines.append(cells)
    columns = ["sample", "type"]
    for direction in _DIRECTIONS:
        columns += [f"{direction}: stock", "Hydrofoil", "times faster"]
    note = (
        "Wall clock in ns a row on all slots together, the JVM's share included. In: the function "
        "gets the value and returns a boolean; in and out: it returns what it gets. "
    )
    return Sheet("Every type", columns, lines, note + NOISE_NOTE, ("type",))
