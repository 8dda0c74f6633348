"""The page: what is put on it, in order, and the file that becomes of it."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from hydrofoil.tools.page import flame
from hydrofoil.tools.page.charts import Chart, draw
from hydrofoil.tools.page.flame import Box
from hydrofoil.tools.page.style import style_sheet
from hydrofoil.tools.page.svg import inline, with_variables
from hydrofoil.tools.sheet import Sheet

# A table with more columns than this becomes cards on a phone.
_FEW = 3
# Letters of the longest word that no column breaks.
_LONG = 24


class Page:
    """One HTML page that holds everything it needs, readable on a phone, light and dark.

    All text is plain and is escaped.

    Parameters
    ----------
    title : str
    lede : str
        The one sentence that a reader should take away.
    """

    def __init__(self, title: str, lede: str = "") -> None:
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]
        if lede:
            self._parts.append(f'<p class="lede">{escape(lede)}</p>')
        self._drawings = 0
        self._script = ""

    def section(self, heading: str, text: str = "") -> None:
        """Begin a part with a heading."""
        self._parts.append(f"<h2>{escape(heading)}</h2>")
        if text:
            self.text(text)

    def text(self, text: str) -> None:
        """Paragraphs, with empty lines between them."""
        self._parts += [f"<p>{escape(part)}</p>" for part in text.split("\n\n")]

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        note: str = "",
        left: Sequence[str] = (),
        strong: Sequence[int] = (),
        problems: Sequence[int] = (),
    ) -> None:
        """A table whose first column names its rows; on a phone, wide ones become cards.

        Parameters
        ----------
        title, note : str
            Its caption: what it shows, and what one must know to read it.
        columns : sequence of str
        rows : sequence of sequences
            Cells, written as ``str`` gives them; None leaves one empty.
        left : sequence of str
            Columns of text, beside the first; others hold numbers and stand to the right.
        strong : sequence of int
            Rows that stand out, counted from 0.
        problems : sequence of int
            Rows whose first cell names a problem.

        Raises
        ------
        ValueError
            A row has more or fewer cells than there are columns.
        """
        kinds = [
            ' class="text"' if index == 0 or name in left else ' class="number"'
            for index, name in enumerate(columns)
        ]
        head = "".join(
            f'<th scope="col"{kind}>{escape(name)}</th>'
            for name, kind in zip(columns, kinds, strict=True)
        )
        rows_of_body = "\n".join(
            _row(columns, row, kinds, _marks(number, strong, problems))
            for number, row in enumerate(rows)
        )
        cards = ' class="cards"' if len(columns) > _FEW else ""
        self._parts.append(
            f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}">'
            f"<table{cards}><caption>{_caption(title, note)}</caption>"
            f"<thead><tr>{head}</tr></thead>\n<tbody>{rows_of_body}</tbody></table></div>"
        )

    def sheet(self, sheet: Sheet) -> None:
        """The table that a terminal shows, too."""
        self.table(
            sheet.title,
            sheet.columns,
            sheet.rows,
            note=sheet.note,
            left=sheet.left,
            strong=sheet.strong,
        )

    def chart(self, chart: Chart) -> None:
        """A chart, drawn once for wide screens and once for narrow ones.

        Raises
        ------
        UsageError
            matplotlib, which draws it, is not installed.
        """
        drawings = "".join(
            f'<div class="{name}">'
            + inline(with_variables(draw(chart, narrow)), self._prefix(), chart.title)
            + "</div>"
            for name, narrow in (("wide", False), ("narrow", True))
        )
        self._figure("chart", drawings, chart.title, chart.note)

    def flame(self, root: Box, colors: dict[str, str], title: str, note: str = "") -> None:
        """A flame graph, root on top, which zooms and searches.

        Parameters
        ----------
        root : Box
        colors : dict of str to str
            The colour of each owner, by its name in `palette.COLORS`.
        title, note : str
        """
        self._script = flame.script()
        self._figure("flame", flame.markup(root, colors, title), title, note)

    def pre(self, text: str) -> None:
        """Text as it stands, such as a command or a program's output."""
        self._parts.append(f'<pre tabindex="0">{escape(text)}</pre>')

    def details(self, summary: str, text: str) -> None:
        """Text as it stands that is hidden until a reader asks for it."""
        self._parts.append(
            f"<details><summary>{escape(summary)}</summary>"
            f'<pre tabindex="0">{escape(text)}</pre></details>'
        )

    def html(self) -> str:
        """The page."""
        return _DOCUMENT.format(
            title=escape(self._title),
            allowed=f"; script-src {flame.source_of(self._script)}" if self._script else "",
            style=style_sheet(),
            body="\n".join(self._parts),
            script=f"<script>{self._script}</script>\n" if self._script else "",
        )

    def write(self, path: Path) -> None:
        """Write the page to a file."""
        path.write_text(self.html(), encoding="utf-8")

    def _prefix(self) -> str:
        self._drawings += 1
        return f"d{self._drawings}"

    def _figure(self, kind: str, drawing: str, title: str, note: str) -> None:
        caption = f"<figcaption>{_caption(title, note)}</figcaption>"
        self._parts.append(f'<figure class="{kind}">{caption}{drawing}</figure>')


def _row(columns: Sequence[str], row: Sequence[object], kinds: Sequence[str], marks: str) -> str:
    cells = ["" if cell is None else _cell(str(cell)) for cell in row]
    made = "".join(
        f'<th scope="row"{kind}>{cell}</th>'
        if index == 0
        else f'<td{kind} data-label="{escape(name)}">{cell}</td>'
        for index, (name, cell, kind) in enumerate(zip(columns, cells, kinds, strict=True))
    )
    return f"<tr{marks}>{made}</tr>"


def _cell(text: str) -> str:
    """Its text; a word that may be wider than its column, such as a path, may break anywhere."""
    return " ".join(
        f'<span class="long">{escape(word)}</span>' if len(word) > _LONG else escape(word)
        for word in text.split(" ")
    )


def _marks(number: int, strong: Sequence[int], problems: Sequence[int]) -> str:
    classes = ["strong"] * (number in strong) + ["problem"] * (number in problems)
    return f' class="{" ".join(classes)}"' if classes else ""


def _caption(title: str, note: str) -> str:
    return f'<span class="title">{escape(title)}</span>' + (
        f'<span class="note">{escape(note)}</span>' if note else ""
    )


# The policy makes a browser refuse to fetch anything, whatever stands in the page.
_DOCUMENT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; img-src data:{allowed}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
{script}</body>
</html>
"""
