"""Which rows of a data source the core takes, and which it leaves to PySpark's converters."""

from collections import namedtuple
from typing import Any

import pytest
from pyspark.sql import Row

from hydrofoil._cext.objects.fixed import IntegerEncoder
from hydrofoil._cext.objects.nested import ListEncoder
from hydrofoil._cext.udtf import SourceRowsEncoder

Pair = namedtuple("Pair", "a b")
Unnamed: Any = Row


class Shifted(tuple[Any, ...]):
    """A tuple whose items are not where they lie."""

    def __getitem__(self, index: Any) -> Any:
        return tuple.__getitem__(self, 1 - index)


def encoder() -> SourceRowsEncoder:
    return SourceRowsEncoder([IntegerEncoder(4), IntegerEncoder(4)], ["a", "b"], Row)


@pytest.mark.parametrize(
    "row", [(1, 2), [1, 2], Pair(1, 2), Row(a=1, b=2), Row("a", "b")(1, 2), Unnamed(1, 2)], ids=repr
)
def test_taken(row: Any) -> None:
    rows: list[Any] = []
    assert encoder().drain(iter([row, row]), rows, True)
    assert rows == [row, row]


@pytest.mark.parametrize(
    "row",
    [(1,), (1, 2, 3), [1], (1, "2"), Row(b=1, a=2), Row(a=1, c=2), {"a": 1, "b": 2}, None, 7, "ab"],
    ids=repr,
)
def test_left(row: Any) -> None:
    rows: list[Any] = []
    following = iter([(1, 2), row, (3, 4)])
    assert not encoder().drain(following, rows, True)
    assert rows == [(1, 2), row]
    assert list(following) == [(3, 4)], "nothing is taken that stock would not be given"


def test_a_tuple_that_is_read_otherwise_is_left() -> None:
    assert not encoder().drain(iter([Shifted((1, 2))]), [], True)


def test_what_is_in_a_list_counts_when_all_rows_are_there() -> None:
    lists = SourceRowsEncoder([ListEncoder(IntegerEncoder(4))], ["a"], Row)
    kept: list[Any] = [1]

    def rows() -> Any:
        yield (kept,)
        kept[0] = "not a number any more"

    assert not lists.drain(rows(), [], True)
