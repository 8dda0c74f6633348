"""What the plans of vectorized and grouped functions share: their columns, and combined output."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.udf import Udf
from hydrofoil.failures.place import Detail
from hydrofoil.stream.batches import MOST_ROWS, MOST_SECONDS, Encoded
from hydrofoil.values.dataframes.reasons import why_stock
from hydrofoil.values.dataframes.results import FrameResults
from hydrofoil.values.dataframes.stock import StockPandas

# Data frames that are written together have no more bytes than this and one frame's.
MOST_BYTES = 4 << 20


class Combined:
    """Data frames that were returned and are not written yet, as rows of one record batch."""

    def __init__(self, results: FrameResults) -> None:
        self.results = results
        self.since = 0.0

    @property
    def pending(self) -> bool:
        """Whether there are rows to be written."""
        return self.results.rows > 0

    def add(self, frame: Any) -> bool:
        """Append a data frame; False, and nothing, if stock has to convert it."""
        if self.results.rows == 0:
            self.since = monotonic()
        return self.results.add(frame)

    @property
    def due(self) -> bool:
        """Whether the rows should be written now."""
        return (
            self.results.rows >= MOST_ROWS
            or monotonic() - self.since >= MOST_SECONDS
            or self.results.nbytes() >= MOST_BYTES
        )

    def batch(self) -> Encoded:
        """The rows as a record batch, which lasts until `forget`."""
        return Encoded([self.results.column], self.results.finish())

    def forget(self) -> None:
        """Begin the next record batch."""
        self.results.clear()


class FromStock:
    """A record batch that stock's code made for a whole group."""

    __slots__ = ("batch",)

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch


class FramesPlan(ABC):
    """What functions that return data frames have in common: what becomes of the frames.

    They are combined to record batches; what is not exactly as declared is stock's to convert.

    Parameters
    ----------
    names_verified : bool
        As for `FrameResults`.
    """

    def __init__(
        self, udf: Udf, stock: StockPandas, trace: TaskTrace, *, names_verified: bool = False
    ) -> None:
        self.udf = udf
        self.stock = stock
        self.trace = trace
        # What is known of the call that has raised.
        self.failed: Detail | None = None
        self.combined = Combined(
            FrameResults(udf.return_type, stock, names_verified=names_verified)
        )

    def __call__(self, split_index: int, groups: Iterable[Any]) -> Iterator[Any]:
        combined = self.combined
        try:
            for group in groups:
                try:
                    for result in self._results(split_index, group):
                        if combined.add(result):
                            self.trace.fast()
                            if not combined.due:
                                continue
                            converted = None
                        elif isinstance(result, FromStock):
                            converted = result.batch
                        else:
                            self.trace.fell_back(why_stock([result], [self.udf.return_type]))
                            self.stock.verify(result)
                            converted = self.stock.to_arrow([result])
                        del result
                        if combined.pending:
                            yield combined.batch()
                            combined.forget()
                        if converted is not None:
                            yield converted
                        del converted
                except BaseException:
                    if combined.pending:
                        yield combined.batch()
                        combined.forget()
                    raise
            if combined.pending:
                yield combined.batch()
                combined.forget()
        finally:
            self.trace.publish()

    @abstractmethod
    def _results(self, split_index: int, group: Any) -> Iterable[Any]:
        """What the function returns for a group, or what stock makes of the group."""
