"""applyInArrow: groups to tables or iterators of record batches, and pairs of groups to tables.

Results leave as the record batches that the user made, checked against the declared type as stock
checks them; the writer puts them into the struct that the JVM expects, many small ones together.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.failures.place import Detail, detail_of
from hydrofoil.stream.batches import Batch

Key = tuple[pa.Scalar, ...]
Flatten = Callable[[pa.RecordBatch], pa.RecordBatch]


class Checks(Protocol):
    """Checks of what functions return; results leave as they say."""

    def of_table(self, result: Any) -> pa.Table:
        """The result of a function that returns a table."""

    def of_batches(self, results: Any) -> Iterator[pa.RecordBatch]:
        """The results of a function that returns an iterator, each when it is asked for."""


class Verify:
    """Checks of results: a look at what they usually are, then stock's own code.

    Parameters
    ----------
    schema : pyarrow.Schema
        The declared type.
    table, batches : callable
        Stock's check of what a function returns, which raises if it is no table or no iterator of
        record batches.
    enforce : callable
        Stock's ``enforce_schema`` with this task's configuration: (batch or table, schema) -> same.
    """

    def __init__(
        self,
        schema: pa.Schema,
        *,
        table: Callable[[Any], pa.Table],
        batches: Callable[[Any], Iterator[pa.RecordBatch]],
        enforce: Callable[[Any, pa.Schema], Any],
    ) -> None:
        self.schema = schema
        self.table = table
        self.batches = batches
        self.enforce = enforce

    def of_table(self, result: Any) -> pa.Table:
        """The result of a function that returns a table."""
        if not isinstance(result, pa.Table):
            self.table(result)
        return result if result.schema.equals(self.schema) else self.enforce(result, self.schema)

    def of_batches(self, results: Any) -> Iterator[pa.RecordBatch]:
        """The results of a function that returns an iterator, each when it is asked for."""
        if not isinstance(results, Iterator):
            self.batches(results)
        for result in results:
            if not isinstance(result, pa.RecordBatch):
                next(self.batches(iter([result])))
            if result.schema.equals(self.schema):
                yield result
            else:
                yield self.enforce(result, self.schema)


class GroupedArrow:
    """One function over all groups of a task.

    Parameters
    ----------
    function : callable
        The user's: (values) or (key, values).
    keys, values : sequences of int
        Offsets of the columns.
    with_key : bool
        The function takes the key.
    iterator : bool
        Values and results are iterators of record batches, not tables.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        keys: Sequence[int],
        values: Sequence[int],
        *,
        with_key: bool,
        iterator: bool,
        flatten: Flatten,
        verify: Checks,
        trace: TaskTrace,
    ) -> None:
        self.function = function
        self.keys = Columns(keys, flatten)
        self.values = Columns(values, flatten)
        self.with_key = with_key
        self.evaluate = self._batches if iterator else self._table
        self.verify = verify
        self.trace = trace
        # What is known of the call that has raised.
        self.failed: Detail | None = None

    def __call__(
        self, split_index: int, groups: Iterable[Iterable[Batch]]
    ) -> Iterator[pa.RecordBatch]:
        evaluate, fast = self.evaluate, self.trace.fast
        try:
            for group in groups:
                yield from evaluate(iter(group))
                fast()
        finally:
            self.trace.publish()

    def _key(self, batch: Batch) -> Key:
        return tuple(column[0] for column in self.keys(batch).columns)

    def _table(self, group: Iterator[Batch]) -> Iterable[pa.RecordBatch]:
        first = next(group)
        table = pa.Table.from_batches(list(map(self.values, chain((first,), group))))
        key = (self._key(first),) if self.with_key else ()
        try:
            result = self.function(*key, table)
            batches: list[pa.RecordBatch] = self.verify.of_table(result).to_batches()
        except BaseException:
            self.failed = detail_of(lambda: Detail(key=_values(self._key(first)), rows=len(table)))
            raise
        return batches

    def _batches(self, group: Iterator[Batch]) -> Iterator[pa.RecordBatch]:
        first = next(group)
        batches = (self.values(batch) for batch in chain((first,), group))
        key = (self._key(first),) if self.with_key else ()
        try:
            result = self.function(*key, batches)
            yield from self.verify.of_batches(result)
        except BaseException:
            self.failed = detail_of(lambda: Detail(key=_values(self._key(first))))
            raise
        # What the function left of its group stands before the next one in the stream.
        for _ in batches:
            pass


class CogroupedArrow:
    """One function over all pairs of groups of a task.

    Parameters
    ----------
    function : callable
        The user's: (left, right) or (key, left, right).
    left, right : pairs of sequences of int
        Offsets of each side's key and value columns.
    with_key : bool
        The function takes the key.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        left: tuple[Sequence[int], Sequence[int]],
        right: tuple[Sequence[int], Sequence[int]],
        *,
        with_key: bool,
        verify: Checks,
        trace: TaskTrace,
    ) -> None:
        self.function = function
        self.left_keys, self.left = map(Columns, left)
        self.right_keys, self.right = map(Columns, right)
        self.with_key = with_key
        self.verify = verify
        self.trace = trace
        # What is known of the call that has raised.
        self.failed: Detail | None = None

    def __call__(
        self, split_index: int, pairs: Iterable[tuple[list[Batch], list[Batch]]]
    ) -> Iterator[pa.RecordBatch]:
        try:
            for left_batches, right_batches in pairs:
                left = pa.Table.from_batches(list(map(self.left, left_batches)))
                right = pa.Table.from_batches(list(map(self.right, right_batches)))
                try:
                    key = (self._key(left_batches, right_batches),) if self.with_key else ()
                    result = self.verify.of_table(self.function(*key, left, right))
                except BaseException:
                    self.failed = detail_of(partial(self._detail, left_batches, right_batches))
                    raise
                yield from result.to_batches()
                self.trace.fast()
        finally:
            self.trace.publish()

    def _detail(self, left: list[Batch], right: list[Batch]) -> Detail:
        return Detail(key=_values(self._key(left, right)))

    def _key(self, left: list[Batch], right: list[Batch]) -> Key:
        keys = pa.Table.from_batches(list(map(self.left_keys, left)))
        if keys.num_rows == 0:
            keys = pa.Table.from_batches(list(map(self.right_keys, right)))
        return tuple(column[0] for column in keys.columns)


def _values(key: Key) -> tuple[Any, ...] | None:
    return tuple(scalar.as_py() for scalar in key) or None
