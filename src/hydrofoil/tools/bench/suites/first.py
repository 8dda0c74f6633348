"""What a newcomer sees: how many times faster plain UDFs are, and small groups beside them."""

from hydrofoil.tools.bench import sheets
from hydrofoil.tools.bench.bench import Bench, by_value
from hydrofoil.tools.bench.contest import Measured
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.suites import groups, rows
from hydrofoil.tools.bench.ways import ARROW, OURS, OURS_PICKLED, PICKLED
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.sheet import Sheet

# Few enough for a minute on two cores.
_ROWS = {"long": 1_500_000, "string": 750_000, "struct": 250_000, "timestamp": 250_000}
_GROUPS = 1_000
_GROUP = f"applyInPandas, {groups.SMALL} rows a group"
_FUNCTIONS = {
    "long": "x + 1",
    "string": "s.upper()",
    "struct": "r.a + 1",
    "timestamp": "t.year",
}
_WORDS = {PICKLED: "stock's pickled rows", ARROW: "stock's Arrow"}


def workloads() -> list[str]:
    """What --workload can choose."""
    return [*_ROWS, "groups"]


def run(bench: Bench) -> Result:
    by_value(rows.__name__, groups.__name__)
    names = bench.chosen("first", workloads())
    contests = [
        rows.WORKLOADS[name].contest(_ways(), bench.rows(_ROWS[name]))
        for name in names
        if name in _ROWS
    ]
    if "groups" in names:
        size = groups.SMALL
        contests.append(groups.contest("applyInPandas", size, bench.rows(_GROUPS * size), _GROUP))
    done = []
    for one in bench.measure_all(contests):
        done.append(one)
        bench.tell(_line(one))
    plain = [one for one in done if one.name in _ROWS]
    result = Result("first", _headline(plain, done))
    result.sheets.append(_sheet(done))
    result.charts.append(_chart(done))
    result.charts += [sheets.cpu_bars(one, f"{_title(one)}: CPU time") for one in done]
    for one in done:
        result.records += one.records("first")
    return result


def _default() -> str:
    """How plain UDFs exchange rows on this Spark unless told otherwise."""
    import pyspark

    return ARROW if tuple(map(int, pyspark.__version__.split(".")[:2])) >= (4, 2) else PICKLED


def _ways() -> tuple[str, ...]:
    """Stock's and Hydrofoil's; Hydrofoil's as this Spark is set is always among them."""
    return (PICKLED, ARROW, *dict.fromkeys((_ours(_default()), OURS)))


def _ours(way: str) -> str:
    """What turning Hydrofoil on makes of a way of stock's: how rows travel is a setting apart."""
    return OURS_PICKLED if way == PICKLED and _default() == PICKLED else OURS


def _line(one: Measured) -> str:
    ours, stock = _pair(one, _default())
    return f"{_title(one)}: {one.factor(ours, stock)} times faster than {_WORDS.get(stock, stock)}"


def _headline(plain: list[Measured], done: list[Measured]) -> str:
    if not plain:
        return f"{_title(done[0])}: {done[0].factor('Hydrofoil', 'stock')} times faster."
    default = _default()
    other = PICKLED if default == ARROW else ARROW
    mean, otherwise = (
        Factor.mean([one.factor(_ours(way), way) for one in plain]) for way in (default, other)
    )
    return (
        f"Your plain UDFs run {mean} times faster here than on stock PySpark as it is set "
        f"({_WORDS[default]}), and {otherwise} times faster than on {_WORDS[other]}."
    )


def _title(measured: Measured) -> str:
    return _FUNCTIONS.get(measured.name, measured.name)


def _pair(measured: Measured, way: str) -> tuple[str, str]:
    """Hydrofoil's contestant and stock's."""
    return (_ours(way), way) if OURS in measured.names else ("Hydrofoil", "stock")


def _sheet(done: list[Measured]) -> Sheet:
    lines: list[list[str]] = []
    strong: list[int] = []
    for one in done:
        for name in one.names:
            ours = one.is_ours(name)
            if ours:
                strong.append(len(lines))
            per = one.units_per_s(name)
            stock = _pair(one, _default())[1]
            total = one.jvm_ns(name) + one.python_ns(name)
            lines.append(
                [
                    _title(one),
                    name,
                    number(per.median / 1e3),
                    one.wall(name).percent(),
                    _share(one.jvm_ns(name), total),
                    _share(one.exchange_ns(name), total),
                    _share(one.function_ns(name), total),
                    _over(one, name, PICKLED) if PICKLED in one.names else "",
                    _over(one, name, stock),
                ]
            )
    default = _default().removesuffix(" (stock)")
    columns = ["function", "engine", "k/s", "spread", "JVM", "exchange", "function"]
    columns += ["x row pickled", f"x {default}, stock's default"]
    note = (
        "k/s: thousands of rows, or groups, a second; medians of alternating runs on a local "
        "Spark, ± is half of what lies between the fastest and the slowest. Answers were "
        "compared first. JVM, exchange and function: shares of all CPU time. " + NOISE_NOTE
    )
    return Sheet("Stock PySpark and Hydrofoil", columns, lines, note, ("engine",), tuple(strong))


def _over(one: Measured, name: str, other: str) -> str:
    return "1" if name == other else str(one.factor(name, other))


def _share(part: float | None, total: float) -> str:
    """In percent; nothing where it is not known, or all of it less than the clock shows."""
    return "" if part is None or not total else f"{part / total:.0%}"


def _chart(done: list[Measured]) -> Bars:
    ways = {
        "Hydrofoil over stock's row pickled": PICKLED,
        "Hydrofoil over stock's row Arrow": ARROW,
    }
    return Bars(
        "How many times faster Hydrofoil is",
        [_title(one) for one in done],
        {
            name: [
                one.factor(*_pair(one, way)).value
                if way in one.names
                else (
                    one.factor("Hydrofoil", "stock").value
                    if way == ARROW and "stock" in one.names
                    else None
                )
                for one in done
            ]
            for name, way in ways.items()
        },
        unit="times faster, by wall clock",
        strong=("Hydrofoil over stock's row Arrow",),
        style="{:,.1f}x",
        mark=(1.0, "as fast"),
        note="Groups (applyInPandas): over stock's applyInPandas.",
    )
