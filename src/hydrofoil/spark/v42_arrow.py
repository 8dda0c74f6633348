"""Spark 4.2's Arrow eval types: its own checks of results, where they are not those of 4.3."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from hydrofoil.evals.arrow_grouped import GroupedArrow
from hydrofoil.evals.arrow_map import ArrowMap
from hydrofoil.evals.vectorized import keys_and_values
from hydrofoil.spark.v43_arrow import ArrowTask
from hydrofoil.trace import TaskTrace

SQL_MAP_ARROW_ITER_UDF = 207
SQL_GROUPED_MAP_ARROW_UDF = 209
SQL_GROUPED_MAP_ARROW_ITER_UDF = 215


class ArrowTask42(ArrowTask):
    """One task of an Arrow eval type."""

    def plan(self, trace: TaskTrace) -> tuple[Callable[..., Iterator[Any]], int]:
        """The function over the task's batches or groups, and how many streams a group has."""
        if self.eval_type == SQL_MAP_ARROW_ITER_UDF:
            plan = ArrowMap(
                self.prepared[0][0],
                flatten=self.transform.flatten_struct,
                verify=self.worker.verify_result(pa.RecordBatch),
                any_iterable=False,  # This check accepts them itself.
                trace=trace,
            )
            return plan, 0
        if self.eval_type in (SQL_GROUPED_MAP_ARROW_UDF, SQL_GROUPED_MAP_ARROW_ITER_UDF):
            function, offsets, return_type, arguments = self.prepared[0]
            return GroupedArrow(
                function,
                *keys_and_values(offsets)[0],
                with_key=arguments != 1,
                iterator=self.eval_type == SQL_GROUPED_MAP_ARROW_ITER_UDF,
                flatten=self.transform.flatten_struct,
                verify=_Verify(self, return_type),
                trace=trace,
            ), 1
        return super().plan(trace)


class _Verify:
    """Checks of results by stock's own code, and its choice of columns by name."""

    def __init__(self, task: ArrowTask42, return_type: Any) -> None:
        self.worker = task.worker
        self.by_name = task.conf.assign_cols_by_name
        types = [
            (field.name, task.worker.to_arrow_type(field.dataType, timezone="UTC"))
            for field in return_type.fields
        ]
        self.expected = dict(types) if self.by_name else types
        self.names = [field.name for field in task._arrow_type(return_type)]

    def of_table(self, result: Any) -> pa.Table:
        """The result of a function that returns a table."""
        self.worker.verify_arrow_table(result, self.by_name, self.expected)
        if not self.by_name or not result.num_columns:
            return result
        return pa.Table.from_arrays([result.column(name) for name in self.names], self.names)

    def of_batches(self, results: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        """The results of a function that returns an iterator, each when it is asked for."""
        for result in results:
            self.worker.verify_arrow_batch(result, self.by_name, self.expected)
            if self.by_name:
                columns = [result.column(name) for name in self.names]
                result = pa.RecordBatch.from_arrays(columns, self.names)
            yield result
