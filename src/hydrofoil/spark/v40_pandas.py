"""Spark 4.0's pandas eval types: as 4.1's, but that each record batch is a group."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.spark.pandas_task import Plan
from hydrofoil.spark.streamed import on_record_batches
from hydrofoil.spark.v41_pandas import GROUPED, PandasTask41
from hydrofoil.stream.group_frames import LONE_BATCHES


class PandasTask40(PandasTask41):
    """One task of a pandas eval type."""

    bounds_key = "pandas_window_bound_types"
    strict = True

    def plan(self, trace: TaskTrace) -> tuple[Plan, int]:
        """The function over the task's batches or groups, and how many streams a group has."""
        plan, streams = super().plan(trace)
        return (plan, LONE_BATCHES) if self.eval_type in GROUPED else (plan, streams)

    def _pipeline(self) -> Any:
        if self.eval_type not in GROUPED:
            return super()._pipeline()
        of_batches = on_record_batches(self.function, self.serializer)

        def pipeline(split_index: int, groups: Iterable[Any]) -> Iterator[pa.RecordBatch]:
            for group in groups:
                yield from of_batches(split_index, group)

        return pipeline

    def _answered(self, declared: pa.DataType) -> pa.DataType:
        # A struct is put together from its columns' names alone, and takes all to be nullable.
        if not pa.types.is_struct(declared):
            return declared
        return pa.struct([pa.field(field.name, field.type) for field in declared])

    def _convert(self, column: pa.ChunkedArray) -> Any:
        return self.serializer.arrow_to_pandas(column)
