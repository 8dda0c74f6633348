"""Scalar Arrow UDFs and their iterator form: stock's own function over batches made of frames.

What stock does between the batch and the function is already little; what it pays for is reading
and writing the streams.
"""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.stream.batches import Batch


class ArrowScalar:
    """All UDFs of one projection, run over a task's batches.

    Parameters
    ----------
    stock : callable
        Stock's function for this task.
    """

    def __init__(
        self,
        stock: Callable[[int, Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
        *,
        trace: TaskTrace,
    ) -> None:
        self.stock = stock
        self.columns = Columns()
        self.trace = trace

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[pa.RecordBatch]:
        try:
            for result in self.stock(split_index, map(self.columns, batches)):
                self.trace.fast()
                yield result
        finally:
            self.trace.publish()
