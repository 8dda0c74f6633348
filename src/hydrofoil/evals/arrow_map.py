"""mapInArrow: an iterator of record batches to an iterator of record batches."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.stream.batches import Batch


class ArrowMap:
    """One function over all batches of a task.

    Parameters
    ----------
    function : callable
        The user's, taking and returning an iterator.
    flatten : callable
        Stock's ``flatten_struct``.
    verify : callable
        Stock's check of what the function returns: object -> iterator of record batches, which
        raises at the object or at the item that is something else.
    any_iterable : bool
        Accept every object that can be iterated over, not iterators alone.
    """

    def __init__(
        self,
        function: Callable[[Iterator[pa.RecordBatch]], Any],
        *,
        flatten: Callable[[pa.RecordBatch], pa.RecordBatch],
        verify: Callable[[Any], Iterator[pa.RecordBatch]],
        any_iterable: bool,
        trace: TaskTrace,
    ) -> None:
        self.function = function
        self.columns = Columns(flatten=flatten)
        self.verify = verify
        self.any_iterable = any_iterable
        self.trace = trace

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[pa.RecordBatch]:
        try:
            results = self.function(map(self.columns, batches))
            if self.any_iterable and not isinstance(results, Iterator):
                # Where there is none, `verify` says so in stock's words.
                with suppress(TypeError):
                    results = iter(results)
            for result in self.verify(results):
                self.trace.fast()
                yield result
        finally:
            self.trace.publish()
