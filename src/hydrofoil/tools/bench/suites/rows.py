"""Functions of every row, as every kind of UDF."""

from typing import TYPE_CHECKING

from hydrofoil.tools.bench import sheets
from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.figures import Factor
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.ways import ARROW, OURS, PICKLED, WAYS, Workload

if TYPE_CHECKING:
    import pyarrow as pa


def _add_one(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.add(array, 1)


def _upper(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.utf8_upper(array)


def _field_plus_one(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.add(pc.struct_field(array, "a"), 1)


def _year(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.year(array).cast("int32")


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "long",
            "id",
            "long",
            {
                "row": lambda x: x + 1,
                "pandas": lambda s: s + 1,
                "arrow": _add_one,
                "numpy": lambda x: x + 1,
            },
            rows=4_000_000,
        ),
        Workload(
            "string",
            "concat('name ', id)",
            "string",
            {"row": lambda s: s.upper(), "pandas": lambda s: s.str.upper(), "arrow": _upper},
            rows=2_000_000,
        ),
        Workload(
            "struct",
            "named_struct('a', id, 'b', id * 2)",
            "long",
            {
                "row": lambda r: r.a + 1,
                "pandas": lambda frame: frame["a"] + 1,
                "arrow": _field_plus_one,
                "numpy": lambda fields: fields["a"] + 1,
            },
            rows=1_000_000,
        ),
        Workload(
            "timestamp",
            "timestamp_seconds(id * 1000)",
            "int",
            {"row": lambda t: t.year, "pandas": lambda s: s.dt.year, "arrow": _year},
            rows=1_000_000,
        ),
    )
}


def workloads() -> list[str]:
    """What --workload can choose."""
    return list(WORKLOADS)


def run(bench: Bench) -> Result:
    by_value(__name__)
    names = bench.chosen("rows", workloads())
    contests = [WORKLOADS[name].contest(WAYS, bench.rows(WORKLOADS[name].rows)) for name in names]
    result = Result("rows", "")
    factors = []
    for measured in bench.measure_all(contests):
        factors.append(measured.factor(OURS, ARROW))
        result.sheets.append(sheets.engines_sheet(measured, (PICKLED, ARROW)))
        result.charts += [
            sheets.rate_bars(measured, f"{measured.name}: rows a second"),
            sheets.cpu_bars(measured, f"{measured.name}: CPU time a row"),
        ]
        result.records += measured.records("rows", ARROW)
    result.headline = (
        f"Plain UDFs are {Factor.mean(factors)} times faster than on stock's Arrow exchange: "
        f"{', '.join(f'{n} {f}x' for n, f in zip(names, factors, strict=True))}."
    )
    return result
