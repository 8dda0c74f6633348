"""Functions of NumPy arrays (`hydrofoil.numpy_udf`) over numbers: frame to array to frame.

They are scalar Arrow UDFs whose function says that it takes arrays. Where a batch's columns are
numbers without nulls, arguments are views of the frame's body and results are written from where
they lie. Any other batch goes through the function as stock calls it, which converts by pyarrow.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil._cext.arrays.read import NumberReader
from hydrofoil._cext.arrays.write import BorrowedWriter
from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import Frame
from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.stream.batches import Batch, Encoded
from hydrofoil.stream.schemas import parsed

# The attribute of a function that takes arrays. It has two more: `function`, over NumPy arrays, and
# `result`, which makes a column of what that returns.
TAKES_NUMPY = "takes_numpy"

_NUMBERS = {
    "c": "int8",
    "s": "int16",
    "i": "int32",
    "l": "int64",
    "f": "float32",
    "g": "float64",
}


class NumpyCall:
    """One such function in a task.

    Parameters
    ----------
    guarded : callable
        What the decorator made.
    function : callable
        Its function over arrays, guarded as stock guards functions.
    arguments, keywords
        Offsets of the columns.
    """

    def __init__(
        self,
        guarded: Any,
        function: Callable[..., Any],
        arguments: list[int],
        keywords: dict[str, int],
    ) -> None:
        self.function = function
        self.arguments = list(arguments)
        self.keywords = dict(keywords)
        self.result = guarded.result
        # What can be written from where it lies.
        plain = self.result.dtype is not None and self.result.dtype.kind in "if"
        self.dtype = self.result.dtype if plain and not self.result.nan_is_null else None
        self.writer = BorrowedWriter()

    def __call__(self, arrays: dict[int, Any]) -> Any:
        values = [arrays[o] for o in self.arguments]
        if self.keywords:
            return self.function(*values, **{k: arrays[o] for k, o in self.keywords.items()})
        return self.function(*values)

    def lies_as_written(self, result: Any, rows: int) -> bool:
        """Whether a result's memory is what the column's has to be."""
        return (
            type(result) is np.ndarray
            and result.dtype == self.dtype
            and result.shape == (rows,)
            and result.flags.c_contiguous
        )


class NumpyScalar:
    """All UDFs of one projection, run over a task's batches.

    Parameters
    ----------
    calls : list of NumpyCall
    stock : callable
        Stock's function for the task.
    schema : pyarrow.Schema
        Of the answer.
    """

    def __init__(
        self,
        calls: list[NumpyCall],
        stock: Callable[[int, Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
        schema: pa.Schema,
        *,
        trace: TaskTrace,
    ) -> None:
        self.calls = calls
        self.stock = stock
        self.schema = schema
        self.trace = trace
        self.columns = Columns()
        self.offsets = sorted(
            {o for call in calls for o in (*call.arguments, *call.keywords.values())}
        )
        self._message: bytes | None = None

    def __call__(
        self, split_index: int, batches: Iterable[Batch]
    ) -> Iterator[Encoded | pa.RecordBatch]:
        try:
            for batch in batches:
                arrays = self._arrays(batch) if type(batch) is Frame else "not a plain batch"
                if isinstance(arrays, str):
                    [answer] = self.stock(split_index, iter([self.columns(batch)]))
                    self.trace.fell_back(arrays)
                else:
                    answer = self._answer(arrays, batch.length)
                yield answer
        finally:
            self.trace.publish()

    def _arrays(self, frame: Frame) -> dict[int, Any] | str:
        """The columns; or, where pyarrow has to convert them, why."""
        if frame.schema_message is not self._message:
            self._prepare(frame.schema_message)
        if not self._readers:
            return "arguments that are no numbers"
        if frame.compressed:
            return "a compressed batch"
        try:
            bind_frame(frame, self._views)
            arrays = {}
            for o in self.offsets:
                view = self._views[o]
                if view.null_count:
                    return "arguments with nulls"
                arrays[o] = self._readers[o].read(view)
            return arrays
        except ValueError:  # pyarrow says what is wrong with the frame.
            return "a batch that can't be read"
        finally:
            for view in self._views:
                view.release()

    def _prepare(self, message: bytes) -> None:
        self._message = message
        self._readers: dict[int, NumberReader] = {}
        self._views: list[ColumnView] = []
        schema = parsed(message)
        try:
            self._views = [ColumnView.of_type(kind) for kind in schema.types]
        except UnsupportedLayout:
            return
        if all(self._views[o].format in _NUMBERS for o in self.offsets):
            self._readers = {o: NumberReader(_NUMBERS[self._views[o].format]) for o in self.offsets}

    def _answer(self, arrays: dict[int, Any], rows: int) -> Encoded | pa.RecordBatch:
        results = [call(arrays) for call in self.calls]
        if all(
            call.lies_as_written(result, rows)
            for call, result in zip(self.calls, results, strict=True)
        ):
            for call, result in zip(self.calls, results, strict=True):
                call.writer.take(result, rows)
            self.trace.fast()
            return Encoded([call.writer for call in self.calls], rows)
        columns = [c.result(r, rows) for c, r in zip(self.calls, results, strict=True)]
        self.trace.fell_back("results that are no array of the declared type's numbers")
        columns = [
            # Strings may be declared to have large offsets.
            column if column.type == field.type else column.cast(field.type)
            for column, field in zip(columns, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)
