"""Tables in a terminal, whatever its width: nothing of them is cut."""

import io

import pytest
from rich.console import Console

from hydrofoil.tools.bench.report import show_sheet
from hydrofoil.tools.bench.result import Sheet

SHEET = Sheet(
    "Stock PySpark and Hydrofoil",
    ["function", "engine", "k/s", "spread", "JVM", "exchange", "x row pickled", "x row Arrow"],
    [
        ["x + 1", "row pickled (stock)", "17.9", "±3 %", "63%", "36%", "1", "0.49"],
        ["applyInPandas, 10 rows a group", "Hydrofoil", "1.77", "", "60%", "40%", "", "~26"],
    ],
    "k/s: thousands of rows a second.",
    ("engine",),
    (1,),
)


@pytest.mark.parametrize("width", [140, 100, 80, 40])
def test_a_table_keeps_every_word(width: int) -> None:
    file = io.StringIO()
    show_sheet(SHEET, Console(width=width, file=file))
    printed = file.getvalue()
    assert max(map(len, printed.splitlines())) <= width
    words = printed.replace("┃", " ").replace("│", " ").split()
    for text in (*SHEET.columns, *(cell for row in SHEET.rows for cell in row)):
        assert all(word in words or f"{word}:" in words for word in text.split()), text
