"""Stock's conversions of Series where `pyspark.sql.conversion` has functions for them."""

from functools import lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructField, StructType

from hydrofoil.evals.eval_types import EvalType
from hydrofoil.spark.stock.conversion import converters, spark_types_of
from hydrofoil.spark.stock.task import Task
from hydrofoil.stream.schemas import is_flat

# Eval types in which a struct column is a data frame.
_STRUCT_AS_FRAME = (
    EvalType.SQL_SCALAR_PANDAS_UDF,
    EvalType.SQL_SCALAR_PANDAS_ITER_UDF,
    EvalType.SQL_MAP_PANDAS_ITER_UDF,
)


class Converters:
    """For one task.

    Parameters
    ----------
    wide : bool
        Strings and binary are sent back with 64-bit offsets.
    """

    def __init__(self, task: Task, *, wide: bool) -> None:
        self._stock = converters()
        self._conf: Any = task.conf.runner
        self._wide = wide
        self._as_frame = task.eval_type in _STRUCT_AS_FRAME
        self._output = StructType(
            [StructField(f"_{i}", udf.return_type) for i, udf in enumerate(task.udfs)]
        )
        self.integer_extensions: bool = self._conf.prefer_int_ext_dtype

    def timestamps(self, rules: str) -> None:
        """Local times are by Arrow's rules."""

    def spark_types(self, schema: pa.Schema) -> list[Any]:
        """The Spark types of a schema's columns."""
        types = schema.types
        if is_flat(types):
            return [_flat_type(kind) for kind in types]
        return _types_of(schema)

    def series(self, array: Any, spark_type: Any, name: str) -> Any:
        """What users get for a column: one Series or data frame."""
        return self._stock.ArrowArrayToPandasConversion.convert(
            array,
            spark_type,
            ser_name=name,
            timezone=self._conf.timezone,
            prefer_int_ext_dtype=self._conf.prefer_int_ext_dtype,
            df_for_struct=self._as_frame,
        )

    def all_series(self, batch: pa.RecordBatch) -> list[Any]:
        """The same for all columns."""
        made: list[Any] = self._stock.ArrowBatchTransformer.to_pandas(
            batch,
            timezone=self._conf.timezone,
            prefer_int_ext_dtype=self._conf.prefer_int_ext_dtype,
            df_for_struct=self._as_frame,
        )
        return made

    def to_arrow(self, results: list[Any]) -> pa.RecordBatch:
        """The record batch that stock answers with."""
        return self._stock.PandasToArrowConversion.convert(
            results,
            self._output,
            timezone=self._conf.timezone,
            safecheck=self._conf.safecheck,
            arrow_cast=True,
            prefers_large_types=self._wide,
            assign_cols_by_name=self._conf.assign_cols_by_name,
            int_to_decimal_coercion_enabled=self._conf.int_to_decimal_coercion_enabled,
        )


def _types_of(schema: pa.Schema) -> list[Any]:
    return [field.dataType for field in spark_types_of(schema)]


# Types of Spark's without others in them have nothing that could be changed.
@lru_cache(64)
def _flat_type(kind: pa.DataType) -> Any:
    [spark_type] = _types_of(pa.schema([("_", kind)]))
    return spark_type
