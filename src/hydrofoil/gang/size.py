"""How many ranks an attempt has, by what the cluster can run then."""

from collections.abc import Callable
from typing import Literal

from hydrofoil.errors import UsageError
from hydrofoil.gang.errors import SlotError
from hydrofoil.gang.seams import Resources
from hydrofoil.gang.session import Session
from hydrofoil.gang.slots import enough, uncounted


class Size:
    """Call it with the attempt's number; it waits for slots, and raises ``SlotError``."""

    def __init__(
        self,
        session: Session,
        num_tasks: "int | Literal['max']",
        elastic: tuple[int, int] | None,
        resources: Resources,
        wait: float,
        start_timeout: float,
    ) -> None:
        if num_tasks != "max" and (not isinstance(num_tasks, int) or num_tasks < 1):
            raise UsageError(f"num_tasks={num_tasks!r} has to be 1 or more, or 'max'")
        if elastic is not None and not 1 <= elastic[0] <= elastic[1]:
            raise UsageError(f"elastic={elastic} has to be (fewest, most), 1 or more")
        self.tell: Callable[[str], None] | None = None
        self._session = session
        self._num_tasks = num_tasks
        self._elastic = elastic
        self._resources = resources
        self._wait = wait
        self._start_timeout = start_timeout

    def __call__(self, attempt: int) -> int:
        if self._elastic is not None:
            return self._within(*self._elastic)
        if self._num_tasks == "max":
            return self._count(1, self._wait)
        # A restart without its slots would be for nothing: executors that were lost come again.
        wait = max(self._wait, self._start_timeout) if attempt else self._wait
        # Where nobody tells how many there are, Spark itself lets all ranks start, or none.
        enough(self._session, self._num_tasks, self._resources, wait, self.tell)
        return self._num_tasks

    def _within(self, fewest: int, most: int) -> int:
        try:
            return min(most, self._count(most, self._wait))
        except SlotError as error:
            if error.slots.total >= fewest:
                return int(error.slots.total)
        # There were too few a moment ago; say so in terms of the fewest, not of the most.
        return min(most, self._count(fewest, 0.0))

    def _count(self, needed: int, wait: float) -> int:
        slots = enough(self._session, needed, self._resources, wait, self.tell)
        if slots is None:
            raise uncounted("elastic" if self._elastic is not None else "num_tasks='max'")
        return slots.total
