"""Spark 4.2's Arrow eval types: its own checks of results, where they are not those of 4.3."""

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_grouped import CogroupedArrow, GroupedArrow
from hydrofoil.evals.arrow_map import ArrowMap
from hydrofoil.evals.grouped_columns import keys_and_values
from hydrofoil.spark.arrow_checks import StockChecks
from hydrofoil.spark.v43_arrow import ArrowTask

SQL_MAP_ARROW_ITER_UDF = 207
SQL_GROUPED_MAP_ARROW_UDF = 209
SQL_COGROUPED_MAP_ARROW_UDF = 210
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
                verify=self._checks(return_type),
                trace=trace,
            ), 1
        if self.eval_type == SQL_COGROUPED_MAP_ARROW_UDF:
            function, offsets, return_type, arguments = self.prepared[0]
            return CogroupedArrow(
                function,
                *keys_and_values(offsets),
                with_key=arguments != 2,
                verify=self._checks(return_type),
                trace=trace,
            ), 2
        return super().plan(trace)

    def _checks(self, return_type: Any) -> StockChecks:
        return StockChecks(
            [
                (field.name, self.worker.to_arrow_type(field.dataType, timezone="UTC"))
                for field in return_type.fields
            ],
            by_name=self.conf.assign_cols_by_name,
            table=self.worker.verify_arrow_table,
            batch=self.worker.verify_arrow_batch,
        )
