"""Spark 4.2's pandas eval types: the conversions of 4.3, and its own steps around them.

But for applyInPandas they are in its serializers, which convert once the functions were called.
"""

from types import ModuleType
from typing import Any

from hydrofoil._cext.rows import Replay
from hydrofoil.evals.pandas_scalar import is_struct
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.pandas_task import (
    SQL_COGROUPED_MAP_PANDAS_UDF,
    SQL_GROUPED_AGG_PANDAS_ITER_UDF,
    SQL_GROUPED_AGG_PANDAS_UDF,
    SQL_GROUPED_MAP_PANDAS_ITER_UDF,
    SQL_SCALAR_PANDAS_UDF,
    SQL_WINDOW_AGG_PANDAS_UDF,
    CallsStock,
)
from hydrofoil.spark.stock_worker import Pipeline, StaysStock
from hydrofoil.spark.streamed import on_groups, on_record_batches
from hydrofoil.spark.v43_pandas import PandasTask43

_AGGREGATES = (SQL_GROUPED_AGG_PANDAS_UDF, SQL_WINDOW_AGG_PANDAS_UDF)


class PandasTask42(CallsStock, PandasTask43):
    """One task of a pandas eval type.

    Parameters
    ----------
    stock : tuple
        What stock runs the task by.

    Raises
    ------
    StaysStock
        If ``stock`` has to run the task.
    """

    narrow = (
        *_AGGREGATES,
        SQL_COGROUPED_MAP_PANDAS_UDF,
        SQL_GROUPED_MAP_PANDAS_ITER_UDF,
        SQL_GROUPED_AGG_PANDAS_ITER_UDF,
    )

    def __init__(
        self,
        worker: ModuleType,
        eval_type: int,
        udfs: list[Udf],
        replays: list[Replay],
        stock: Pipeline,
        runner_conf: Any,
    ) -> None:
        udf = udfs[0]
        if eval_type == SQL_GROUPED_AGG_PANDAS_ITER_UDF and (
            udf.keywords or is_struct(udf.return_type)
        ):
            raise StaysStock("an aggregate of iterators that its serializer objects to")
        self.function, _, serializer, _ = stock
        pipeline = self.function
        if eval_type == SQL_SCALAR_PANDAS_UDF:
            pipeline = on_record_batches(self.function, serializer)
        elif eval_type in _AGGREGATES:
            pipeline = on_groups(self.function, serializer, 1)
        elif eval_type == SQL_COGROUPED_MAP_PANDAS_UDF:
            pipeline = on_groups(self.function, serializer, 2)
        super().__init__(worker, eval_type, udfs, replays, pipeline, runner_conf)
