"""Spark 4.3's pandas eval types: stock's conversions and checks for a task, and its plan."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any, ClassVar

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
from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.pandas_scalar import ScalarPandasIter, is_struct
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.pandas_task import PandasTask, Plan, bounds_of
from hydrofoil.values.dataframes.stock import StockPandas

# Eval types in which a struct column is a data frame.
_STRUCT_AS_FRAME = (
    PythonEvalType.SQL_SCALAR_PANDAS_UDF,
    PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF,
    PythonEvalType.SQL_MAP_PANDAS_ITER_UDF,
)


class PandasTask43(PandasTask):
    """One task of a pandas eval type.

    Parameters
    ----------
    pipeline : callable
        Stock's function for the task, over batches or groups of record batches.

    Attributes
    ----------
    narrow : tuple of int
        Eval types whose strings and binary always have 32-bit offsets.
    """

    narrow: ClassVar[tuple[int, ...]] = (PythonEvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF,)

    def __init__(
        self,
        worker: ModuleType,
        eval_type: int,
        udfs: list[Udf],
        replays: list[Replay],
        pipeline: Callable[..., Any],
        runner_conf: Any,
    ) -> None:
        super().__init__(worker, eval_type, udfs, replays)
        self.conf = runner_conf
        self.large_var_types = runner_conf.use_large_var_types and eval_type not in self.narrow
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

    def _answer_type(self, spark_type: Any) -> pa.DataType:
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

    def _scalar_iter(self, udf: Udf, trace: TaskTrace) -> Plan:
        element = pd.DataFrame if is_struct(udf.return_type) else pd.Series
        return ScalarPandasIter(
            udf,
            self.stock,
            trace,
            checked=lambda results: self.worker.verify_return_type(
                results,
                Iterator[element],  # type: ignore[valid-type]
            ),
            counted=self._counted,
            exhausted=self.worker.verify_iterator_exhausted,
        )

    def _called(self, split_index: int, frames: Iterator[Any]) -> Iterator[Any]:
        return self._checked_frames(self.udfs[0].function(frames))

    def _bounds(self) -> list[str]:
        return bounds_of(self.conf.get("window_bound_types"))

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
