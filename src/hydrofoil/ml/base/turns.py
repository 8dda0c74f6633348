"""Gangs of this process take turns at a cluster's slots.

Spark starts all tasks of a barrier stage at once or none, so two gangs never hold half of their
slots each. But a gang that waits in Spark for another's slots is one that does not start, and
fails after a while. So a gang is submitted when those before it have left it slots enough.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction


class Turns:
    """Who has which part of the slots, by application; first come, first served."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: dict[str, Fraction] = {}
        self._waiting: dict[str, deque[object]] = {}

    @contextmanager
    def part(self, application: str, needed: int, total: int) -> Iterator[None]:
        """Wait for ``needed`` of ``total`` slots, and hold them.

        Ranks of different kinds (with GPUs or without) have different totals; it is the sum of
        their parts that is bounded.

        Parameters
        ----------
        application : str
            Whose slots they are.
        needed, total : int
        """
        part, ticket = Fraction(min(needed, total), total), object()
        with self._changed:
            queue = self._waiting.setdefault(application, deque())
            queue.append(ticket)
            try:
                self._changed.wait_for(
                    lambda: queue[0] is ticket and self._taken.get(application, 0) + part <= 1
                )
                self._taken[application] = self._taken.get(application, Fraction(0)) + part
            finally:
                queue.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken[application] -= part
                self._changed.notify_all()


TURNS = Turns()
