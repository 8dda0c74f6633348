"""A plan that says when it waits for the JVM: such times are none of its functions'."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hydrofoil.deaths.page import READING, RUNNING, STATE, WRITING, Page


class Input:
    """A task's input; the page says when it is read."""

    def __init__(self, items: Iterable[Any], page: Page) -> None:
        self._items = items
        self._iterator = iter(items)
        self._fields = page.fields

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._fields[STATE] = READING
        try:
            return next(self._iterator)
        finally:
            self._fields[STATE] = RUNNING

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)


def watched(
    plan: Callable[..., Iterable[Any]], split_index: int, items: Iterable[Any], page: Page
) -> Iterator[Any]:
    """The answers of a plan; the page says when it reads, and when it has answered."""
    for answer in plan(split_index, Input(items, page)):
        page.fields[STATE] = WRITING
        yield answer
        page.fields[STATE] = RUNNING
