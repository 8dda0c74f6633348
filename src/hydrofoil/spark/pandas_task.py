"""One task of a pandas eval type: its plan, and what a Spark line has to say for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, ClassVar

import pyarrow as pa

from hydrofoil._cext.rows import Replay
from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.pandas_aggregate import AggregatePandas, AggregatePandasIter, WindowPandas
from hydrofoil.evals.pandas_grouped import (
    CogroupedMapPandas,
    GroupedMapPandas,
    GroupedMapPandasIter,
)
from hydrofoil.evals.pandas_map import MapPandas
from hydrofoil.evals.pandas_scalar import ScalarPandas, ScalarPandasIterCalled, is_struct
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.stock_worker import Pipeline
from hydrofoil.spark.streams import ArrowStream
from hydrofoil.values.dataframes.results import writer_for
from hydrofoil.values.dataframes.stock import StockPandas

SQL_SCALAR_PANDAS_UDF = 200
SQL_GROUPED_MAP_PANDAS_UDF = 201
SQL_GROUPED_AGG_PANDAS_UDF = 202
SQL_WINDOW_AGG_PANDAS_UDF = 203
SQL_SCALAR_PANDAS_ITER_UDF = 204
SQL_MAP_PANDAS_ITER_UDF = 205
SQL_COGROUPED_MAP_PANDAS_UDF = 206
SQL_GROUPED_MAP_PANDAS_ITER_UDF = 216
SQL_GROUPED_AGG_PANDAS_ITER_UDF = 217

Plan = Callable[..., Iterator[Any]]


class PandasTask(ABC):
    """One task of a pandas eval type.

    Parameters
    ----------
    worker : module
        The private copy of stock's worker.
    replays : list of Replay
        What stock's function for the task calls in place of the users' functions.
    """

    stock: StockPandas
    # Stock's batches of one task must agree in whether there may be nulls.
    strict: ClassVar[bool] = False

    def __init__(
        self,
        worker: ModuleType,
        eval_type: int,
        udfs: list[Udf],
        replays: list[Replay],
    ) -> None:
        self.worker = worker
        self.eval_type = eval_type
        self.udfs = udfs
        self.replays = replays

    def pipeline(self) -> Pipeline:
        """What runs the task in place of stock."""
        trace = TaskTrace(describe(self.eval_type), udfs=self._traces())
        plan, streams = self.plan(trace)
        schema = self.answer_schema().serialize().to_pybytes()
        ser = ArrowStream(schema, streams, strict=self.strict)
        return plan, None, ser, ser

    def _traces(self) -> list[UdfTrace]:
        return [
            UdfTrace(udf.name, f" -> {udf.return_type.simpleString()}", "fast", self._left(udf))
            for udf in self.udfs
        ]

    def _left(self, udf: Udf) -> str:
        fields = (
            [field.dataType for field in udf.return_type.fields]
            if is_struct(udf.return_type)
            else [udf.return_type]
        )
        for spark_type in fields:
            if writer_for(spark_type, self.stock) is None:
                return f"its results are converted by stock: {spark_type.simpleString()}"
        return ""

    def answer_schema(self) -> pa.Schema:
        """The schema of the record batches that stock answers with."""
        return pa.schema(
            [(f"_{i}", self._answer_type(udf.return_type)) for i, udf in enumerate(self.udfs)]
        )

    def plan(self, trace: TaskTrace) -> tuple[Plan, int]:
        """The function over the task's batches or groups, and how many streams a group has."""
        udfs, udf, stock = self.udfs, self.udfs[0], self.stock
        plans: dict[int, tuple[Callable[[], Plan], int]] = {
            SQL_SCALAR_PANDAS_UDF: (lambda: ScalarPandas(udfs, self.replays, stock, trace), 0),
            SQL_SCALAR_PANDAS_ITER_UDF: (lambda: self._scalar_iter(udf, trace), 0),
            SQL_MAP_PANDAS_ITER_UDF: (
                lambda: MapPandas(udf, stock, trace, called=self._called),
                0,
            ),
            SQL_GROUPED_MAP_PANDAS_UDF: (lambda: GroupedMapPandas(udf, stock, trace), 1),
            SQL_GROUPED_MAP_PANDAS_ITER_UDF: (lambda: GroupedMapPandasIter(udf, stock, trace), 1),
            SQL_COGROUPED_MAP_PANDAS_UDF: (lambda: CogroupedMapPandas(udf, stock, trace), 2),
            SQL_GROUPED_AGG_PANDAS_UDF: (lambda: AggregatePandas(udfs, stock, trace), 1),
            SQL_GROUPED_AGG_PANDAS_ITER_UDF: (lambda: AggregatePandasIter(udf, stock, trace), 1),
            SQL_WINDOW_AGG_PANDAS_UDF: (
                lambda: WindowPandas(udfs, self._bounds(), stock, trace),
                1,
            ),
        }
        make, streams = plans[self.eval_type]
        return make(), streams

    # --- What a line says -------------------------------------------------------------------------

    @abstractmethod
    def _answer_type(self, spark_type: Any) -> pa.DataType:
        """The type of a column of the answer, for a function's declared type."""

    @abstractmethod
    def _scalar_iter(self, udf: Udf, trace: TaskTrace) -> Plan:
        """The plan of a scalar function of iterators."""

    @abstractmethod
    def _called(self, split_index: int, frames: Iterator[Any]) -> Iterator[Any]:
        """What mapInPandas' function returns for an iterator of data frames, under stock's checks.

        The function is called when the first result is asked for.
        """

    @abstractmethod
    def _bounds(self) -> list[str]:
        """The kind of each function's windows."""

    def _verify(self, result: Any) -> None:
        truncate = self.eval_type in (SQL_SCALAR_PANDAS_ITER_UDF, SQL_MAP_PANDAS_ITER_UDF)
        self.worker.verify_pandas_result(
            result,
            self.udfs[0].return_type,
            assign_cols_by_name=True if truncate else self.stock.by_name,
            truncate_return_schema=truncate,
        )


def bounds_of(listed: str) -> list[str]:
    """The kinds of windows that a configuration lists with commas between."""
    return [bound.strip().lower() for bound in listed.split(",")]


def results_of(packed: Iterator[tuple[Any, Any]]) -> Iterator[Any]:
    """What stock's function for a task of an iterator gives, without the type beside each."""
    return (result for result, _ in packed)


class CallsStock:
    """For lines on which 204 and 205 run in stock's function, with its checks, on our columns."""

    stock: StockPandas
    function: Callable[..., Any]

    def _scalar_iter(self, udf: Udf, trace: TaskTrace) -> Plan:
        return ScalarPandasIterCalled(
            udf,
            self.stock,
            trace,
            called=lambda split_index, columns: results_of(self.function(split_index, columns)),
        )

    def _called(self, split_index: int, frames: Iterator[Any]) -> Iterator[Any]:
        return results_of(self.function(split_index, ([frame] for frame in frames)))
