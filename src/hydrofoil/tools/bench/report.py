"""Results on the terminal, as JSON, as CSV, and as a page."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from hydrofoil.errors import UsageError
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.suites import SUITES
from hydrofoil.tools.page import Page
from hydrofoil.tools.sheet import show_sheet


def show(result: Result, console: Console) -> None:
    """Print the headline, the tables and the notes."""
    # One line in a file, so that it can be searched.
    whole = not console.is_terminal
    console.print(result.headline, style="bold", markup=False, highlight=False, soft_wrap=whole)
    for sheet in result.sheets:
        console.print()
        show_sheet(sheet, console)
    for note in result.notes:
        console.print(f"\n{note}", markup=False, highlight=False)
    for title, text in result.texts.items():
        console.print(f"\n{title}", style="bold", markup=False)
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def write_json(
    path: Path,
    results: Sequence[Result],
    machine: dict[str, object],
    settings: dict[str, Any],
    command: str,
) -> None:
    """Write everything that was measured, all runs included."""
    report = {
        "command": command,
        "machine": machine,
        "settings": settings,
        "suites": [result.as_json() for result in results],
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> tuple[list[Result], dict[str, object], str]:
    """The results, the machine and the command of a report that `write_json` wrote.

    Raises
    ------
    UsageError
        The file is no such report, or lacks what tables and charts are made from.
    """
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
        results = [Result.from_json(suite) for suite in made["suites"]]
        if not results or any(result.suite not in SUITES for result in results):
            raise ValueError("no suites of this version")
        return results, dict(made["machine"]), str(made["command"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path} is not a report that hydrofoil bench --json has written "
            f"({type(error).__name__}: {error})"
        ) from error


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """Write the records without their runs, one a line; columns that a record lacks are empty."""
    records = [record for result in results for record in result.records]
    names = dict.fromkeys(name for record in records for name in record if name != "runs")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(names), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)


def as_page(results: Sequence[Result], machine: dict[str, object], command: str) -> Page:
    """Everything on one page.

    Raises
    ------
    UsageError
        matplotlib, which draws the charts, is not installed.
    """
    page = Page("Hydrofoil and stock PySpark, measured", results[0].headline)
    page.pre(command)
    for result in results:
        line = SUITES[result.suite][1]
        page.section(
            f"Suite {result.suite}: {line}", result.headline if result is not results[0] else ""
        )
        for sheet in result.sheets[:1]:
            page.sheet(sheet)
        for note in result.notes:
            page.text(note)
        for chart in result.charts:
            page.chart(chart)
        for sheet in result.sheets[1:]:
            page.sheet(sheet)
        for title, text in result.texts.items():
            page.details(title, text)
    page.section("Where this was measured")
    page.table("Machine and versions", ["what", "value"], list(machine.items()), left=["value"])
    return page
