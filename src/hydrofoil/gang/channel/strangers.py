"""Connections that have not proved yet who they are: bounded in number and in time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PROOF_S = 10.0  # What a connection has for its proof.
_MOST = 128


class Strangers:
    """Ends the oldest when there are too many: ranks prove themselves within milliseconds.

    Parameters
    ----------
    world_size : int
        As many may begin at the same moment.
    """

    def __init__(self, world_size: int) -> None:
        self._most = max(_MOST, 2 * world_size)
        self._ends: OrderedDict[object, Callable[[], object]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, end: Callable[[], object]) -> Iterator[None]:
        """Count one more inside the block; ``end`` ends it, and is called at most once."""
        key = object()
        with self._lock:
            self._ends[key] = end
            oldest = None
            if len(self._ends) > self._most:
                _, oldest = self._ends.popitem(last=False)
        if oldest is not None:
            oldest()
        try:
            yield
        finally:
            with self._lock:
                self._ends.pop(key, None)
