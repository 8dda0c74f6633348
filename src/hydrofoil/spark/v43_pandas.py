"""Spark 4.3's pandas eval types: stock's conversions and checks for a task, and its plan."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.errors import PySparkTypeError
from pyspark.sql.conversion import (
    ArrowArrayToPandasConversion,
    ArrowBatchTransformer,
    PandasToArrowConversion,
)
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructField, StructType
from pyspark.util import PythonEvalType

from hydrofoil._cext.rows import Replay
from hydrofoil.dataframes.results import writer_for
from hydrofoil.dataframes.stock import StockPandas
from hydrofoil.evals.pandas_aggregate import AggregatePandas, AggregatePandasIter, WindowPandas
from hydrofoil.evals.pandas_grouped import (
    CogroupedMapPandas,
    GroupedMapPandas,
    GroupedMapPandasIter,
)
from hydrofoil.evals.pandas_map import MapPandas
from hydrofoil.evals.pandas_scalar import ScalarPandas, ScalarPandasIter, is_struct
from hydrofoil.evals.udf import Udf
from hydrofoil.trace import TaskTrace, UdfTrace

# Eval types in which a struct column is a data frame.
_STRUCT_AS_FRAME = (
    PythonEvalType.SQL_SCALAR_PANDAS_UDF,
    PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF,
    PythonEvalType.SQL_MAP_PANDAS_ITER_UDF,
)
# Eval types that return data frames, and so a struct column.
_FRAMES = (
    PythonEvalType.SQL_MAP_PANDAS_ITER_UDF,
    PythonEvalType.SQL_GROUPED_MAP_PANDAS_UDF,
    PythonEvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF,
    PythonEvalType.SQL_COGROUPED_MAP_PANDAS_UDF,
)


class PandasTask:
    """One task of a pandas eval type.

    Parameters
    ----------
    worker : module
        The private copy of stock's worker.
    replays : list of Replay
        What ``pipeline`` calls in place of the users' functions.
    pipeline : callable
        Stock's function for the task.
    """

    def __init__(
        self,
        worker: ModuleType,
        eval_type: int,
        udfs: list[Udf],
        replays: list[Replay],
        pipeline: Callable[..., Any],
        runner_conf: Any,
    ) -> None:
        self.worker = worker
        self.eval_type = eval_type
        self.udfs = udfs
        self.replays = replays
        self.conf = runner_conf
        self.large_var_types = (
            runner_conf.use_large_var_types
            and eval_type != PythonEvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF
        )
        self.output = StructType(
            [StructField(f"_{i}", udf.return_type) for i, udf in enumerate(udfs)]
        )
        self.stock = StockPandas(
            pipeline=pipeline,
            spark_types=lambda schema: [field.dataType for field in from_arrow_schema(schema)],
            series=self._series,
            all_series=self._all_series,
            concat=lambda series: pd.concat(series, axis=1),
            verify=self._verify,
            to_arrow=self._to_arrow,
            by_name=runner_conf.assign_cols_by_name,
            timezone=runner_conf.timezone,
            large_var_types=self.large_var_types,
            integer_extensions=runner_conf.prefer_int_ext_dtype,
        )

    def traces(self) -> list[UdfTrace]:
        """What is planned for each function."""
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
            [pa.field(field.name, self._arrow_type(field.dataType)) for field in self.output]
        )

    def _arrow_type(self, spark_type: Any) -> pa.DataType:
        def plain(spark_type: Any) -> pa.DataType:
            return self.worker.to_arrow_type(
                spark_type,
                timezone=self.conf.timezone,
                prefers_large_types=self.large_var_types,
            )

        if not is_struct(spark_type):
            return plain(spark_type)
        # Stock wraps a data frame's columns, each of which it takes to be nullable.
        return pa.struct([pa.field(field.name, plain(field.dataType)) for field in spark_type])

    def plan(self, trace: TaskTrace) -> tuple[Callable[..., Iterator[Any]], int]:
        """The function over the task's batches or groups, and how many streams a group has."""
        types = PythonEvalType
        udfs, udf, stock = self.udfs, self.udfs[0], self.stock
        match self.eval_type:
            case types.SQL_SCALAR_PANDAS_UDF:
                return ScalarPandas(udfs, self.replays, stock, trace), 0
            case types.SQL_SCALAR_PANDAS_ITER_UDF:
                element = pd.DataFrame if is_struct(udf.return_type) else pd.Series
                return ScalarPandasIter(
                    udf,
                    stock,
                    trace,
                    checked=lambda results: self.worker.verify_return_type(
                        results,
                        Iterator[element],  # type: ignore[valid-type]
                    ),
                    counted=self._counted,
                    exhausted=self.worker.verify_iterator_exhausted,
                ), 0
            case types.SQL_MAP_PANDAS_ITER_UDF:
                return MapPandas(udf, stock, trace, checked=self._checked_frames), 0
            case types.SQL_GROUPED_MAP_PANDAS_UDF:
                return GroupedMapPandas(udf, stock, trace), 1
            case types.SQL_GROUPED_MAP_PANDAS_ITER_UDF:
                return GroupedMapPandasIter(udf, stock, trace), 1
            case types.SQL_COGROUPED_MAP_PANDAS_UDF:
                return CogroupedMapPandas(udf, stock, trace), 2
            case types.SQL_GROUPED_AGG_PANDAS_UDF:
                return AggregatePandas(udfs, stock, trace), 1
            case types.SQL_GROUPED_AGG_PANDAS_ITER_UDF:
                return AggregatePandasIter(udf, stock, trace), 1
            case types.SQL_WINDOW_AGG_PANDAS_UDF:
                bounds = [
                    bound.strip().lower()
                    for bound in self.conf.get("window_bound_types").split(",")
                ]
                return WindowPandas(udfs, bounds, stock, trace), 1
        raise ValueError(f"eval type {self.eval_type} has no pandas plan")

    # --- Stock's conversions and checks -----------------------------------------------------------

    @property
    def _as_frame(self) -> bool:
        return self.eval_type in _STRUCT_AS_FRAME

    def _series(self, array: Any, spark_type: Any, name: str) -> Any:
        return ArrowArrayToPandasConversion.convert(
            array,
            spark_type,
            ser_name=name,
            timezone=self.conf.timezone,
            prefer_int_ext_dtype=self.conf.prefer_int_ext_dtype,
            df_for_struct=self._as_frame,
        )

    def _all_series(self, batch: pa.RecordBatch) -> list[Any]:
        return ArrowBatchTransformer.to_pandas(
            batch,
            timezone=self.conf.timezone,
            prefer_int_ext_dtype=self.conf.prefer_int_ext_dtype,
            df_for_struct=self._as_frame,
        )

    def _verify(self, result: Any) -> None:
        truncate = self.eval_type in (
            PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF,
            PythonEvalType.SQL_MAP_PANDAS_ITER_UDF,
        )
        self.worker.verify_pandas_result(
            result,
            self.udfs[0].return_type,
            assign_cols_by_name=True if truncate else self.conf.assign_cols_by_name,
            truncate_return_schema=truncate,
        )

    def _to_arrow(self, results: list[Any]) -> pa.RecordBatch:
        return PandasToArrowConversion.convert(
            results,
            self.output,
            timezone=self.conf.timezone,
            safecheck=self.conf.safecheck,
            arrow_cast=True,
            prefers_large_types=self.large_var_types,
            assign_cols_by_name=self.conf.assign_cols_by_name,
            int_to_decimal_coercion_enabled=self.conf.int_to_decimal_coercion_enabled,
        )

    def _counted(self, outputs: Iterator[Any], rows_in: Callable[[], int]) -> Iterator[Any]:
        limited = self.worker.verify_output_row_limit(outputs, rows_in)
        counted: Iterator[Any] = self.worker.verify_iter_result_row_count(limited, rows_in)
        return counted

    def _checked_frames(self, results: Any) -> Iterator[Any]:
        if self.conf.map_in_batch_legacy_accept_any_iterable and not isinstance(results, Iterator):
            # Without an iterator, the error below says so.
            with suppress(TypeError):
                results = iter(results)
        if not isinstance(results, Iterator):
            raise _wrong_type("iterator of pandas.DataFrame", type(results).__name__)
        return map(_data_frame, results)


def _data_frame(result: Any) -> Any:
    if not isinstance(result, pd.DataFrame):
        raise _wrong_type("iterator of pandas.DataFrame", f"iterator of {type(result).__name__}")
    return result


def _wrong_type(expected: str, actual: str) -> PySparkTypeError:
    return PySparkTypeError(
        errorClass="UDF_RETURN_TYPE",
        messageParameters={"expected": expected, "actual": actual},
    )
