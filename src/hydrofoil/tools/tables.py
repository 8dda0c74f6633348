"""Tables for a terminal and for a notebook."""

from collections.abc import Sequence
from html import escape
from itertools import accumulate, takewhile
from textwrap import fill

from rich.cells import cell_len

# Notebooks are light or dark: everything is in the text's own colour.
_CELL = "text-align:left;vertical-align:top;white-space:pre-line;padding:0.25em 0.75em"
_LINE = "border-bottom:1px solid currentColor"
_WIDTH = 80
_MOST_LINES = 4  # Of a cell; a sentence in a column of one word's width is not read.

Rows = Sequence[Sequence[str]]


def text_table(headings: Sequence[str], rows: Rows) -> str:
    """Columns with two blanks between, in 80 letters; long cells go on in the next line.

    Empty columns are left out. Where a word would be cut, or a cell be tall, each row is a list.
    """
    kept = [i for i in range(len(headings)) if not i or any(row[i] for row in rows)]
    headings = [headings[i] for i in kept]
    rows = [[row[i] for i in kept] for row in rows]
    if sum(_words([headings, *rows])) + 2 * (len(headings) - 1) > _WIDTH:
        return "\n\n".join(_listed(headings, row) for row in rows)
    limits = _limits([headings, *rows])
    cells = [
        [_wrapped(cell, limit) for cell, limit in zip(row, limits, strict=True)]
        for row in [headings, *rows]
    ]
    if max(len(cell) for row in cells for cell in row) > _MOST_LINES:
        return "\n\n".join(_listed(headings, row) for row in rows)
    widths = [max(cell_len(line) for row in cells for line in row[i]) for i in range(len(headings))]
    lines = []
    for number, row in enumerate(cells):
        for k in range(max(map(len, row))):
            parts = [cell[k] if k < len(cell) else "" for cell in row]
            # Letters of some scripts are two columns wide.
            filled = (
                part + " " * (w - cell_len(part)) for part, w in zip(parts, widths, strict=True)
            )
            line = "  ".join(filled)
            lines.append(line.rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def html_table(headings: Sequence[str], rows: Rows) -> str:
    """A table that fits light and dark pages."""
    head = "".join(f'<th style="{_CELL};{_LINE}">{escape(cell)}</th>' for cell in headings)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return (
        '<table style="border-collapse:collapse;color:inherit;background:transparent">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def html_page(headline: str, tables: Sequence[str], notes: Sequence[str]) -> str:
    """A headline, tables, and notes below."""
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<div><p><b>{escape(headline)}</b></p>{''.join(tables)}{below}</div>"


def plain(eval_type: str) -> str:
    """The name of an eval type without what all of them have in common."""
    return eval_type.removeprefix("SQL_").removesuffix("_UDF").replace("_", " ").lower()


def percent(share: float) -> str:
    """A share in words that never call 99.9 % all."""
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    return f"{min(max(share * 100, 0.1), 99.9):.3g} %"


def of_them(part: int, whole: int, what: str) -> str:
    """ "3 of 4 functions" """
    return f"{part} of {whole} {what}{'s' if whole != 1 else ''}"


def _limits(rows: Rows) -> list[int]:
    """How wide each column may be: the widest give way until the table fits."""
    widths = [
        max(cell_len(line) for row in rows for line in (row[i].splitlines() or [""]))
        for i in range(len(rows[0]))
    ]
    words = _words(rows)
    while sum(widths) + 2 * (len(widths) - 1) > _WIDTH:
        room = [width - word for width, word in zip(widths, words, strict=True)]
        # Of those that can still give way, the widest.
        index = max(range(len(widths)), key=lambda i: (room[i] > 0, widths[i]))
        widths[index] -= 1
    return [max(1, width) for width in widths]


def _words(rows: Rows) -> list[int]:
    """The longest word of each column."""
    return [
        max((cell_len(word) for row in rows for word in row[i].split()), default=1)
        for i in range(len(rows[0]))
    ]


def _listed(headings: Sequence[str], row: Sequence[str]) -> str:
    """A row as lines of a name and a value each."""
    named = [(name, " ".join(cell.split())) for name, cell in zip(headings, row, strict=True)]
    return "\n".join(
        fill(
            f"{name}: {cell}" if name else cell,
            _WIDTH,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, cell in named
        if cell
    )


def _fitting(line: str, limit: int) -> int:
    """How many letters of a line fit into so many columns, one at least."""
    if line.isascii():
        return limit
    ends = accumulate(map(cell_len, line))
    return max(1, sum(1 for _ in takewhile(lambda end: end <= limit, ends)))


def _wrapped(cell: str, limit: int) -> list[str]:
    lines: list[str] = []
    for line in cell.splitlines() or [""]:
        while cell_len(line) > limit:
            most = _fitting(line, limit)
            cut = line.rfind(" ", 0, most + 1)
            cut = cut if cut > 0 else most
            lines.append(line[:cut].rstrip())
            line = line[cut:].lstrip()
        lines.append(line)
    return lines
