"""Functions from an iterator of data frames to another (SQL_MAP_PANDAS_ITER_UDF)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from hydrofoil._cext.frames import Frame
from hydrofoil.dataframes.inputs import InputColumns
from hydrofoil.dataframes.results import FrameResults
from hydrofoil.dataframes.stock import StockPandas, ToStock
from hydrofoil.evals.udf import Udf
from hydrofoil.evals.vectorized import Combined
from hydrofoil.trace import TaskTrace
from hydrofoil.wire import Batch


class MapPandas:
    """mapInPandas: input batches become data frames as they are asked for.

    Parameters
    ----------
    checked : callable
        Stock's checks around what the function returned: an iterator of data frames.
    """

    def __init__(
        self,
        udf: Udf,
        stock: StockPandas,
        trace: TaskTrace,
        *,
        checked: Callable[[Any], Iterator[Any]],
    ) -> None:
        self.udf = udf
        self.stock = stock
        self.trace = trace
        self.checked = checked
        self.combined = Combined(FrameResults(udf.return_type, stock, names_verified=True))
        self.inputs: InputColumns | None = None

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[Any]:
        combined = self.combined
        try:
            results = self.checked(self.udf.function(map(self._frame, batches)))
            while True:
                try:
                    result = next(results, None)
                    taken = result is None or combined.add(result)
                    converted = None if taken else self._by_stock(result)
                except BaseException:
                    if combined.pending:
                        yield combined.batch()
                        combined.forget()
                    raise
                if combined.pending and (result is None or not taken or combined.due):
                    yield combined.batch()
                    combined.forget()
                if result is None:
                    return
                if converted is not None:
                    yield converted
        finally:
            self.trace.publish()

    def _frame(self, batch: Batch) -> Any:
        if not isinstance(batch, Frame):
            self.trace.fell_back("the stream is irregular")
            return self.stock.all_series(batch)[0]
        inputs = self.inputs
        if inputs is None or inputs.schema_message is not batch.schema_message:
            inputs = self.inputs = InputColumns(
                batch.schema_message, self.stock, frame_of_struct=True
            )
        try:
            frame = inputs.series(batch, [0])[0]
            self.trace.fast()
            return frame
        except ToStock as reason:
            self.trace.fell_back(str(reason))
        # Here and not where it was caught: what stock raises has no other error before it.
        return self.stock.all_series(inputs.record_batch(batch))[0]

    def _by_stock(self, result: Any) -> pa.RecordBatch:
        self.stock.verify(result)
        return self.stock.to_arrow([result])
