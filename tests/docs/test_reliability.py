"""The table of docs/reliability.md names tests that exist, for 60 faults or more."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/reliability.md"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)(?:\[(.+)\])?`")


def rows() -> list[list[str]]:
    """The cells of the page's tables of faults."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == 4 and row[0] != "fault" and set(row[0]) != {"-"}]


ROWS = rows()


@cache
def source(file: str) -> ast.Module:
    return ast.parse((TESTS / file).read_text())


def test_there_are_sixty() -> None:
    assert len(ROWS) >= 60
    assert [fault for fault, times in Counter(row[0] for row in ROWS).items() if times > 1] == []


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_its_tests_are_there(row: list[str]) -> None:
    fault, stock, ours, tests = row
    assert fault and stock and ours
    named = NAMED.findall(tests)
    assert named, tests
    for file, function, case in named:
        nodes = list(ast.walk(source(file)))
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
        assert function in [node.name for node in functions], (file, function)
        # A case is a key or a value of what the test is parametrized by.
        constants = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
        assert not case or case in constants, (file, case)
