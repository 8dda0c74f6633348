"""The Arrow schema of a data set: by the DataFrame's types alone, not by settings of the session.

Timestamps are instants in UTC whatever the session's time zone, and strings have 32-bit offsets
whether or not ``spark.sql.execution.arrow.useLargeVarTypes`` is on. So parts that were written by
different sessions fit together.
"""

from typing import Any

import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.values.arrow_types import arrow_type


def arrow_schema(schema: Any) -> pa.Schema:
    """The Arrow schema of a ``StructType``.

    Raises
    ------
    UsageError
        A column's type has no counterpart in Arrow; the message names the column.
    """
    return pa.schema([_field(column) for column in schema.fields])


def _field(column: Any) -> pa.Field:
    try:
        return pa.field(column.name, _type(column.dataType), column.nullable)
    except UsageError as error:
        raise UsageError(
            f"column {column.name!r} can't be exported: {error.message}",
            hint="cast it to a type that Arrow has, or leave it out with select()",
        ) from None


def _type(spark_type: Any) -> pa.DataType:
    name = type(spark_type).__name__
    if name == "ArrayType":
        element = pa.field("element", _type(spark_type.elementType), spark_type.containsNull)
        return pa.list_(element)
    if name == "MapType":
        value = pa.field("value", _type(spark_type.valueType), spark_type.valueContainsNull)
        return pa.map_(_type(spark_type.keyType), value)
    if name == "StructType":
        return pa.struct(
            [pa.field(f.name, _type(f.dataType), f.nullable) for f in spark_type.fields]
        )
    if name == "TimeType":
        return pa.time64("ns")
    if name == "CalendarIntervalType":
        return pa.month_day_nano_interval()
    if name == "VariantType":
        # As Spark sends it: both halves are bytes of the Variant encoding.
        return pa.struct(
            [pa.field("value", pa.binary(), False), pa.field("metadata", pa.binary(), False)]
        )
    if hasattr(spark_type, "sqlType"):  # A user-defined type is sent as what it is made of.
        return _type(spark_type.sqlType())
    return arrow_type(spark_type)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the schema's types; the same buffers where they fit."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = [
        column if column.type.equals(field.type) else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
