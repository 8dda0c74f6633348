"""What is known of a call that has raised."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


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
