"""Pickled row UDFs (SQL_BATCHED_UDF): a fused loop over each unpickled batch of rows.

Nothing is declined here: arguments are what the JVM pickled and results are pickled as they are, so
there is only the calling to speed up. Errors come from the same calls in the same order as stock's.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from hydrofoil._cext.rows import PickledLoop
from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.udf import Udf
from hydrofoil.failures.place import Detail, detail_of
from hydrofoil.reports.refusal import guarded


class PickledProjection:
    """All UDFs of one projection, run over a task's batches of rows.

    Parameters
    ----------
    udfs : list of Udf
        In the order of the output's columns.
    batch_size : int
        Rows in a batch that goes back to the JVM.
    run : callable
        Calls what it is given, turning StopIteration into what stock makes of it.
    """

    def __init__(
        self,
        udfs: list[Udf],
        batch_size: int,
        *,
        run: Callable[[Callable[[], Any]], Any],
        trace: TaskTrace,
    ) -> None:
        convert = [
            guarded(udf.chain[-1], udf.return_type.toInternal)
            if udf.return_type.needConversion()
            else None
            for udf in udfs
        ]
        self.udfs = udfs
        # What is known of the call that has raised.
        self.failed: Detail | None = None
        self.loop = PickledLoop([udf.call() for udf in udfs], convert)
        self.batch_size = batch_size
        self.run = run
        self.trace = trace
        for udf in udfs:
            trace.udfs.append(UdfTrace(udf.name, f" -> {udf.return_type.simpleString()}", "fast"))

    def __call__(self, split_index: int, batches: Iterable[list[Any]]) -> Iterator[list[Any]]:
        pending: list[Any] = []
        try:
            for rows in batches:
                try:
                    self.run(partial(self.loop.evaluate, rows, pending))
                except BaseException:
                    self.failed = detail_of(partial(self._detail, rows))
                    raise
                self.trace.fast()
                while len(pending) >= self.batch_size:
                    yield pending[: self.batch_size]
                    pending = pending[self.batch_size :]
            if pending:
                yield pending
        finally:
            self.trace.publish()

    def _detail(self, rows: list[Any]) -> Detail:
        udf, values = self.udfs[self.loop.udf], rows[self.loop.row]
        arguments = tuple(values[offset] for offset in udf.offsets)
        return Detail(udf.chain, self.loop.row, arguments, tuple(udf.keywords))
