"""Arrow aggregates over windows: a value for the whole group, or one for each row's frame of rows.

The JVM takes results row by row, so those of many small groups are one batch.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_aggregate import call, whole
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.evals.arrow_results import Results
from hydrofoil.evals.udf import Udf
from hydrofoil.stream.batches import MOST_ROWS, MOST_SECONDS, Batch, Encoded


class WindowArrow:
    """All window aggregates of one projection, run over a task's groups.

    Parameters
    ----------
    udfs : list of Udf
        In the order of the output's columns. One with a bounded frame has two more arguments in
        front: the columns with each frame's first row and the row after its last.
    bounds : list of str
        For each UDF, "unbounded" or "bounded".
    unknown_bound : callable
        Makes the error for a bound that is neither.
    """

    def __init__(
        self,
        udfs: list[Udf],
        bounds: list[str],
        results: Results,
        *,
        unknown_bound: Callable[[str], Exception],
        trace: TaskTrace,
    ) -> None:
        self.udfs = udfs
        self.bounds = bounds
        self.results = results
        self.unknown_bound = unknown_bound
        self.columns = Columns()
        self.trace = trace

    def __call__(
        self, split_index: int, groups: Iterable[Iterable[Batch]]
    ) -> Iterator[Encoded | pa.RecordBatch]:
        pending: list[list[Any]] = [[] for _ in self.udfs]
        waiting = 0.0
        try:
            try:
                for group in groups:
                    batch = whole(self.columns, group)
                    if batch is None:
                        continue
                    rows = batch.num_rows
                    added = self._evaluate(batch, rows)
                    if isinstance(added, pa.RecordBatch):
                        yield from self._take(pending)
                        waiting = 0.0
                        yield added
                        continue
                    for column, more in zip(pending, added, strict=True):
                        column += more
                    now = time.monotonic()
                    waiting = waiting or now
                    if len(pending[0]) >= MOST_ROWS or now - waiting > MOST_SECONDS:
                        yield from self._take(pending)
                        waiting = 0.0
            except GeneratorExit:
                raise
            except BaseException:
                yield from self._take(pending)
                raise
            yield from self._take(pending)
        finally:
            self.trace.publish()

    def _evaluate(self, batch: pa.RecordBatch, rows: int) -> list[list[Any]] | pa.RecordBatch:
        """A group's results: values to encode for each UDF, or stock's batch of them."""
        columns: list[Any] = []
        # A value that is repeated often takes less memory as stock repeats it.
        plain = self.results.all_fixed and rows < MOST_ROWS
        for k, udf in enumerate(self.udfs):
            repeated = self.bounds[k] == "unbounded"
            result = call(udf, batch) if repeated else self._of_frames(k, batch)
            if plain:
                try:
                    columns.append(self._plain(k, result, rows))
                    continue
                except TypeError as reason:
                    self.trace.fell_back(str(reason))
                    # Known to be what pyarrow makes arrays of, as it does now of this one.
                    columns = list(map(pa.array, columns))
                    plain = False
            columns.append(pa.repeat(result, rows) if repeated else pa.array(result))
        if plain:
            self.trace.fast()
            return columns
        return self.results.convert(columns)

    def _plain(self, k: int, result: Any, rows: int) -> list[Any]:
        """The values to encode; TypeError if stock has to make an array of the results."""
        plain = self.results.plain
        if self.bounds[k] == "unbounded":
            return [plain(k, result)] * rows
        kinds = {isinstance(each, pa.Scalar) for each in result if each is not None}
        if len(kinds) > 1:
            # Of some such lists pyarrow makes no array.
            raise TypeError("results of which some are pyarrow's scalars and some are not")
        return [plain(k, each) for each in result]

    def _of_frames(self, k: int, batch: pa.RecordBatch) -> list[Any]:
        """The result of UDF ``k`` for each row's frame."""
        udf = self.udfs[k]
        if self.bounds[k] != "bounded":
            raise self.unknown_bound(self.bounds[k])
        begins = batch.column(udf.arguments[0]).to_pylist()
        ends = batch.column(udf.arguments[1]).to_pylist()
        columns = [batch.column(o) for o in udf.arguments[2:]]
        keywords = {name: batch.column(o) for name, o in udf.keywords.items()}
        function = udf.function
        results = []
        for begin, end in zip(begins, ends, strict=True):
            length = end - begin
            slices = [column.slice(begin, length) for column in columns]
            if keywords:
                named = {name: column.slice(begin, length) for name, column in keywords.items()}
                results.append(function(*slices, **named))
            else:
                results.append(function(*slices))
        return results

    def _take(self, pending: list[list[Any]]) -> Iterator[Encoded]:
        if not pending[0]:
            return
        encoded = self.results.encode(pending)
        if encoded is None:
            raise RuntimeError("a window's results were encoded differently than foreseen")
        for column in pending:
            column.clear()
        yield encoded
