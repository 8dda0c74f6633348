"""The driver's side of `hydrofoil.counts.sending`: what tasks have sent, by query."""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.counts.registry import register, value_of
from hydrofoil.counts.sending import ACCUMULATOR, MOST_TASKS
from hydrofoil.counts.task_trace import FAST, UdfTrace

# Of how many queries the counts are kept, the newest ones. A stream has one for each micro-batch.
MOST_QUERIES = 64


@dataclass
class WorkerCounts:
    """What the workers of one projection's tasks did.

    Attributes
    ----------
    eval_type : str
        The kind of function, by PySpark's name of it.
    udfs : tuple of UdfTrace
        Each function, and the path that was planned for it.
    tasks : int
        How many tasks have said so.
    batches : Counter of str
        By outcome: "fast", or why a batch went to stock's code. Empty on stock's path, which does
        not count.
    """

    eval_type: str
    udfs: tuple[UdfTrace, ...]
    tasks: int = 0
    batches: Counter[str] = field(default_factory=Counter)

    @property
    def fast(self) -> int:
        """How many batches stock's code had no part in."""
        return self.batches[FAST]

    @property
    def fell_back(self) -> dict[str, int]:
        """How many batches stock's code had a part in, by reason."""
        return {reason: count for reason, count in self.batches.items() if reason != FAST}


class Collected:
    """The accumulator's value: records are added to it by the thread that talks to the JVM."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queries: OrderedDict[int | None, dict[Any, WorkerCounts]] = OrderedDict()
        # Whether older records were dropped before anybody asked.
        self.incomplete = False

    def __iadd__(self, records: Iterable[Any]) -> "Collected":
        with self._lock:
            for execution, eval_type, udfs, batches in records:
                query = self._queries.setdefault(execution, {})
                self._queries.move_to_end(execution)
                key = (eval_type, udfs)
                if key not in query:
                    query[key] = WorkerCounts(eval_type, tuple(UdfTrace(*udf) for udf in udfs))
                query[key].tasks += 1
                query[key].batches.update(batches)
            while len(self._queries) > MOST_QUERIES:
                self._queries.popitem(last=False)
        return self

    def outcomes(self, udf: UdfTrace) -> Counter[str]:
        """The batches by outcome of all tasks that planned a function just so."""
        with self._lock:
            found: Counter[str] = Counter()
            for query in self._queries.values():
                for known in query.values():
                    if udf in known.udfs:
                        found.update(known.batches)
            return found

    def of(self, executions: Iterable[int]) -> list[WorkerCounts]:
        """The counts of queries, by Spark's ids of their executions."""
        with self._lock:
            found = [self._queries.get(execution, {}) for execution in executions]
            return [
                WorkerCounts(known.eval_type, known.udfs, known.tasks, known.batches.copy())
                for query in found
                for known in query.values()
            ]


def collected() -> Collected:
    """What the tasks of this process's SparkContext have sent; from now on all is kept."""
    known = value_of(ACCUMULATOR)
    if isinstance(known, Collected):
        return known
    made = Collected()
    register(ACCUMULATOR, made, deque(maxlen=MOST_TASKS))
    if known is not None:
        made.incomplete = len(known) == MOST_TASKS
        made += list(known)
    return made
