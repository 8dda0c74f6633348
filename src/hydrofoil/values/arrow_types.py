"""Spark types to Arrow types, as Spark sends them; the same on all versions, without a JVM."""

from typing import Any

from hydrofoil.errors import UsageError


def arrow_type(spark_type: Any) -> Any:
    """The pyarrow type of a Spark type; timestamps are instants in UTC.

    Raises
    ------
    UsageError
        If Arrow has none.
    """
    import pyarrow as pa

    name = type(spark_type).__name__
    simple = {
        "BooleanType": pa.bool_(),
        "ByteType": pa.int8(),
        "ShortType": pa.int16(),
        "IntegerType": pa.int32(),
        "LongType": pa.int64(),
        "FloatType": pa.float32(),
        "DoubleType": pa.float64(),
        "StringType": pa.string(),
        "CharType": pa.string(),
        "VarcharType": pa.string(),
        "BinaryType": pa.binary(),
        "DateType": pa.date32(),
        "TimestampType": pa.timestamp("us", "UTC"),
        "TimestampNTZType": pa.timestamp("us"),
        "DayTimeIntervalType": pa.duration("us"),
        "NullType": pa.null(),
    }
    if name in simple:
        return simple[name]
    if name == "DecimalType":
        return pa.decimal128(spark_type.precision, spark_type.scale)
    if name == "ArrayType":
        return pa.list_(arrow_type(spark_type.elementType))
    if name == "MapType":
        return pa.map_(arrow_type(spark_type.keyType), arrow_type(spark_type.valueType))
    if name == "StructType":
        return pa.struct(
            [pa.field(f.name, arrow_type(f.dataType), f.nullable) for f in spark_type.fields]
        )
    raise UsageError(
        f"the Spark type {spark_type.simpleString()} has no Arrow type here",
        hint="use @hydrofoil.udf, or Spark's own decorators, for it",
    )
