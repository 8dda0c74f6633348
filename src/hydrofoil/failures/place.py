"""Where a task is in its data."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hydrofoil.deaths.page import BEFORE, ITEM, ROW, ROWS, mine


@dataclass(frozen=True)
class Detail:
    """What a plan knows of the call that has raised, beyond which batch or group it was.

    Attributes
    ----------
    functions : sequence of callables
        The function, or the chain of functions, that was running.
    row : int or None
        The row within the batch, from 0.
    arguments : tuple or None
        What it was called with, positional ones first.
    keywords : tuple of str
        Names of the last arguments.
    result : list
        What it has returned, alone in a list, where that can't be converted; else empty.
    key : tuple or None
        The group's key.
    rows : int or None
        Rows of the group.
    """

    functions: tuple[Any, ...] = ()
    row: int | None = None
    arguments: tuple[Any, ...] | None = None
    keywords: tuple[str, ...] = ()
    result: Sequence[Any] = ()
    key: tuple[Any, ...] | None = None
    rows: int | None = None


def detail_of(make: Callable[[], Detail | None]) -> Detail | None:
    """The detail, or None where it can't be made: nothing may hide the error that it is about."""
    try:
        return make()
    except Exception:
        return None


class Position:
    """The item of its input that a task is at.

    Attributes
    ----------
    partition : int
    item : int
        From 0; one less before the first, which is ``items`` where a replay leaves out some.
    before : int
        Rows of the items before it, where items have rows.
    rows : int
        Rows of the item.
    has_rows : bool
        Whether items have rows; groups are not read for that.
    reading : bool
        Whether reading the input has failed.
    """

    __slots__ = ("before", "has_rows", "item", "partition", "reading", "rows")

    def __init__(self, partition: int, items: int = 0, rows: int = 0) -> None:
        self.partition = partition
        self.item = items - 1
        self.before, self.rows = rows, 0
        self.has_rows = self.reading = False


class Counted:
    """A task's input, whose items are counted as they are taken.

    None of them is held: groups are large, and what holds a column changes what a write to it does.

    Parameters
    ----------
    rows_of : callable or None
        The rows of an item; None where items are groups.
    before : callable or None
        Called with the position before each item is read.
    """

    def __init__(
        self,
        items: Iterable[Any],
        position: Position,
        rows_of: Callable[[Any], int] | None,
        before: Callable[[Position], None] | None = None,
    ) -> None:
        self._items = items
        self._iterator = iter(items)
        self._position = position
        self._rows_of = rows_of
        self._before = before
        self._fields = mine().fields
        position.has_rows = rows_of is not None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        position = self._position
        if self._before is not None:
            self._before(position)
        try:
            item = next(self._iterator)
        except StopIteration:
            raise
        except Exception:
            position.reading = True
            raise
        position.item += 1
        fields = self._fields
        fields[ITEM] = position.item
        if self._rows_of is not None:
            position.before += position.rows
            position.rows = self._rows_of(item)
            # No row has begun; those of batches that the core does not see never do.
            fields[ROW] = -1
            fields[BEFORE], fields[ROWS] = position.before, position.rows
        return item

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)


def rows_of(item: Any) -> int:
    """The rows of a record batch, of a frame or of a sequence of rows; 1 for anything else."""
    if type(item) in (list, tuple):
        return len(item)
    rows = getattr(item, "length", None)
    if rows is None:
        rows = getattr(item, "num_rows", 1)
    return rows if type(rows) is int else 1
