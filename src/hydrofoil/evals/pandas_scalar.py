"""Scalar functions of Series (SQL_SCALAR_PANDAS_UDF, SQL_SCALAR_PANDAS_ITER_UDF)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from hydrofoil._cext.frames import Frame
from hydrofoil._cext.rows import Replay
from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.udf import Udf
from hydrofoil.stream.batches import Batch, Encoded
from hydrofoil.values.dataframes.inputs import TaskInputs
from hydrofoil.values.dataframes.reasons import why_stock
from hydrofoil.values.dataframes.results import ColumnResults, FrameResults
from hydrofoil.values.dataframes.stock import StockPandas


def is_struct(spark_type: Any) -> bool:
    """Whether a type is a struct, whose values are data frames."""
    return type(spark_type).__name__ == "StructType"


class ScalarPandas:
    """All functions of one projection, each called once for each record batch.

    Parameters
    ----------
    udfs : list of Udf
        In the order of the output's columns.
    replays : list of Replay
        What stock's function for the task calls in their place.
    """

    def __init__(
        self,
        udfs: list[Udf],
        replays: list[Replay],
        stock: StockPandas,
        trace: TaskTrace,
    ) -> None:
        self.udfs = udfs
        self.replays = replays
        self.stock = stock
        self.trace = trace
        self.results = ColumnResults([udf.return_type for udf in udfs], stock)
        self.structs = [
            FrameResults(udf.return_type, stock) if is_struct(udf.return_type) else None
            for udf in udfs
        ]
        self.offsets = sorted({o for udf in udfs for o in udf.offsets})
        self.inputs = TaskInputs(stock, frame_of_struct=True)

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[Any]:
        try:
            for batch in batches:
                yield self._evaluate(split_index, batch)
        finally:
            self.trace.publish()

    def _evaluate(self, split_index: int, batch: Batch) -> Encoded | pa.RecordBatch:
        columns, reason = self.inputs.series(batch, self.offsets)
        if reason:
            self.trace.fell_back(reason)
            record_batch = self.inputs.record_batch(batch)
            return next(self.stock.pipeline(split_index, iter([record_batch])))
        results: list[Any] = []
        for udf in self.udfs:
            result = udf.call_columns(columns)
            results.append(result)
            if not _plausible(result, udf, batch.length):
                self._raise_by_stock(split_index, self.inputs.record_batch(batch), results)
        encoded = self._encoded(results, batch.length)
        if encoded is not None:
            self.trace.fast()
            return encoded
        self.trace.fell_back(why_stock(results, self.results.return_types))
        return self.stock.to_arrow(results)

    def _encoded(self, results: list[Any], rows: int) -> Encoded | None:
        encoders: list[Any] = []
        for k, (result, frames) in enumerate(zip(results, self.structs, strict=True)):
            if frames is None:
                if not self.results.take_column(k, result):
                    return None
                encoders.append(self.results.writers[k])
                continue
            frames.clear()
            if not frames.add(result):
                return None
            frames.finish()
            encoders.append(frames.column)
        return Encoded(encoders, rows)

    def _raise_by_stock(self, split_index: int, batch: pa.RecordBatch, results: list[Any]) -> None:
        """Have stock judge the last result, as the function's answer in its own code."""
        for replay, result in zip(self.replays, results, strict=False):
            replay.load([result])
        try:
            next(self.stock.pipeline(split_index, iter([batch])))
        finally:
            for replay in self.replays:
                replay.load([])
        raise AssertionError(f"stock has no objection to a {type(results[-1]).__name__}")


def _plausible(result: Any, udf: Udf, rows: int) -> bool:
    """Whether stock would go on to convert the result."""
    if type(result) is pd.Series and not is_struct(udf.return_type):
        return len(result) == rows
    if not hasattr(result, "__len__") or len(result) != rows:
        return False
    return isinstance(result, pd.DataFrame) or not is_struct(udf.return_type)


class _IterColumns:
    """Arguments and results of one function from an iterator of batches to one of results."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        self.udf = udf
        self.stock = stock
        self.trace = trace
        self.results = ColumnResults([udf.return_type], stock)
        self.frames = (
            FrameResults(udf.return_type, stock, names_verified=True)
            if is_struct(udf.return_type)
            else None
        )
        self.inputs = TaskInputs(stock, frame_of_struct=True)
        self.offsets = sorted(set(udf.arguments))
        # Batches that stock read, whose results are not counted once more.
        self.left = 0

    def _columns(self, batch: Batch) -> dict[int, Any]:
        """What the function is given of each of its columns, by offset."""
        columns, reason = self.inputs.series(batch, self.offsets)
        if not reason:
            return columns
        self.trace.fell_back(reason)
        self.left += 1
        return dict(enumerate(self.stock.all_series(self.inputs.record_batch(batch))))

    def _output(self, result: Any) -> Any:
        if self.frames is not None:
            self.frames.clear()
            if self.frames.add(result):
                self._count("")
                return Encoded([self.frames.column], self.frames.finish())
        elif self.results.take_column(0, result):
            self._count("")
            return Encoded(self.results.writers, len(result))
        self._count(why_stock([result], [self.udf.return_type]))
        self.stock.verify(result)
        return self.stock.to_arrow([result])

    def _count(self, reason: str) -> None:
        if self.left:
            self.left -= 1
        elif reason:
            self.trace.fell_back(reason)
        else:
            self.trace.fast()


class ScalarPandasIter(_IterColumns):
    """One function from an iterator of batches to an iterator of results.

    Parameters
    ----------
    checked : callable
        Stock's checks around the results: (iterator of results) -> the same, raising where an item
        is not of the declared kind.
    counted : callable
        Stock's checks of the number of rows: (iterator of outputs, function that tells how many
        rows have come in) -> the same iterator.
    exhausted : callable
        Stock's check that the function has read all of its input.
    """

    def __init__(
        self,
        udf: Udf,
        stock: StockPandas,
        trace: TaskTrace,
        *,
        checked: Callable[[Any], Iterator[Any]],
        counted: Callable[[Iterator[Any], Callable[[], int]], Iterator[Any]],
        exhausted: Callable[[Iterator[Any]], None],
    ) -> None:
        super().__init__(udf, stock, trace)
        self.checked = checked
        self.counted = counted
        self.exhausted = exhausted
        self.rows = 0

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[Any]:
        try:
            arguments = map(self._arguments, batches)
            results = self.checked(self.udf.function(arguments))
            yield from self.counted(map(self._output, results), lambda: self.rows)
            self.exhausted(arguments)
        finally:
            self.trace.publish()

    def _arguments(self, batch: Batch) -> Any:
        columns = self._columns(batch)
        self.rows += batch.length if isinstance(batch, Frame) else batch.num_rows
        arguments = tuple([columns[o] for o in self.udf.arguments])
        return arguments[0] if len(arguments) == 1 else arguments


class ScalarPandasIterCalled(_IterColumns):
    """As `ScalarPandasIter`, where stock's code calls the function and checks before it converts.

    Parameters
    ----------
    called : callable
        (split index, iterator of batches' columns by offset) -> an iterator of what the function
        returns for them, under all of stock's checks.
    """

    def __init__(
        self,
        udf: Udf,
        stock: StockPandas,
        trace: TaskTrace,
        *,
        called: Callable[[int, Iterator[Any]], Iterator[Any]],
    ) -> None:
        super().__init__(udf, stock, trace)
        self.called = called

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[Any]:
        try:
            yield from map(self._output, self.called(split_index, map(self._columns, batches)))
        finally:
            self.trace.publish()
