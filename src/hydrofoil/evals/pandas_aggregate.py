"""Functions from Series to a value: grouped aggregates, and aggregates over windows.

(SQL_GROUPED_AGG_PANDAS_UDF, SQL_GROUPED_AGG_PANDAS_ITER_UDF, SQL_WINDOW_AGG_PANDAS_UDF)

Spark's own operator takes one row of each record batch of a grouped aggregate's answer, so groups
are combined there only for Hydrofoil's operator; rows of windows always are.
"""

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any

import pandas as pd
import pyarrow as pa

from hydrofoil.counts.task_trace import FAST, TaskTrace
from hydrofoil.evals.udf import Udf
from hydrofoil.evals.vectorized import MOST_BYTES
from hydrofoil.stream.batches import MOST_ROWS, MOST_SECONDS, Batch, Encoded
from hydrofoil.values.dataframes.inputs import TaskInputs
from hydrofoil.values.dataframes.reasons import why_stock
from hydrofoil.values.dataframes.results import ColumnResults
from hydrofoil.values.dataframes.stock import StockPandas, ToStock


class Group:
    """A group's columns as Series."""

    def __init__(self, udfs: list[Udf], stock: StockPandas) -> None:
        self.offsets = sorted({o for udf in udfs for o in udf.offsets})
        self.inputs = TaskInputs(stock)

    def series(self, batches: list[Batch]) -> tuple[dict[int, Any], str]:
        """The columns that functions are given, by offset; or none, and why stock makes them.

        No error is on its way when this returns, so what stock raises then comes alone.
        """
        try:
            inputs, chunks = self.inputs.chunks(batches)
        except ToStock as reason:
            return {}, str(reason)
        return {o: inputs.group_series(chunks, o) for o in self.offsets}, ""

    def record_batches(self, batches: list[Batch]) -> Iterator[pa.RecordBatch]:
        """The batches as stock reads them."""
        return map(self.inputs.record_batch, batches)


class Answer:
    """Rows of aggregates that are encoded and not written yet.

    Parameters
    ----------
    return_types : list
        The declared type of each column.
    """

    def __init__(self, return_types: list[Any], stock: StockPandas) -> None:
        self.results = ColumnResults(return_types, stock)
        self.rows = 0
        self.since = 0.0

    def add(self, values: list[Any]) -> bool:
        """Append a group's row; False, and nothing, if stock has to convert it."""
        if not self.rows:
            self.since = monotonic()
        if not self.results.add_values(values):
            return False
        self.rows += 1
        return True

    def due(self, groups: Any) -> bool:
        """Whether the rows should be written now, for those who take ``groups``' answers."""
        return (
            not getattr(groups, "together", False)
            or self.rows >= MOST_ROWS
            or monotonic() - self.since >= MOST_SECONDS
            or self.results.nbytes() >= MOST_BYTES
        )

    def written(self) -> Iterator[Encoded]:
        """The rows, if there are any, as a record batch that lasts until the next is asked for."""
        if self.rows:
            yield Encoded(self.results.writers, self.rows)
            self.results.clear()
            self.rows = 0


class AggregatePandas:
    """Grouped aggregates: each function is called once a group."""

    def __init__(self, udfs: list[Udf], stock: StockPandas, trace: TaskTrace) -> None:
        self.udfs = udfs
        self.stock = stock
        self.trace = trace
        self.group = Group(udfs, stock)
        self.answer = Answer([udf.return_type for udf in udfs], stock)

    def __call__(self, split_index: int, groups: Iterable[Iterator[Batch]]) -> Iterator[Any]:
        answer = self.answer
        try:
            try:
                for group in groups:
                    batches = list(group)
                    if not batches:
                        continue
                    columns, reason = self.group.series(batches)
                    if reason:
                        self.trace.fell_back(reason)
                        yield from answer.written()
                        record_batches = self.group.record_batches(batches)
                        yield from self.stock.pipeline(split_index, iter([record_batches]))
                        continue
                    del batches
                    values = [udf.call_columns(columns) for udf in self.udfs]
                    del columns
                    if answer.add(values):
                        self.trace.fast()
                        if answer.due(groups):
                            yield from answer.written()
                    else:
                        types = [udf.return_type for udf in self.udfs]
                        self.trace.fell_back(why_stock(values, types))
                        yield from answer.written()
                        yield self.stock.to_arrow([pd.Series([value]) for value in values])
            except GeneratorExit:
                raise
            except BaseException:
                yield from answer.written()
                raise
            yield from answer.written()
        finally:
            self.trace.publish()


