"""How many batches went which way, from a task's worker to the driver by Spark's accumulators.

A session asks for it with `KEY`, which Spark hands to the workers of its queries. The worker's
update brings its accumulator along: a driver that has never heard of it knows it by the time it
adds the update, by PySpark's code alone. Otherwise drivers of Spark 3.5 to 4.1 would take no more
updates at all, for any accumulator.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from operator import itemgetter
from typing import Any

KEY = "spark.hydrofoil.counts"
EXECUTION_KEY = "spark.sql.execution.id"
TAGS_KEY = "spark.job.tags"
# In the tag of each of Spark Connect's queries, whose accumulators end at its client.
CONNECT = "SparkConnect"

# Those of users count up from 0, and PySpark's own down from -1.
ACCUMULATOR = -0x4859_4452

# What a driver keeps where nobody has asked for it: about a megabyte.
MOST_TASKS = 2048


class _Update:
    """A task's records, which unpickled are a list, beside the accumulator that takes them."""

    def __init__(self, records: list[Any], accumulator: Any) -> None:
        self.records = records
        self.accumulator = accumulator

    def __reduce__(self) -> Any:
        return itemgetter(0), ((self.records, self.accumulator),)


def send(record: Callable[[str | None], tuple[Any, ...]]) -> None:
    """Have the running task's worker send a record, if the session asks for it.

    Parameters
    ----------
    record : callable
        Makes it, for the id of the query's execution in terms of Python's own types, which any
        driver can read.
    """
    # Whatever goes wrong here, it is not the program's fault.
    with suppress(Exception):
        from pyspark import TaskContext

        context = TaskContext.get()
        if context is not None and _is_asked_for(context):
            _add(record(context.getLocalProperty(EXECUTION_KEY)))


def _is_asked_for(context: Any) -> bool:
    if str(context.getLocalProperty(KEY)).lower() != "true":
        return False
    return CONNECT not in (context.getLocalProperty(TAGS_KEY) or "")


def _add(record: tuple[Any, ...]) -> None:
    from pyspark.accumulators import (
        Accumulator,
        AddingAccumulatorParam,
        _accumulatorRegistry,
    )

    registry: dict[Any, Any] = _accumulatorRegistry
    accumulator = registry.get(ACCUMULATOR)
    if accumulator is None:
        zero: deque[Any] = deque(maxlen=MOST_TASKS)
        # It registers itself. Stock's worker sends what is registered.
        accumulator = Accumulator(ACCUMULATOR, zero, AddingAccumulatorParam(zero))
        accumulator._value = _Update([], accumulator)
    accumulator._value.records.append(record)
