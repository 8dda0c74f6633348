"""A function of rows that waits, as Spark calls it: an iterator of batches to one of results."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from hydrofoil._cext.place import Position
from hydrofoil.failures.notes import add_note, note_of
from hydrofoil.failures.place import Detail
from hydrofoil.reports.policy import ON_ERROR_KEY, RAISE, Policy, chosen
from hydrofoil.reports.skipping import Failures, failures_of
from hydrofoil.waiting.calls.flight import Flight, Row
from hydrofoil.waiting.calls.function import Function
from hydrofoil.waiting.calls.place import TaskPlace
from hydrofoil.waiting.calls.values import Arguments, Results

# Rows whose calls have begun or are done, and which have not been returned yet: so many times the
# calls in flight, and at least so many.
_WINDOW = 4
_LEAST_WINDOW = 512
# Rows that are returned together, if they are done within so many seconds of the first.
_TOGETHER = 256
_PATIENCE_S = 0.05


class RowBatches:
    """Runs one task.

    Parameters
    ----------
    policy : Policy or None
        What becomes of rows whose calls fail; None where the session says it.
    """

    def __init__(
        self, function: Function, arguments: Arguments, results: Results, policy: Policy | None
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._results = results
        self._policy = policy
        concurrency = function.options.concurrency
        self._concurrency = concurrency
        self._window = max(_LEAST_WINDOW, _WINDOW * concurrency)

    def __call__(self, batches: Iterable[Any]) -> Iterator[pa.Array]:
        task = TaskPlace.here()
        failures = failures_of(self._function.function, self._policy or by_setting(self._function))
        self._function.internal = self._results.internal
        flight = Flight(self._function, task, stops=failures is None)
        rows = self._rows(batches)
        # Rows that have been returned.
        done = 0
        ended = False
        try:
            while True:
                while not ended and self._has_room(flight):
                    some = next(rows, None)
                    if some is None:
                        ended = True
                        break
                    flight.add(some)
                if not flight.rows:
                    return
                self._wait(flight, done)
                taken = self._taken(flight)
                yield self._array(taken, done, task.partition, failures)
                done += len(taken)
        finally:
            flight.close()

    def _has_room(self, flight: Flight) -> bool:
        if not flight.rows:
            return True
        # A batch is not waited for while there are results to return.
        return len(flight.rows) < self._window and (
            not flight.rows[0].done or flight.unfinished() < self._concurrency
        )

    def _rows(self, batches: Iterable[Any]) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of batches, few at a time."""
        few = max(1, self._window // 4)
        for batch in batches:
            arrays = batch if isinstance(batch, tuple) else (batch,)
            values = [self._arguments.column(i, array) for i, array in enumerate(arrays)]
            count = len(arrays[0])
            for start in range(0, count, few):
                yield list(zip(*(column[start : start + few] for column in values), strict=True))

    def _wait(self, flight: Flight, done: int) -> None:
        try:
            flight.wait(1)
            flight.wait(_TOGETHER, _PATIENCE_S)
        except Exception as error:
            if not flight.failed:
                raise
            # The first of those that have failed, as if they had been called in order.
            for i, row in enumerate(flight.rows):
                if row.error is not None:
                    self._raise(row.error, row, done + i)
            raise error

    def _taken(self, flight: Flight) -> list[Row]:
        taken: list[Row] = []
        while flight.rows and flight.rows[0].done and len(taken) < max(_TOGETHER, self._window):
            taken.append(flight.rows.popleft())
        return taken

    def _array(
        self, rows: list[Row], first: int, partition: int, failures: Failures | None
    ) -> pa.Array:
        values = []
        for i, row in enumerate(rows, first):
            value = None
            if failures is not None:
                failures.rows += 1
            if row.error is not None:
                if not self._taken_by(failures, row.error, i, row.arguments):
                    self._raise(row.error, row, i)
            else:
                try:
                    value = self._results.converted(row.value)
                except Exception as error:
                    if not self._taken_by(failures, error, i, (), {"result": row.value}):
                        self._raise(error, row, i)
            values.append(value)
        return self._results.array(values)

    def _taken_by(
        self,
        failures: Failures | None,
        error: BaseException,
        number: int,
        arguments: tuple[Any, ...],
        named: Mapping[str, Any] = MappingProxyType({}),
    ) -> bool:
        """Whether the query goes on without a row."""
        if failures is None or not isinstance(error, Exception):
            return False
        return failures.take(error, number, arguments, named)

    def _raise(self, error: BaseException, row: Row, number: int) -> None:
        position = Position(TaskPlace.here().partition)
        function = self._function.function
        detail = Detail((function,), number, row.arguments or None)
        with suppress(Exception):  # The error is more important than what is said of it.
            add_note(error, note_of(error, [function], position, detail))
        raise error


def by_setting(function: Function) -> Policy | None:
    """What the session says of a function's errors."""
    from pyspark import TaskContext

    context = TaskContext.get()
    if context is None:
        return None
    setting: Callable[[str], str | None] = context.getLocalProperty
    if not setting(ON_ERROR_KEY):
        return None
    policy, _ = chosen(function.function, setting)
    return None if policy is None or policy.on_error == RAISE else policy
