"""A function of the corpus, with what it is given and what a hand would write instead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KINDS = (
    "arithmetic",
    "comparisons and buckets",
    "nulls",
    "text",
    "look-ups",
    "dates",
    "formatting",
    "conversions",
    "longer ones",
)


@dataclass(frozen=True)
class Case:
    """One function.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    function : callable
    returns : str
        The declared type, as DDL.
    arguments : tuple of str
        What each argument is drawn from: names of `columns.COLUMNS`.
    operations : int
        Operators, calls and methods on the longest usual way through it.
    native : callable or None
        Columns to the column that a hand would write; None where Spark has no such expression.
    """

    kind: str
    function: Callable[..., Any]
    returns: str
    arguments: tuple[str, ...]
    operations: int
    native: Callable[..., Any] | None

    @property
    def name(self) -> str:
        return self.function.__name__


CASES: list[Case] = []


def case(
    kind: str, returns: str, arguments: str, operations: int, native: Callable[..., Any] | None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a function to the corpus; it stays what it is."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(Case(kind, function, returns, tuple(arguments.split()), operations, native))
        return function

    return add
