"""Arrow aggregates: a group's columns, or an iterator over them, to one value a UDF.

Spark's own operator joins the first row of each batch to the next group, so each group's results
are a batch there; Hydrofoil's operator takes those of many groups in one.
"""

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.evals.arrow_results import Results
from hydrofoil.evals.udf import Udf
from hydrofoil.stream.batches import MOST_ROWS, MOST_SECONDS, Batch, Encoded


class AggregateArrow:
    """All aggregates of one projection, run over a task's groups.

    Parameters
    ----------
    udfs : list of Udf
        In the order of the output's columns; one alone if ``iterator``.
    iterator : bool
        The function takes an iterator of its arguments, one item for each batch of the group.
    """

    def __init__(
        self, udfs: list[Udf], results: Results, *, iterator: bool, trace: TaskTrace
    ) -> None:
        self.udfs = udfs
        self.results = results
        self.columns = Columns()
        self.evaluate = self._of_iterator if iterator else self._of_columns
        self.trace = trace
        # Results that are to be encoded, a list for each UDF, and when the first of them came.
        self.pending: list[list[Any]] = [[] for _ in udfs]
        self.since = 0.0

    def __call__(
        self, split_index: int, groups: Iterable[Iterable[Batch]]
    ) -> Iterator[Encoded | pa.RecordBatch]:
        pending = self.pending
        try:
            try:
                for group in groups:
                    values = self.evaluate(group)
                    if not values:
                        continue
                    if getattr(groups, "together", False) and self._keep(values):
                        if len(pending[0]) >= MOST_ROWS or monotonic() - self.since > MOST_SECONDS:
                            yield from self._kept()
                        continue
                    yield from self._kept()
                    yield self._batch(values)
            except GeneratorExit:
                raise
            except BaseException:
                yield from self._kept()
                raise
            yield from self._kept()
        finally:
            self.trace.publish()

    def _keep(self, values: list[Any]) -> bool:
        """Keep a group's results to be written with others'; False if they may not be encoded."""
        if not self.results.all_fixed:
            return False
        try:
            plain = [self.results.plain(k, value) for k, value in enumerate(values)]
        except TypeError:
            return False
        if not self.pending[0]:
            self.since = monotonic()
        for column, value in zip(self.pending, plain, strict=True):
            column.append(value)
        self.trace.fast()
        return True

    def _kept(self) -> Iterator[Encoded]:
        if self.pending[0]:
            encoded = self.results.encode(self.pending)
            if encoded is None:
                raise RuntimeError("aggregates' results were encoded differently than foreseen")
            for column in self.pending:
                column.clear()
            yield encoded

    def _of_columns(self, group: Iterable[Batch]) -> list[Any]:
        batch = whole(self.columns, group)
        return [] if batch is None else [call(udf, batch) for udf in self.udfs]

    def _of_iterator(self, group: Iterable[Batch]) -> list[Any]:
        udf = self.udfs[0]

        def arguments(batch: Batch) -> Any:
            columns = self.columns(batch)
            taken = tuple(columns.column(o) for o in udf.arguments)
            return taken[0] if len(taken) == 1 else taken

        items = map(arguments, group)
        value = udf.function(items)
        # What the function left of its group stands before the next one in the stream.
        for _ in items:
            pass
        return [value]

    def _batch(self, values: list[Any]) -> Encoded | pa.RecordBatch:
        results = self.results
        if results.all_exact:
            try:
                encoded = results.encode([[results.plain(k, v)] for k, v in enumerate(values)])
            except TypeError as reason:
                self.trace.fell_back(str(reason))
            else:
                if encoded is not None:
                    self.trace.fast()
                    return encoded
                self.trace.fell_back("a result that stock should convert")
        else:
            self.trace.fell_back("a declared type that stock should convert")
        return results.convert([pa.array([value]) for value in values])


def whole(columns: Columns, group: Iterable[Batch]) -> pa.RecordBatch | None:
    """A group's batches as one; None if there are none."""
    batches = list(map(columns, group))
    if len(batches) > 1:
        return pa.concat_batches(batches)
    return batches[0] if batches else None


def call(udf: Udf, batch: pa.RecordBatch) -> Any:
    """Call a UDF with its columns of a batch."""
    return udf.function(
        *[batch.column(o) for o in udf.arguments],
        **{name: batch.column(o) for name, o in udf.keywords.items()},
    )
