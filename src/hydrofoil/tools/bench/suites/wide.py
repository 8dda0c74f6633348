"""Functions of 1 to 200 columns."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.contest import BOTH, Contest, Contestant, Measured
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.page.charts import Lines
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COLUMNS = (1, 2, 5, 10, 50, 100, 200)
# Values in all, so that rows are fewer the wider they are.
_VALUES = 4_000_000
# Each in turn, so that there is something of each kind.
_KINDS = ("id + {}", "id * 0.5D + {}", "concat('s', id, '{}')", "id % {} = 1")


def _first(*values: Any) -> Any:
    return values[0]


def _same(batches: Iterator[Any]) -> Iterator[Any]:
    yield from batches


def _plain(data: "DataFrame") -> "DataFrame":
    from pyspark.sql.functions import udf

    return data.select(udf(_first, "long", useArrow=True)(*data.columns).alias("r"))


def _map_in_pandas(data: "DataFrame") -> "DataFrame":
    return data.mapInPandas(_same, data.schema)


def _map_in_arrow(data: "DataFrame") -> "DataFrame":
    return data.mapInArrow(_same, data.schema)


WORKLOADS: "dict[str, Callable[[DataFrame], DataFrame]]" = {
    "plain udf": _plain,
    "mapInPandas": _map_in_pandas,
    "mapInArrow": _map_in_arrow,
}


def _data(columns: int, spark: "SparkSession", rows: int) -> "DataFrame":
    made = [f"{_KINDS[i % len(_KINDS)].format(i + 2)} AS c{i}" for i in range(columns)]
    return spark.range(rows).selectExpr(*made)


def workloads() -> list[str]:
    """What --workload can choose."""
    return list(WORKLOADS)


def run(bench: Bench) -> Result:
    by_value(__name__)
    names = bench.chosen("wide", workloads())
    contests = [
        Contest(
            f"{name}, {columns} columns",
            partial(_data, columns),
            max(1, bench.rows(_VALUES) // columns // (1 if columns > 2 else 2)),
            [Contestant(engine.name, engine, WORKLOADS[name]) for engine in BOTH],
        )
        for name in names
        for columns in COLUMNS
    ]
    done = list(bench.measure_all(contests))
    factors = [one.factor("Hydrofoil", "stock") for one in done]
    result = Result(
        "wide",
        f"From 1 to {COLUMNS[-1]} columns, Hydrofoil is {Factor.mean(factors)} times "
        f"faster than stock: {min(factors)} to {max(factors)} times.",
    )
    for index, name in enumerate(names):
        mine = done[index * len(COLUMNS) : (index + 1) * len(COLUMNS)]
        result.sheets.append(_sheet(name, mine))
        rates = {
            engine: [
                one.rows_per_s(engine).scaled(width)
                for one, width in zip(mine, COLUMNS, strict=True)
            ]
            for engine in mine[0].names
        }
        result.charts.append(
            Lines(
                f"{name}: values a second by number of columns",
                COLUMNS,
                {engine: [rate.median for rate in found] for engine, found in rates.items()},
                "columns",
                "values/s",
                spread={
                    engine: [(rate.low, rate.high) for rate in found]
                    for engine, found in rates.items()
                },
                strong=("Hydrofoil",),
            )
        )
        for one, width in zip(mine, COLUMNS, strict=True):
            for record in one.records("wide", columns=width):
                result.records.append({**record, "workload": name})
    return result


def _sheet(name: str, done: list[Measured]) -> Sheet:
    lines = []
    for one, width in zip(done, COLUMNS, strict=True):
        cells = [f"{width}", f"{one.contest.rows:,}"]
        for engine in one.names:
            cells += [
                number(one.rows_per_s(engine).median * width / 1e6),
                one.wall(engine).percent(),
            ]
            cells += [
                number(one.jvm_ns(engine) / width),
                number(one.python_ns(engine) / width),
            ]
        lines.append([*cells, str(one.factor("Hydrofoil", "stock"))])
    columns = ["columns", "rows"]
    for engine in ("stock", "Hydrofoil"):
        columns += [f"{engine}: M values/s", "spread", "JVM", "Python"]
    note = "JVM and Python in CPU ns a value. " + NOISE_NOTE
    return Sheet(name, [*columns, "times faster"], lines, note)
