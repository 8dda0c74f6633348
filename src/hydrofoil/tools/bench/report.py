"""Results on the terminal, as JSON, as CSV, and as a page."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.table import Table

from hydrofoil.tools.bench.result import Result, Sheet
from hydrofoil.tools.bench.suites import SUITES
from hydrofoil.tools.page import Page


def show(result: Result, console: Console) -> None:
    """Print the headline, the tables and the notes."""
    # One line in a file, for who searches it.
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


def show_sheet(sheet: Sheet, console: Console) -> None:
    """Print a table, as close as the terminal needs it; where it is too wide for that, as lists."""
    for close in (False, True):
        table = as_table(sheet, console.width, close)
        if table is not None:
            console.print(table)
            return
    console.print(sheet.title, style="bold", markup=False, highlight=False)
    for row in sheet.rows:
        console.print()
        for name, value in zip(sheet.columns, row, strict=True):
            console.print(f"{name}: {value}", markup=False, highlight=False)
    if sheet.note:
        console.print(f"\n{sheet.note}", style="dim", markup=False, highlight=False)


def as_table(sheet: Sheet, width: int, close: bool = False) -> Table | None:
    """A table for the terminal; None where a word would be cut.

    ``close`` leaves out the lines between columns.
    """
    widths = _widths(sheet, width - _between(len(sheet.columns), close))
    if widths is None:
        return None
    table = Table(
        box=None if close else HEAVY_HEAD,
        padding=(0, 1, 0, 0) if close else (0, 1),
        pad_edge=not close,
        title=sheet.title,
        caption=sheet.note or None,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
    )
    for index, name in enumerate(sheet.columns):
        text = _is_text(sheet, index)
        table.add_column(name, justify="left" if text else "right", width=widths[index])
    before = ""
    for index, row in enumerate(sheet.rows):
        # A name stands once for all of its lines.
        first = "" if row[0] == before and sheet.left else row[0]
        if first and index and sheet.left:
            table.add_section()
        before = row[0]
        table.add_row(first, *row[1:], style="bold" if index in sheet.strong else None)
    return table


def _is_text(sheet: Sheet, index: int) -> bool:
    return index == 0 or sheet.columns[index] in sheet.left


def _between(columns: int, close: bool) -> int:
    """What of a line is not in columns: lines and padding, or spaces."""
    return columns if close else 3 * columns + 1


def _widths(sheet: Sheet, room: int) -> list[int] | None:
    """What each column's words take; what is left goes to texts, which then wrap less."""
    columns = [[name, *cells] for name, *cells in zip(sheet.columns, *sheet.rows, strict=True)]
    widths = [
        max(len(word) for cell in cells for word in cell.split() or [""]) for cells in columns
    ]
    widths = [max(5, width) for width in widths]
    left = room - sum(widths)
    if left < 0:
        return None
    for index, cells in enumerate(columns):
        # The cells of a figure are one word, and its name may take several lines.
        longest = max(map(len, cells if _is_text(sheet, index) else cells[1:] or [""]))
        more = min(left, max(0, longest - widths[index]))
        widths[index] += more
        left -= more
    return widths


def write_json(
    path: Path, results: Sequence[Result], machine: dict[str, object], settings: dict[str, Any]
) -> None:
    """Write everything that was measured, all runs included."""
    report = {
        "machine": machine,
        "settings": settings,
        "suites": [result.as_json() for result in results],
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


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
            _put(page, sheet)
        for note in result.notes:
            page.text(note)
        for chart in result.charts:
            page.chart(chart)
        for sheet in result.sheets[1:]:
            _put(page, sheet)
        for title, text in result.texts.items():
            page.details(title, text)
    page.section("Where this was measured")
    page.table("Machine and versions", ["what", "it is"], list(machine.items()), left=["it is"])
    return page


def _put(page: Page, sheet: Sheet) -> None:
    page.table(
        sheet.title,
        sheet.columns,
        sheet.rows,
        note=sheet.note,
        left=sheet.left,
        strong=sheet.strong,
    )
