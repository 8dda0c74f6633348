"""What `map`, `flatMap`, `filter` and `foreach` of a DataFrame's RDD run in tasks.

As PySpark's own, but for what stands between two calls of the program's function. Pickled by
reference: whatever reads these rows has Hydrofoil.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from pyspark.util import fail_on_stopiteration

from hydrofoil._cext.calls import Kept, Mapped

Function = Callable[[Any], Any]


def mapped(function: Function, _: int, rows: Iterator[Any]) -> Iterator[Any]:
    """What a function makes of each row."""
    return Mapped(function, rows, stopped)


def flat_mapped(function: Function, _: int, rows: Iterator[Any]) -> Iterator[Any]:
    """All that a function makes of each row."""
    return chain.from_iterable(Mapped(function, rows, stopped))


def kept(function: Function, _: int, rows: Iterator[Any]) -> Iterator[Any]:
    """The rows of which a function says so."""
    return Kept(function, rows, stopped)


def called(function: Function, _: int, rows: Iterator[Any]) -> Iterator[Any]:
    """Nothing: the function is called for each row."""
    for _result in Mapped(function, rows, stopped):
        pass
    return iter([])


def stopped(error: StopIteration) -> None:
    """Raise what PySpark raises where a function raises `StopIteration`."""

    def again() -> None:
        raise error

    fail_on_stopiteration(again)()