class AggregatePandasIter:
    """The iterator form: the function is given a group's batches one by one."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        self.udf = udf
        self.stock = stock
        self.trace = trace
        self.group = Group([udf], stock)
        self.answer = Answer([udf.return_type], stock)
        # Batches of the group that stock has had no part in so far.
        self.read = 0

    def __call__(self, split_index: int, groups: Iterable[Iterator[Batch]]) -> Iterator[Any]:
        answer = self.answer
        try:
            try:
                for group in groups:
                    self.read = 0
                    arguments = map(self._arguments, group)
                    value = self.udf.function(arguments)
                    # What the function did not read is still to be taken from the stream.
                    for _ in arguments:
                        pass
                    if answer.add([value]):
                        self._count(FAST)
                        if answer.due(groups):
                            yield from answer.written()
                    else:
                        self._count(why_stock([value], [self.udf.return_type]))
                        yield from answer.written()
                        yield self.stock.to_arrow([pd.Series([value])])
            except GeneratorExit:
                raise
            except BaseException:
                yield from answer.written()
                raise
            yield from answer.written()
        finally:
            self.trace.publish()

    def _count(self, outcome: str) -> None:
        if self.read:
            self.trace.batches[outcome] += self.read

    def _arguments(self, batch: Batch) -> Any:
        columns, reason = self.group.series([batch])
        if not reason:
            self.read += 1
        else:
            self.trace.fell_back(reason)
            columns = dict(enumerate(self.stock.all_series(self.group.inputs.record_batch(batch))))
        arguments = tuple([columns[o] for o in self.udf.arguments])
        return arguments[0] if len(arguments) == 1 else arguments


class WindowPandas:
    """Aggregates over windows: each function is called once for each window of a group.

    Parameters
    ----------
    bounds : list of str
        For each function "bounded" or "unbounded". The first two columns of a bounded one are the
        first row of each row's window and the row after its last.
    """

    def __init__(
        self,
        udfs: list[Udf],
        bounds: list[str],
        stock: StockPandas,
        trace: TaskTrace,
    ) -> None:
        self.udfs = udfs
        self.bounds = bounds
        self.stock = stock
        self.trace = trace
        self.group = Group(udfs, stock)
        self.results = ColumnResults([udf.return_type for udf in udfs], stock)
        self.rows = 0
        self.since = 0.0

    def __call__(self, split_index: int, groups: Iterable[Iterator[Batch]]) -> Iterator[Any]:
        try:
            for group in groups:
                batches = list(group)
                if not batches:
                    continue
                columns, reason = self._columns(batches)
                if reason:
                    self.trace.fell_back(reason)
                    yield from self._written()
                    record_batches = self.group.record_batches(batches)
                    yield from self.stock.pipeline(split_index, iter([record_batches]))
                    continue
                rows = sum([batch.length for batch in batches])
                del batches
                try:
                    done = self._evaluate(columns, rows)
                except BaseException:
                    yield from self._written()
                    raise
                del columns
                if self._add(done, rows):
                    self.trace.fast()
                    if self.rows >= MOST_ROWS or monotonic() - self.since >= MOST_SECONDS:
                        yield from self._written()
                else:
                    self.trace.fell_back(
                        why_stock([result.sample for result in done], self.results.return_types)
                    )
                    yield from self._written()
                    yield self.stock.to_arrow([result.series(rows) for result in done])
            yield from self._written()
        finally:
            self.trace.publish()

    def _written(self) -> Iterator[Encoded]:
        if self.rows:
            yield Encoded(self.results.writers, self.rows)
            self.results.clear()
            self.rows = 0

    def _add(self, done: list["Windowed"], rows: int) -> bool:
        if not self.rows:
            self.since = monotonic()
        for k, result in enumerate(done):
            if not result.write(self.results, k, rows):
                self.results.truncate(self.rows)
                return False
        self.rows += rows
        return True

    def _columns(self, batches: list[Batch]) -> tuple[dict[int, Any], str]:
        if not {"bounded", "unbounded"}.issuperset(self.bounds):
            return {}, f"unknown kinds of windows: {self.bounds}"
        return self.group.series(batches)

    def _evaluate(self, columns: dict[int, Any], rows: int) -> list["Windowed"]:
        done: list[Windowed] = []
        for udf, bound in zip(self.udfs, self.bounds, strict=True):
            if bound == "bounded":
                done.append(ForEachRow(_over_windows(udf, columns, rows)))
            else:
                done.append(ForAllRows(udf.call_columns(columns)))
        return done


def _over_windows(udf: Udf, columns: dict[int, Any], rows: int) -> list[Any]:
    first, last, *arguments = udf.arguments
    begins, ends = columns[first].values, columns[last].values
    positional = [columns[o] for o in arguments]
    named = {name: columns[o] for name, o in udf.keywords.items()}
    function: Callable[..., Any] = udf.function
    results = []
    for i in range(rows):
        begin, end = begins[i], ends[i]
        windows = [series.iloc[begin:end] for series in positional]
        named_windows = {name: series.iloc[begin:end] for name, series in named.items()}
        results.append(function(*windows, **named_windows))
    return results


class ForAllRows:
    """One value that all rows of a group get."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def write(self, results: ColumnResults, k: int, rows: int) -> bool:
        """Append it for each row; False if stock has to convert it."""
        return results.add_value(k, self.value, rows)

    def series(self, rows: int) -> Any:
        """What stock converts."""
        return pd.Series([self.value]).repeat(rows)

    @property
    def sample(self) -> Any:
        """A value, whose type is told."""
        return self.value


class ForEachRow:
    """A value for each row of a group."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def write(self, results: ColumnResults, k: int, rows: int) -> bool:
        """Append them; False if stock has to convert them."""
        return results.add_list(k, self.values)

    def series(self, rows: int) -> Any:
        """What stock converts."""
        return pd.Series(self.values)

    @property
    def sample(self) -> Any:
        """A value, whose type is told."""
        return self.values[0] if self.values else None


Windowed = ForAllRows | ForEachRow
