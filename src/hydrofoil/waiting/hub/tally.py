"""What calls have been made, by query and function: of tasks that run, have ended, or have died."""

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Any

# Of how many queries the counts are kept, the newest ones.
MOST_QUERIES = 64


@dataclass(frozen=True)
class WaitingCalls:
    """The calls of one function in one query, of all of its tasks so far.

    Attributes
    ----------
    query : int or None
        The number of the query, as in Spark's UI; None for what is no query.
    function : str
        Its name.
    rows : int
        Rows that have their answer.
    calls : int
        Calls that were made, with those made again.
    retries : int
        How many of these were made again.
    saved : int
        Rows whose answer was there: an equal call's, or remembered.
    failed : int
        Rows whose last call has failed.
    waited_s : float
        Seconds that calls have waited for the limits, summed up over them.
    cost : float
        What `cost` says of all calls.
    """

    query: int | None
    function: str
    rows: int = 0
    calls: int = 0
    retries: int = 0
    saved: int = 0
    failed: int = 0
    waited_s: float = 0.0
    cost: float = 0.0

    def __str__(self) -> str:
        parts = [f"{self.calls:,} calls of {self.function} for {self.rows:,} rows"]
        if self.retries:
            parts.append(f"{self.retries:,} made again")
        if self.saved:
            parts.append(f"{self.saved:,} answers were there")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.waited_s >= 0.05:
            parts.append(f"{self.waited_s:,.1f} s of waiting for the limits")
        if self.cost:
            parts.append(f"cost {self.cost:,.0f}")
        return ", ".join(parts)


class Tally:
    """Counts of queries; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[int | None, str], Counter[str]] = OrderedDict()
        self._told: dict[tuple[int | None, str], Counter[str]] = {}

    def add(self, query: int | None, function: str, more: "Counter[str]") -> None:
        """Add what a task has done since it last said so."""
        with self._lock:
            counts = self._counts.setdefault((query, function), Counter())
            counts.update(more)
            self._counts.move_to_end((query, function))
            while len(self._counts) > MOST_QUERIES:
                gone, _ = self._counts.popitem(last=False)
                self._told.pop(gone, None)

    def all(self) -> list[WaitingCalls]:
        """The counts, oldest first."""
        with self._lock:
            return [_made(key, counts) for key, counts in self._counts.items()]

    def of(self, query: int | None, function: str) -> WaitingCalls | None:
        """The counts of one function in one query."""
        with self._lock:
            counts = self._counts.get((query, function))
            return None if counts is None else _made((query, function), counts)

    def since_told(self, query: int | None, function: str) -> WaitingCalls | None:
        """What has come since this was last asked; None for nothing."""
        key = (query, function)
        with self._lock:
            counts = self._counts.get(key)
            if counts is None:
                return None
            more = Counter(counts)
            more.subtract(self._told.get(key, Counter()))
            self._told[key] = Counter(counts)
        more = +more
        return _made(key, more) if more else None


def _made(key: tuple[int | None, str], counts: Any) -> WaitingCalls:
    return WaitingCalls(*key, **counts)
