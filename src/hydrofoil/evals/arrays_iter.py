"""Functions of iterators of arrays, where PySpark has only such of Series: before Spark 4.1.

What the decorator sends is a function of Series, for stock's worker. Ours calls the function within
it with the arrays as they came, so that no value takes the way through pandas.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.evals.udf import Udf
from hydrofoil.stream.batches import Batch

# The attribute of a function of Series that has one of arrays as its attribute ``function``.
OVER_ARRAYS = "over_arrays"


def is_over_arrays(udf: Udf) -> bool:
    """Whether a function of Series stands for one of arrays."""
    return len(udf.chain) == 1 and getattr(udf.chain[0], OVER_ARRAYS, False)


class ScalarArraysIter:
    """One such function over a task's batches.

    Parameters
    ----------
    function : callable
        Iterator of tuples of arrays to iterator of arrays of the declared type.
    """

    def __init__(self, udf: Udf, function: Callable[..., Any], trace: TaskTrace) -> None:
        self.udf = udf
        self.function = function
        self.trace = trace
        self.columns = Columns()
        self.taken = 0

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[pa.RecordBatch]:
        given = 0
        try:
            for array in self.function(map(self._arguments, batches)):
                given += len(array)
                if given > self.taken:
                    break
                self.trace.fast()
                yield pa.RecordBatch.from_arrays([array], ["_0"])
            if given != self.taken:
                raise ValueError(
                    f"{self.udf.name}() has returned {given:,} rows for {self.taken:,}; it has to "
                    "return one for each"
                )
        finally:
            self.trace.publish()

    def _arguments(self, batch: Batch) -> tuple[Any, ...]:
        made = self.columns(batch)
        self.taken += made.num_rows
        return tuple(made.column(o) for o in self.udf.arguments)
