"""What stock's daemons wait for the JVM with, for a daemon that has more to do than they know of.

They wait by their module ``select``. Here is one that asks, before it waits, for what is due, and
wakes for descriptors that stock's loop is not told of. A timer's signal would come anywhere, in the
midst of a fork, too.
"""

import select
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, Protocol


class Chore(Protocol):
    """Something that a daemon does between two steps of stock's loop."""

    def patience(self) -> float:
        """Do what is due; return in how many seconds to ask again. It raises nothing: an exception
        would end stock's loop, and with it every worker."""

    def descriptors(self) -> Sequence[int]:
        """What there is to do something for once it can be read."""


def schedule(daemon: ModuleType, chores: Sequence[Chore]) -> None:
    """Let stock's daemon wait by way of what does the chores."""
    vars(daemon)["select"] = Select(chores)


class Select:
    """The standard library's ``select``, as far as stock's daemons wait by it, and chores."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores

    def __getattr__(self, name: str) -> Any:
        return getattr(select, name)

    def select(
        self,
        read: Iterable[Any],
        write: Iterable[Any],
        failed: Iterable[Any],
        timeout: float | None = None,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        read = list(read)
        while True:
            seconds = _patience_within(self._chores, timeout)
            ours = _descriptors(self._chores)
            ready, writable, broken = select.select([*read, *ours], write, failed, seconds)
            found = ([each for each in ready if each not in ours], writable, broken)
            # Stock's loop does nothing where nothing is found; it may wait for ever for something.
            if timeout is not None or any(found):
                return found

    def poll(self) -> "Poll":
        return Poll(self._chores)


class Poll:
    """What ``select.poll`` makes, and chores."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._poll = select.poll()
        self._ours: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poll, name)

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        while True:
            seconds = _patience_within(self._chores, None if timeout is None else timeout / 1000)
            for descriptor in _descriptors(self._chores) - self._ours:
                self._poll.register(descriptor, select.POLLIN)
                self._ours.add(descriptor)
            ready = self._poll.poll(None if seconds is None else seconds * 1000)
            found = [each for each in ready if each[0] not in self._ours]
            if timeout is not None or found:
                return found


def _patience_within(chores: Sequence[Chore], timeout: float | None) -> float | None:
    """Do what is due; return how long to wait, in no more than ``timeout``; None is for ever."""
    patience = min((chore.patience() for chore in chores), default=float("inf"))
    if timeout is not None:
        return min(timeout, patience)
    return None if patience == float("inf") else patience


def _descriptors(chores: Sequence[Chore]) -> set[int]:
    return {descriptor for chore in chores for descriptor in chore.descriptors()}
