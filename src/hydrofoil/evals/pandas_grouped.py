"""Functions of whole groups as data frames: applyInPandas, its iterator form, and cogroups.

(SQL_GROUPED_MAP_PANDAS_UDF, SQL_GROUPED_MAP_PANDAS_ITER_UDF, SQL_COGROUPED_MAP_PANDAS_UDF)
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.grouped_columns import keys_and_values
from hydrofoil.evals.udf import Udf
from hydrofoil.evals.vectorized import FramesPlan, FromStock
from hydrofoil.failures.place import Detail, detail_of
from hydrofoil.stream.batches import Batch
from hydrofoil.values.dataframes.build import builder
from hydrofoil.values.dataframes.inputs import TaskInputs
from hydrofoil.values.dataframes.stock import StockPandas, ToStock


class GroupFrame:
    """One data frame of a group: its key columns and its value columns.

    ``combined`` is as for `InputColumns`.
    """

    def __init__(
        self, keys: list[int], values: list[int], stock: StockPandas, *, combined: bool = True
    ) -> None:
        self.keys = keys
        self.values = values
        self.inputs = TaskInputs(stock, combined=combined)
        self.hold = builder().hold

    def read(self, batches: list[Batch], *, key: bool) -> tuple[Any, tuple[Any, ...]]:
        """The data frame of the values, and the first row's key if it is asked for.

        Raises
        ------
        ToStock
            If stock has to make them.
        """
        if not batches or not self.values:
            raise ToStock("no record batch" if self.values else "no columns but keys")
        inputs, chunks = self.inputs.chunks(batches)
        first = ()
        if key and any(len(chunk) > 0 for chunk in chunks[self.values[0]]):
            first = tuple([inputs.group_series(chunks, o).iloc[0] for o in self.keys])
        return inputs.frame(chunks, self.values), first

    def detail(self, udf: Udf, batch: Batch, rows: int | None = None) -> Detail:
        """What is known of a call that has raised, by the first batch of its group."""
        record_batch = self.inputs.record_batch(batch)
        key = tuple([record_batch.column(o)[0].as_py() for o in self.keys])
        return Detail(udf.chain, key=key or None, rows=rows)

    def record_batches(self, batches: list[Batch]) -> list[pa.RecordBatch]:
        """The group as stock reads it."""
        return [self.inputs.record_batch(batch) for batch in batches]


class GroupedMapPandas(FramesPlan):
    """applyInPandas: one call a group."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        super().__init__(udf, stock, trace)
        (keys, values), *_ = keys_and_values(udf.arguments)
        self.side = GroupFrame(keys, values, stock)
        self.with_key = udf.arity != 1

    def _results(self, split_index: int, group: Iterator[Batch]) -> Iterable[Any]:
        batches = list(group)
        with_key = self.with_key
        try:
            frame, key = self.side.read(batches, key=with_key)
        except ToStock as reason:
            self.trace.fell_back(str(reason))
            record_batches = self.side.record_batches(batches)
            return map(FromStock, self.stock.pipeline(split_index, iter([iter(record_batches)])))
        leading, rows = batches[0], None if len(batches) == 1 else len(frame)
        del batches, group
        # Stock holds the columns until the function has returned, so that writing to the frame
        # copies them.
        held = self.side.hold(frame)
        try:
            result = self.udf.function(key, frame) if with_key else self.udf.function(frame)
        except BaseException:
            # A closure would make each group's variables slower.
            self.failed = detail_of(partial(self._detail, leading, rows))
            raise
        del held
        return (result,)

    def _detail(self, batch: Batch, rows: int | None) -> Detail:
        """What is known of a call that has raised; without ``rows``, the batch is the group."""
        whole = self.side.inputs.record_batch(batch).num_rows if rows is None else rows
        return self.side.detail(self.udf, batch, whole)


class CogroupedMapPandas(FramesPlan):
    """Cogrouped applyInPandas: one call for two groups of the same key."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        super().__init__(udf, stock, trace)
        self.sides = [
            GroupFrame(keys, values, stock, combined=False)
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
        rows = len(left) + len(right)
        side = 0 if len(left) else 1
        leading = group[side][0]
        del group
        held = self.sides[0].hold(left), self.sides[1].hold(right)
        try:
            if with_key:
                result = self.udf.function(left_key if len(left) else right_key, left, right)
            else:
                result = self.udf.function(left, right)
        except BaseException:
            self.failed = detail_of(lambda: self.sides[side].detail(self.udf, leading, rows))
            raise
        del held
        return (result,)


class GroupedMapPandasIter(FramesPlan):
    """The iterator form of applyInPandas: a group's batches one by one, as they are asked for."""

    def __init__(self, udf: Udf, stock: StockPandas, trace: TaskTrace) -> None:
        super().__init__(udf, stock, trace)
        (keys, values), *_ = keys_and_values(udf.arguments)
        self.side = GroupFrame(keys, values, stock)

    def _results(self, split_index: int, group: Iterator[Batch]) -> Iterator[Any]:
        with_key = self.udf.arity != 1
        batches = iter(group)
        leading = next(batches)
        first, key = self._frame(leading, key=with_key)

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

        try:
            yield from self.udf.function(key, frames()) if with_key else self.udf.function(frames())
        except BaseException:
            self.failed = detail_of(lambda: self.side.detail(self.udf, leading))
            raise
        # What the function did not read is still to be taken from the stream.
        for _ in batches:
            pass

    def _frame(self, batch: Batch, *, key: bool) -> tuple[Any, tuple[Any, ...]]:
        try:
            return self.side.read([batch], key=key)
        except ToStock as reason:
            self.trace.fell_back(str(reason))
        series = self.stock.all_series(self.side.inputs.record_batch(batch))
        first = tuple([series[o].iloc[0] for o in self.side.keys]) if key else ()
        return self.stock.concat([series[o] for o in self.side.values]), first
