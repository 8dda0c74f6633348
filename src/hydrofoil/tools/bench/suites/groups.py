"""Groups of 1 to 100,000 rows: what a group costs, whatever is in it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.contest import BOTH, Alone, Contest, Contestant, Measured
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.ways import has_arrow_functions
from hydrofoil.tools.page.charts import Lines
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

SMALL = 10
# Rows of a group -> how many groups.
SIZES = {1: 4_000, 10: 4_000, 100: 4_000, 1_000: 1_000, 10_000: 200, 100_000: 20}


def _same(group: Any) -> Any:
    return group


def _mean_of_series(v: Any) -> float:
    return float(v.mean())


def _mean_of_array(v: "pa.Array") -> float:
    import pyarrow.compute as pc

    value: float = pc.mean(v).as_py()
    return value


def _apply_in_pandas(data: "DataFrame") -> "DataFrame":
    return data.groupBy("id").applyInPandas(_same, "id long, v double")


def _apply_in_arrow(data: "DataFrame") -> "DataFrame":
    return data.groupBy("id").applyInArrow(_same, "id long, v double")


def _aggregate(maker: str, kind: str, function: Callable[[Any], float]) -> Any:
    def query(data: "DataFrame") -> "DataFrame":
        import warnings

        from pyspark.sql.pandas import functions

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            made = getattr(functions, maker)(
                function, "double", getattr(functions, kind).GROUPED_AGG
            )
        return data.groupBy("id").agg(made("v").alias("v"))

    return query


def _in_groups(table: "pa.Table", size: int) -> "list[pa.Table]":
    return [table.slice(start, size) for start in range(0, table.num_rows, size)]


def frames(size: int) -> Any:
    """Makes a list with a pandas DataFrame for each group of a table."""
    return lambda table: [[group.to_pandas() for group in _in_groups(table, size)]]


def tables(size: int) -> Any:
    """The same with an Arrow table for each group."""
    return lambda table: [_in_groups(table, size)]


def _series(size: int) -> Any:
    return lambda table: [[group.column("v").to_pandas() for group in _in_groups(table, size)]]


def _arrays(size: int) -> Any:
    return lambda table: [[group.column("v").combine_chunks() for group in _in_groups(table, size)]]


# Name -> (query, its function, what the function gets, as a list made of a table by group size).
WORKLOADS: dict[str, tuple[Any, Any, Any]] = {
    "applyInPandas": (_apply_in_pandas, _same, frames),
    "mean-pandas": (
        _aggregate("pandas_udf", "PandasUDFType", _mean_of_series),
        _mean_of_series,
        _series,
    ),
    "applyInArrow": (_apply_in_arrow, _same, tables),
    "mean-arrow": (
        _aggregate("arrow_udf", "ArrowUDFType", _mean_of_array),
        _mean_of_array,
        _arrays,
    ),
}


def _is_there(name: str) -> bool:
    """Whether this Spark has what a workload needs."""
    from pyspark.sql.group import GroupedData

    if name == "mean-arrow":
        return has_arrow_functions()
    return name != "applyInArrow" or hasattr(GroupedData, name)


def contest(name: str, size: int, rows: int, title: str = "") -> Contest:
    """A query over rows (id long, v double) in groups of ``size`` by id, on both engines."""
    query, function, arguments = WORKLOADS[name]

    def data(spark: "SparkSession", count: int) -> "DataFrame":
        # Spread over the partitions, as from a table.
        groups = max(count // size, 1)
        return spark.range(count).selectExpr(f"id % {groups} as id", "id * 0.5D as v")

    return Contest(
        title or f"{name}, {size:,}",
        data,
        max(size, rows // size * size),
        [Contestant(engine.name, engine, query, alone=name) for engine in BOTH],
        unit="group",
        unit_rows=size,
        functions={name: Alone(function, arguments(size))},
        tolerance=1e-12,
    )


def workloads() -> list[str]:
    """What --workload can choose."""
    return list(filter(_is_there, WORKLOADS))


def run(bench: Bench) -> Result:
    by_value(__name__)
    names = bench.chosen("groups", workloads())
    contests = [
        contest(name, size, bench.rows(size * count))
        for name in names
        for size, count in SIZES.items()
    ]
    done = list(bench.measure_all(contests))
    result = Result("groups", "")
    small = []
    for index, name in enumerate(names):
        mine = done[index * len(SIZES) : (index + 1) * len(SIZES)]
        small += [one.factor("Hydrofoil", "stock") for one in mine[:3]]
        result.sheets.append(_sheet(name, mine))
        result.charts.append(_chart(name, mine))
        for one in mine:
            size = one.contest.unit_rows
            result.records += one.records("groups", rows_per_group=size)
            result.records[-1]["workload"] = result.records[-2]["workload"] = name
    result.headline = (
        f"Groups of up to 100 rows are {Factor.mean(small)} times faster with Hydrofoil."
    )
    return result


def _sheet(name: str, done: list[Measured]) -> Sheet:
    lines = []
    for one in done:
        stock, ours = (one.wall(engine) for engine in one.names)
        units = one.contest.rows / one.contest.unit_rows / 1e6
        lines.append(
            [
                f"{one.contest.unit_rows:,}",
                f"{one.contest.rows // one.contest.unit_rows:,}",
                number(stock.median / units),
                stock.percent(),
                number(ours.median / units),
                ours.percent(),
                *(number(one.jvm_ns(engine) / 1e3) for engine in one.names),
                *(number(one.python_ns(engine) / 1e3) for engine in one.names),
                number((one.function_ns("stock") or 0.0) / 1e3),
                str(one.factor("Hydrofoil", "stock")),
            ]
        )
    columns = ["rows a group", "groups", "stock µs/group", "spread", "Hydrofoil µs/group", "spread"]
    columns += ["JVM, stock", "JVM, Hydrofoil", "Python, stock", "Python, Hydrofoil", "function"]
    note = (
        "Wall clock of all slots together; JVM, Python and the function alone in CPU µs a group. "
    )
    return Sheet(f"{name}", [*columns, "x stock"], lines, note + NOISE_NOTE)


def _chart(name: str, done: list[Measured]) -> Lines:
    rates = {engine: [one.units_per_s(engine) for one in done] for engine in done[0].names}
    return Lines(
        f"{name}: groups a second by size",
        [one.contest.unit_rows for one in done],
        {engine: [rate.median for rate in found] for engine, found in rates.items()},
        "rows a group",
        "groups/s",
        spread={
            engine: [(rate.low, rate.high) for rate in found] for engine, found in rates.items()
        },
        strong=("Hydrofoil",),
    )
