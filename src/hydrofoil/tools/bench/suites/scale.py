"""From 10,000 to 100,000,000 rows, and from one core to all: how cost grows."""

from hydrofoil.tools.bench.bench import Bench, by_value, in_order
from hydrofoil.tools.bench.contest import Contest, Contestant
from hydrofoil.tools.bench.figures import Factor, Spread, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.suites import rows as row_suite
from hydrofoil.tools.bench.ways import ARROW, OURS, PICKLED
from hydrofoil.tools.page.charts import Lines
from hydrofoil.tools.sheet import Sheet

ROWS = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
_WAYS = (PICKLED, ARROW, OURS)
_ROWS_OF_SLOTS = 4_000_000
# A way whose run took longer gets no more rows.
_PATIENCE_S = 20.0


def workloads() -> list[str]:
    """What --workload can choose."""
    return ["rows", "slots"]


def run(bench: Bench) -> Result:
    by_value(row_suite.__name__)
    names = bench.chosen("scale", workloads())
    result = Result("scale", "")
    lines = []
    if "rows" in names:
        lines.append(_by_rows(bench, result))
    if "slots" in names:
        lines.append(_by_slots(bench, result))
    result.headline = " ".join(lines)
    return result


def _contest(rows: int) -> Contest:
    return row_suite.WORKLOADS["long"].contest(_WAYS, rows)


def _runs(bench: Bench, contest: Contest, contestants: list[Contestant]) -> dict[str, Spread]:
    """Seconds of wall clock of each contestant, in turn and after a warm-up."""
    seconds: dict[str, list[float]] = {each.name: [] for each in contestants}
    for turn in range(bench.options.repeat):
        for each in in_order(contestants, turn):
            bench.step(f"{contest.rows:,} rows, run {turn + 1}, {each.name}")
            seconds[each.name].append(bench.time(contest, each, contest.rows).wall)
    return {name: Spread.of(found) for name, found in seconds.items()}


def _by_rows(bench: Bench, result: Result) -> str:
    most = bench.rows(ROWS[-1])
    counts = [rows for rows in ROWS if rows <= most] or [most]
    bench.expect(len(_WAYS) * bench.options.repeat * len(counts) + len(_WAYS))
    contest = _contest(counts[0])
    left = list(contest.contestants)
    for each in left:
        bench.step(f"warm-up, {each.name}")
        bench.time(contest, each, min(1_000_000, most))
    found: dict[int, dict[str, Spread]] = {}
    for rows in counts:
        found[rows] = _runs(bench, _contest(rows), left)
        left = [each for each in left if found[rows][each.name].median < _PATIENCE_S]
    for rows, walls in found.items():
        result.records += _records("rows", walls, rows=rows, slots=_slots(bench))
    result.sheets.append(
        _sheet("By rows", "rows", {f"{rows:,}": walls for rows, walls in found.items()})
    )
    result.charts.append(_chart("x + 1: seconds by rows", "rows", "s", found))
    first, last = (found[rows].get(OURS) for rows in (counts[0], counts[-1]))
    assert first is not None
    text = f"{counts[0]:,} rows take Hydrofoil's plain UDF {number(first.median)} s"
    if last is not None and counts[-1] != counts[0]:
        text += f", {counts[-1]:,} rows {number(last.median)} s"
    return f"{text}."


def _by_slots(bench: Bench, result: Result) -> str:
    import os

    cores = os.cpu_count() or 1
    slots = sorted({1, cores, *(2**i for i in range(1, 10) if 2**i < cores)})
    rows = bench.rows(_ROWS_OF_SLOTS)
    bench.expect(len(_WAYS) * (bench.options.repeat + 1) * len(slots))
    found: dict[int, dict[str, Spread]] = {}
    for count in slots:
        bench.session(f"local[{count}]")
        contest = _contest(rows)
        contestants = list(contest.contestants)
        for each in contestants:
            bench.step(f"{count} slots: warm-up, {each.name}")
            bench.time(contest, each, max(1, rows // 4))
        found[count] = _runs(bench, contest, contestants)
        result.records += _records("slots", found[count], rows=rows, slots=count)
    bench.session()
    result.sheets.append(
        _sheet(
            f"By slots: {rows:,} rows",
            "slots",
            {str(count): walls for count, walls in found.items()},
        )
    )
    result.charts.append(_chart(f"x + 1: seconds by slots, {rows:,} rows", "slots", "s", found))
    gain = Factor.of(found[slots[-1]][OURS], found[slots[0]][OURS])
    return f"{slots[-1]} slots are {gain} times as fast as one."


def _slots(bench: Bench) -> int:
    return int(bench.session().sparkContext.defaultParallelism)


def _records(workload: str, walls: dict[str, Spread], **more: int) -> list[dict[str, object]]:
    return [
        {
            "suite": "scale",
            "workload": workload,
            "engine": name,
            **more,
            "wall_s": wall.median,
            "wall_s_low": wall.low,
            "wall_s_high": wall.high,
        }
        for name, wall in walls.items()
    ]


def _sheet(title: str, first: str, found: dict[str, dict[str, Spread]]) -> Sheet:
    lines = []
    for label, walls in found.items():
        cells = [label]
        for way in _WAYS:
            wall = walls.get(way)
            cells += ["", ""] if wall is None else [number(wall.median), wall.percent()]
        lines.append(cells)
    columns = [first]
    for way in _WAYS:
        columns += [f"{way}, s", "spread"]
    note = (
        "Medians of wall clock, workers up already. Empty: left out, for the run before took "
        f"longer than {_PATIENCE_S:.0f} s."
    )
    return Sheet(title, columns, lines, note)


def _chart(title: str, x: str, y: str, found: dict[int, dict[str, Spread]]) -> Lines:
    walls = {way: [each.get(way) for each in found.values()] for way in _WAYS}
    return Lines(
        title,
        list(found),
        {
            way: [None if wall is None else wall.median for wall in each]
            for way, each in walls.items()
        },
        x,
        y,
        spread={
            way: [None if wall is None else (wall.low, wall.high) for wall in each]
            for way, each in walls.items()
        },
        strong=(OURS,),
    )
