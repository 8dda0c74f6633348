"""A table, whatever command it is of, and how it is printed on a terminal of any width."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.box import HEAVY_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_MOST_LINES = 6  # Of a cell; a sentence in a column of one word's width is not read.


@dataclass(frozen=True)
class Sheet:
    """A table; the first column names the rows.

    Attributes
    ----------
    title, note : str
    columns : sequence of str
    rows : sequence of sequences of str
    left : sequence of str
        Columns of text, beside the first.
    strong : sequence of int
        Rows that stand out: Hydrofoil's, a total, a problem.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    left: Sequence[str] = ()
    strong: Sequence[int] = ()


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
            if value or name == sheet.columns[0]:
                text = f"{name}: {value}" if name else value
                console.print(text, markup=False, highlight=False)
    if sheet.note:
        console.print(f"\n{sheet.note}", style="dim", markup=False, highlight=False)


def as_table(sheet: Sheet, width: int, close: bool = False) -> Table | None:
    """A table for the terminal; None where a word would be cut, or a cell be tall.

    ``close`` leaves out the lines between columns.
    """
    widths = _widths(sheet, width - _between(len(sheet.columns), close))
    if widths is None or _tallest(sheet, widths) > _MOST_LINES:
        return None
    table = Table(
        box=None if close else HEAVY_HEAD,
        padding=(0, 1, 0, 0) if close else (0, 1),
        pad_edge=not close,
        title=_plain(sheet.title),
        caption=_plain(sheet.note) if sheet.note else None,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
    )
    for index, name in enumerate(sheet.columns):
        text = _is_text(sheet, index)
        table.add_column(_plain(name), justify="left" if text else "right", width=widths[index])
    before = None
    for index, row in enumerate(sheet.rows):
        # A name stands once for all of its lines.
        first = "" if row[0] == before and sheet.left else row[0]
        if first and index and sheet.left:
            table.add_section()
        before = row[0]
        style = "bold" if index in sheet.strong else None
        table.add_row(*map(_plain, (first, *row[1:])), style=style)
    return table


def _plain(text: str) -> Text:
    """The text as it is: brackets in names and error messages are no markup."""
    return Text(text)


def _is_text(sheet: Sheet, index: int) -> bool:
    return index == 0 or sheet.columns[index] in sheet.left


def _tallest(sheet: Sheet, widths: list[int]) -> int:
    """How many lines the cell that is squeezed most takes."""
    return max(
        (
            len(wrap(line, width))
            for row in sheet.rows
            for cell, width in zip(row, widths, strict=True)
            for line in cell.splitlines()
        ),
        default=0,
    )


def _between(columns: int, close: bool) -> int:
    """What of a line is not in columns: lines and padding, or spaces."""
    return columns if close else 3 * columns + 1


def _widths(sheet: Sheet, room: int) -> list[int] | None:
    """What each column's words take; what is left goes to texts, which then wrap less."""
    columns = [[name, *cells] for name, *cells in zip(sheet.columns, *sheet.rows, strict=True)]
    widths = [
        max(cell_len(word) for cell in cells for word in cell.split() or [""]) for cells in columns
    ]
    widths = [max(5, width) for width in widths]
    left = room - sum(widths)
    if left < 0:
        return None
    for index, cells in enumerate(columns):
        # The cells of a figure are one word, and its name may take several lines.
        longest = max(map(cell_len, cells if _is_text(sheet, index) else cells[1:] or [""]))
        more = min(left, max(0, longest - widths[index]))
        widths[index] += more
        left -= more
    return widths
