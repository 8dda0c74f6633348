"""Tables and help in a terminal, whatever its width: nothing of them is cut."""

import io
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from rich.console import Console

from hydrofoil.tools.cli import main
from hydrofoil.tools.sheet import Sheet, show_sheet
from hydrofoil.tools.tables import text_table

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


def test_a_table_as_text_fits_in_80_columns() -> None:
    rows = [
        ["a_function_of_a_long_name", "grouped map pandas", "stock", "because of a reason " * 6],
        [
            "b",
            "batched",
            "fast",
            "a_word_that_is_longer_than_a_column_could_be_in_eighty_letters",
        ],
    ]
    printed = text_table(["function", "kind", "path", "why"], rows)
    assert max(map(len, printed.splitlines())) <= 80
    # Between words where that is enough.
    assert "a_function_of_a_long_name" in printed
    assert printed.count("reason") == 6
    letters = "".join(printed.split())
    assert "stock" in letters and "grouped" in letters


WIDE = [["東京都の関数の名前を返す", "1.00", "plain"], ["b", "22.00", "plain"]]


@pytest.mark.parametrize("width", [80, 42])
def test_letters_that_are_two_columns_wide_are_not_cut(width: int) -> None:
    file = io.StringIO()
    show_sheet(
        Sheet("", ["function", "s", "kind"], WIDE, left=("kind",)), Console(width=width, file=file)
    )
    assert "東京都の関数の名前を返す" in file.getvalue()


def test_text_stays_in_its_column_behind_letters_of_two() -> None:
    heading, _, first, second = text_table(["function", "s", "kind"], WIDE).splitlines()
    assert heading.index("kind") == second.index("plain") == cell_len(first.partition("plain")[0])


def test_a_long_cell_of_such_letters_goes_on_in_the_next_line() -> None:
    rows = [["f", "理由は型が違うこと " * 6, "x" * 20]]
    printed = text_table(["function", "why", "kind"], rows)
    assert max(map(cell_len, printed.splitlines())) <= 80
    assert printed.count("理由は型が違うこと") == 6


PRINTED = """
from hydrofoil.tools.console import output
from hydrofoil.tools.sheet import Sheet, show_sheet
show_sheet(Sheet("", ["function", "spread"], [["東京", "±7 %"]]), output())
"""


def test_what_a_terminal_cannot_write_is_written_in_ascii() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", PRINTED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert r"\u6771\u4eac" in done.stdout, done.stderr


def test_help_fits_in_80_columns() -> None:
    context = click.Context(main)
    names = main.list_commands(context)
    assert {"bench", "doctor", "parity", "profile"} <= set(names)
    for name in ([], *([name] for name in names)):
        done = CliRunner().invoke(main, [*name, "--help"], terminal_width=80)
        assert done.exit_code == 0
        assert max(map(len, done.output.splitlines())) <= 80, name
