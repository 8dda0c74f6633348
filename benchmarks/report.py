"""Compare the workers case by case with the project's targets: ``python -m benchmarks.report``."""

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.case import Case
from benchmarks.cases import CASES, SUITES
from benchmarks.recordings import recordings
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import output
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.replay.player import Player, compare
from hydrofoil.tools.replay.stream import input_columns


@dataclass(frozen=True)
class Result:
    """Medians in ns of CPU time a unit; ``floor`` is None where the bare loop isn't measured."""

    case: str
    unit: str
    rows: int
    stock: float
    hydrofoil: float
    ratio: float
    target: float | None
    floor: float | None
    floor_ratio: float | None
    floor_target: float | None

    @property
    def met(self) -> bool:
        """Whether the case is as good as its targets ask, if it has any."""
        enough = self.target is None or self.ratio >= self.target
        if self.floor_target is None or self.floor_ratio is None:
            return enough
        return enough and self.floor_ratio <= self.floor_target


def measure(case: Case, recording: Recording, player: Player, runs: int, cold: bool) -> Result:
    """Replay one case to both engines, then run the bare loop on the same values."""
    comparison = compare(recording, runs=runs, player=player, cold=cold)
    rows = comparison.rows
    ours = comparison.cpu_ns_per_row("hydrofoil") * case.unit_rows
    floor = _floor(case, recording, player, runs)
    return Result(
        case=case.name,
        unit=case.unit,
        rows=rows,
        stock=comparison.cpu_ns_per_row("stock") * case.unit_rows,
        hydrofoil=ours,
        ratio=comparison.ratio(),
        target=case.target,
        floor=floor,
        floor_ratio=None if floor is None else ours / floor,
        floor_target=case.floor_target,
    )


def _floor(case: Case, recording: Recording, player: Player, runs: int) -> float | None:
    """ns/row of the bare loop, None where the case has none."""
    if case.function is None:
        return None
    try:
        columns = input_columns(recording)
    except ValueError:  # Not flat: the worker's values are others than pyarrow's.
        return None
    seconds = statistics.median(player.floor(case.function, columns) for _ in range(runs))
    return seconds / len(columns[0]) * 1e9


_TITLE = "Worker CPU time by replay, stock against Hydrofoil and the bare loop"
_HEADINGS = (
    "case",
    "ns per",
    "stock",
    "hydrofoil",
    "ratio",
    "target",
    "loop",
    "x loop",
    "target",
    "met",
)


def _cells(result: Result) -> list[str]:
    return [
        result.case,
        result.unit,
        f"{result.stock:,.0f}",
        f"{result.hydrofoil:,.0f}",
        f"{result.ratio:.2f}",
        _optional(result.target, ">= {:.2f}"),
        _optional(result.floor, "{:,.0f}"),
        _optional(result.floor_ratio, "{:.2f}"),
        _optional(result.floor_target, "<= {:.2f}"),
        "yes" if result.met else "NO",
    ]


def _optional(value: float | None, style: str) -> str:
    return "" if value is None else style.format(value)


def _filled(results: list[Result]) -> list[tuple[str, ...]]:
    """Heading and cells of each column in which there is something."""
    columns = zip(_HEADINGS, *map(_cells, results), strict=True)
    return [column for column in columns if any(column[1:])]


def _rows(columns: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The cells of each result, without the headings."""
    return list(zip(*columns, strict=True))[1:]


def as_table(results: list[Result]) -> Table:
    """The table for the terminal."""
    table = Table(title=_TITLE)
    columns = _filled(results)
    for heading, *_ in columns:
        left = heading in ("case", "ns per")
        table.add_column(heading, justify="left" if left else "right", no_wrap=left)
    for result, cells in zip(results, _rows(columns), strict=True):
        table.add_row(*cells, style=None if result.met else "bold red")
    return table


def as_markdown(results: list[Result], command: str, machine: dict[str, object]) -> str:
    """The same table as a Markdown page, with what is needed to judge and repeat it."""
    columns = _filled(results)
    lines = [
        f"# {_TITLE} (pandas {machine['pandas']})",
        "",
        f"Made by `{command}`. Medians; engines alternate; each run has a fresh process.",
        "",
        *(f"- {name}: {value}" for name, value in machine.items()),
        "",
        "| " + " | ".join(heading for heading, *_ in columns) + " |",
        "| --- | --- |" + " ---: |" * (len(columns) - 2),
        *("| " + " | ".join(cells) + " |" for cells in _rows(columns)),
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--rows", type=click.IntRange(1), help="Instead of each case's own number.")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1))
@click.option("--case", "names", multiple=True, type=click.Choice(list(CASES)), help="Only these.")
@click.option(
    "--suite", "suites", multiple=True, type=click.Choice(list(SUITES)), help="All of it."
)
@click.option("--cold", is_flag=True, help="Measure a worker's first task, not a later one.")
@click.option("--json", "json_file", type=Written())
@click.option("--markdown", type=Written())
@click.option("--check", is_flag=True, help="Exit with 1 if a target is missed.")
def main(
    rows: int | None,
    runs: int,
    names: tuple[str, ...],
    suites: tuple[str, ...],
    cold: bool,
    json_file: Path | None,
    markdown: Path | None,
    check: bool,
) -> None:
    """Replay recorded tasks to stock's worker and to Hydrofoil's and print the ratios."""
    chosen = names + tuple(case.name for suite in suites for case in SUITES[suite])
    chosen = chosen or tuple(CASES)
    recorded = recordings(chosen, rows)
    results = []
    console = Console(stderr=True)
    progress = track(chosen, "Replaying", console=console, transient=True)
    with Player(recorded[chosen[0]].environment) as player:
        for name in progress:
            results.append(measure(CASES[name], recorded[name], player, runs, cold))
            console.print(" | ".join(_cells(results[-1])))
    output().print(as_table(results))
    machine = describe_machine()
    if json_file is not None:
        report = {"machine": machine, "results": [asdict(result) for result in results]}
        json_file.write_text(json.dumps(report, indent=2) + "\n")
    if markdown is not None:
        command = _command(rows=rows, runs=runs, suite=suites, case=names) + " --cold" * cold
        markdown.write_text(as_markdown(results, command, machine))
    if check and not all(result.met for result in results):
        raise SystemExit(1)


def _command(**options: Any) -> str:
    """The command line that makes this report."""
    words = ["python -m benchmarks.report"]
    for name, value in options.items():
        values = value if isinstance(value, tuple) else (value,)
        words += [f"--{name} {each}" for each in values if each is not None]
    return " ".join(words)


if __name__ == "__main__":
    main()
