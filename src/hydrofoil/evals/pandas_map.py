"""Functions from an iterator of data frames to another (SQL_MAP_PANDAS_ITER_UDF)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.udf import Udf
from hydrofoil.evals.vectorized import FramesPlan
from hydrofoil.stream.batches import Batch
from hydrofoil.values.dataframes.inputs import TaskInputs
from hydrofoil.values.dataframes.stock import StockPandas


class MapPandas(FramesPlan):
    """mapInPandas: input batches become data frames as they are asked for.

    Parameters
    ----------
    called : callable
        (split index, iterator of data frames) -> an iterator of what the function returns for them,
        under stock's checks; the function is called when the first result is asked for, or before.
    """

    def __init__(
        self,
        udf: Udf,
        stock: StockPandas,
        trace: TaskTrace,
        *,
        called: Callable[[int, Iterator[Any]], Iterator[Any]],
    ) -> None:
        super().__init__(udf, stock, trace, names_verified=True)
        self.called = called
        self.inputs = TaskInputs(stock, frame_of_struct=True)

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[Any]:
        # The function is called once, so all batches are one group.
        return super().__call__(split_index, [batches])

    def _results(self, split_index: int, batches: Iterable[Batch]) -> Iterator[Any]:
        return self.called(split_index, map(self._frame, batches))

    def _frame(self, batch: Batch) -> Any:
        columns, reason = self.inputs.series(batch, [0])
        if not reason:
            return columns[0]
        self.trace.fell_back(reason)
        return self.stock.all_series(self.inputs.record_batch(batch))[0]
