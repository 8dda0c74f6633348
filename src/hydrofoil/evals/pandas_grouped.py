"""Functions of whole groups as data frames: applyInPandas, its iterator form, and cogroups.

(SQL_GROUPED_MAP_PANDAS_UDF, SQL_GROUPED_MAP_PANDAS_ITER_UDF, SQL_COGROUPED_MAP_PANDAS_UDF)
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from hydrofoil._cext.frames import Frame
from hydrofoil.dataframes.build import builder
from hydrofoil.dataframes.inputs import InputColumns
from hydrofoil.dataframes.results import FrameResults
from hydrofoil.dataframes.stock import StockPandas, ToStock
from hydrofoil.evals.udf import Udf
from hydrofoil.evals.vectorized import Combined, keys_and_values
from hydrofoil.trace import TaskTrace
from hydrofoil.wire import Batch


class FromStock:
    """A record batch that stock's code made for a group."""

    __slots__ = ("batch",)

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch


class Side:
    """One data frame of a group: its key columns and its value columns.

    ``combined`` is as for `InputColumns`.
    """

    def __init__(
        self, keys: list[int], values: list[int], stock: StockPandas, *, combined: bool = True
    ) -> None:
        self.combined = combined
        self.keys = keys
        self.values = values
        self.stock = stock
        self.inputs: InputColumns | None = None
        self.hold = builder().hold

    def _inputs(self, schema_message: bytes) -> InputColumns:
        inputs = self.inputs
        if inputs is None or inputs.schema_message is not schema_message:
            inputs = self.inputs = InputColumns(
                schema_message, self.stock, frame_of_struct=False, combined=self.combined
            )
        return inputs

    def read(self, batches: list[Batch], *, key: bool) -> tuple[Any, tuple[Any, ...]]:
        """The data frame of the values, and the first row's key if it is asked for.

        Raises
        ------
        ToStock
            If stock has to make them.
        """
        if not batches or not self.values:
            raise ToStock("no record batch" if self.values else "no columns but keys")
        if not all([isinstance(batch, Frame) for batch in batches]):
            raise ToStock("the stream is irregular")
        inputs = self._inputs(batches[0].schema_message)
        chunks = inputs.chunks(batches)
        first = ()
        if key and any(len(chunk) > 0 for chunk in chunks[self.values[0]]):
            first = tuple([inputs.group_series(chunks, o).iloc[0] for o in self.keys])
        return inputs.frame(chunks, self.values), first

    def record_batches(self, batches: Sequence[Batch]) -> list[pa.RecordBatch]:
        """The group as stock reads it."""
        return [self.record_batch(batch) for batch in batches]

    def record_batch(self, batch: Batch) -> pa.RecordBatch:
        """One batch as stock reads it."""
        if isinstance(batch, Frame):
            return self._inputs(batch.schema_message).record_batch(batch)
        return batch


class GroupedPlan(ABC):
    """What maps of groups do alike: call, combine what came back, leave the rest to stock."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        self.udf = udf
        self.stock = stock
        self.trace = trace
        self.combined = Combined(FrameResults(udf.return_type, stock))

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
                            self.trace.fell_back("results converted by stock")
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


class GroupedMapPandas(GroupedPlan):
    """applyInPandas: one call a group."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        super().__init__(udf, stock, trace)
        (keys, values), *_ = keys_and_values(udf.arguments)
        self.side = Side(keys, values, stock)

    def _results(self, split_index: int, group: Iterator[Batch]) -> Iterable[Any]:
        batches = list(group)
        with_key = self.udf.arity != 1
        try:
            frame, key = self.side.read(batches, key=with_key)
        except ToStock as reason:
            self.trace.fell_back(str(reason))
            record_batches = self.side.record_batches(batches)
            return map(FromStock, self.stock.pipeline(split_index, iter([iter(record_batches)])))
        del batches, group
        # Stock holds the columns until the function has returned, so that writing to the frame
        # copies them.
        held = self.side.hold(frame)
        result = self.udf.function(key, frame) if with_key else self.udf.function(frame)
        del held
        return (result,)


class CogroupedMapPandas(GroupedPlan):
    """Cogrouped applyInPandas: one call for two groups of the same key."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        super().__init__(udf, stock, trace)
        self.sides = [
            Side(keys, values, stock, combined=False)
            for keys, values in keys_and_values(udf.arguments)
        ]

    def _results(self, split_index: int, group: Any) -> Iterable[Any]:
        with_key = self.udf.arity != 2
        try:
            (left, left_key), (right, right_key) = [
                side.read(batches, key=with_key)
                for side, batches in zip(self.sides, group, strict=True)
            ]
        except ToStock as reason:
            self.trace.fell_back(str(reason))
            both = tuple(
                side.record_batches(batches)
                for side, batches in zip(self.sides, group, strict=True)
            )
            return map(FromStock, self.stock.pipeline(split_index, iter([both])))
        del group
        held = self.sides[0].hold(left), self.sides[1].hold(right)
        if with_key:
            result = self.udf.function(left_key if len(left) else right_key, left, right)
        else:
            result = self.udf.function(left, right)
        del held
        return (result,)


class GroupedMapPandasIter(GroupedPlan):
    """The iterator form of applyInPandas: a group's batches one by one, as they are asked for."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        super().__init__(udf, stock, trace)
        (keys, values), *_ = keys_and_values(udf.arguments)
        self.side = Side(keys, values, stock)

    def _results(self, split_index: int, group: Iterator[Batch]) -> Iterator[Any]:
        with_key = self.udf.arity != 1
        batches = iter(group)
        first, key = self._frame(next(batches), key=with_key)

        def frames() -> Iterator[Any]:
            # As with plain applyInPandas, the columns are held while the user has the frame.
            frame = first
            held = self.side.hold(frame)
            yield frame
            for batch in batches:
                frame, _ = self._frame(batch, key=False)
                held = self.side.hold(frame)
                yield frame
            del held

        yield from self.udf.function(key, frames()) if with_key else self.udf.function(frames())
        # What the function did not read is still to be taken from the stream.
        for _ in batches:
            pass

    def _frame(self, batch: Batch, *, key: bool) -> tuple[Any, tuple[Any, ...]]:
        try:
            return self.side.read([batch], key=key)
        except ToStock as reason:
            self.trace.fell_back(str(reason))
        series = self.stock.all_series(self.side.record_batch(batch))
        first = tuple([series[o].iloc[0] for o in self.side.keys]) if key else ()
        return self.stock.concat([series[o] for o in self.side.values]), first
