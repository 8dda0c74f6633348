"""The tables of docs/reliability.md and docs/failures.md name tests that exist."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
# What a row of a page's tables is about, and how many there are at least.
PAGES = {"reliability.md": ("fault", 60), "failures.md": ("planted failure", 20)}
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)(?:\[(.+)\])?`")


def rows(page: str) -> list[list[str]]:
    """The cells of the page's tables of faults."""
    lines = [line for line in (DOCS / page).read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = (PAGES[page][0], "---")
    return [row for row in cells if len(row) == 4 and row[0] not in heads]


ROWS = {page: rows(page) for page in PAGES}
EVERY = [row for page in PAGES for row in ROWS[page]]


@cache
def source(file: str) -> ast.Module:
    return ast.parse((TESTS / file).read_text())


def constants_of(file: str) -> Iterator[str]:
    """What stands in a file, and in those of the tests that it imports."""
    for node in ast.walk(source(file)):
        if isinstance(node, ast.Constant):
            yield str(node.value)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            yield from constants_of(
                f"{str(node.module).removeprefix('tests.').replace('.', '/')}.py"
            )


@pytest.mark.parametrize("page", PAGES)
def test_there_are_enough(page: str) -> None:
    faults = Counter(row[0] for row in ROWS[page])
    assert faults.total() >= PAGES[page][1]
    assert [fault for fault, times in faults.items() if times > 1] == []


@pytest.mark.parametrize("row", EVERY, ids=[row[0] for row in EVERY])
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
        constants = set(constants_of(file))
        assert not case or case in constants, (file, case)
