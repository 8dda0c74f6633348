"""Tables and charts that several suites make of contests."""

from collections.abc import Sequence

from hydrofoil.tools.bench.contest import Measured
from hydrofoil.tools.bench.figures import NOISE_NOTE, number
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.sheet import Sheet

CPU_NOTE = (
    "Medians; ± is half of what lies between the fastest and the slowest run. CPU time of the JVM, "
    "of Python without the function (the exchange), and of the function in a bare loop. "
)


def engines_sheet(measured: Measured, over: Sequence[str], title: str = "") -> Sheet:
    """One contest, a row for each contestant, with factors over some of them."""
    unit = measured.contest.unit
    split = [measured.exchange_ns(name) for name in measured.names]
    told = any(exchange is not None for exchange in split)
    columns = ["engine", f"M {unit}s/s" if unit == "row" else f"k {unit}s/s", "spread"]
    columns += ["MB/s"] if unit == "row" else []
    scale = 1.0 if unit == "row" else 1e-3
    time = "ns" if unit == "row" else "µs"
    columns += [f"JVM {time}/{unit}"]
    columns += (
        [f"exchange {time}/{unit}", f"function {time}/{unit}"]
        if told
        else [f"Python {time}/{unit}"]
    )
    others = [name for name in over if name in measured.names]
    columns += [f"x {name.removesuffix(' (stock)')}" for name in others]
    rows, strong = [], []
    for index, name in enumerate(measured.names):
        rate = measured.units_per_s(name)
        cells = [
            name,
            number(rate.median / (1e6 if unit == "row" else 1e3)),
            measured.wall(name).percent(),
        ]
        if unit == "row":
            size = measured.mb_per_s(name)
            cells.append("" if size is None else number(size))
        cells.append(number(measured.jvm_ns(name) * scale))
        function, exchange = measured.function_ns(name), measured.exchange_ns(name)
        if told and function is not None and exchange is not None:
            cells += [number(exchange * scale), number(function * scale)]
        else:
            cells += [number(measured.python_ns(name) * scale)] + [""] * told
        for other in others:
            cells.append("1" if other == name else str(measured.factor(name, other)))
        if measured.is_ours(name):
            strong.append(index)
        rows.append(cells)
    largest = max(measured.rows(name) for name in measured.names)
    heading = title or f"{measured.name}: {largest:,} rows"
    fewer = [name for name in measured.names if measured.rows(name) < largest]
    note = CPU_NOTE + NOISE_NOTE
    if fewer:
        few = measured.rows(fewer[0])
        note += f" Slower ways ran over {few:,} rows: {', '.join(fewer)}."
    return Sheet(heading, columns, rows, note, strong=tuple(strong))


def rate_bars(measured: Measured, title: str) -> Bars:
    """Units a second of each contestant."""
    unit = measured.contest.unit
    scale, prefix = (1e-6, "M") if unit == "row" else (1e-3, "k")
    rates = [measured.units_per_s(name).scaled(scale) for name in measured.names]
    label = f"{prefix} {unit}s/s"
    return Bars(
        title,
        measured.names,
        {label: [rate.median for rate in rates]},
        unit=label,
        spread={label: [(rate.low, rate.high) for rate in rates]},
        strong=[name for name in measured.names if measured.is_ours(name)],
        note="Medians; the thin line at a bar's end is from the slowest run to the fastest.",
    )


def cpu_bars(measured: Measured, title: str) -> Bars:
    """CPU time of each contestant, split."""
    unit = measured.contest.unit
    scale, time = (1.0, "ns") if unit == "row" else (1e-3, "µs")
    exchange, function = [], []
    for name in measured.names:
        alone = measured.function_ns(name)
        function.append(None if alone is None else alone * scale)
        exchange.append((measured.python_ns(name) - (alone or 0.0)) * scale)
    known = any(value is not None for value in function)
    parts: dict[str, list[float | None]] = {
        "JVM": [measured.jvm_ns(name) * scale for name in measured.names],
        "exchange" if known else "Python": list(exchange),
    }
    if known:
        parts["function"] = function
    return Bars(
        title,
        measured.names,
        parts,
        unit=f"{time} of CPU time a {unit}",
        stacked=True,
        style="{:,.0f}",
        note="Exchange is Python's CPU time without the function itself." if known else "",
    )
