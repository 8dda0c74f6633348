"""Spark types to Arrow types, as Spark sends them; the same on all versions, without a JVM."""

from typing import Any

from hydrofoil.errors import UsageError


def arrow_type(spark_type: Any, *, wide: bool = False) -> Any:
    """The pyarrow type of a Spark type; timestamps are instants in UTC.

    With ``wide``, strings and binary have 64-bit offsets. Values of a type that users have defined
    lie as those of its SQL type.

    Raises
    ------
    UsageError
        If Arrow has none.
    """
    import pyarrow as pa

    if hasattr(spark_type, "sqlType"):
        spark_type = spark_type.sqlType()
    name = type(spark_type).__name__
    text, binary = (pa.large_string(), pa.large_binary()) if wide else (pa.string(), pa.binary())
    simple = {
        "BooleanType": pa.bool_(),
        "ByteType": pa.int8(),
        "ShortType": pa.int16(),
        "IntegerType": pa.int32(),
        "LongType": pa.int64(),
        "FloatType": pa.float32(),
        "DoubleType": pa.float64(),
        "StringType": text,
        "CharType": text,
        "VarcharType": text,
        "BinaryType": binary,
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
        return pa.list_(arrow_type(spark_type.elementType, wide=wide))
    if name == "MapType":
        return pa.map_(
            arrow_type(spark_type.keyType, wide=wide), arrow_type(spark_type.valueType, wide=wide)
        )
    if name == "StructType":
        return pa.struct(
            [
                pa.field(field.name, arrow_type(field.dataType, wide=wide), field.nullable)
                for field in spark_type.fields
            ]
        )
    raise UsageError(
        f"the Spark type {spark_type.simpleString()} has no Arrow type here",
        hint="use @hydrofoil.udf, or Spark's own decorators, for it",
    )


def without_maps(arrow_type: Any) -> Any:
    """A pyarrow type, or a schema, with lists of structs in the place of maps.

    These have the same buffers, but pyarrow makes no map of a column with a null key, which Spark
    can have.
    """
    import pyarrow as pa

    if isinstance(arrow_type, pa.Schema):
        return pa.schema([_without_maps(field) for field in arrow_type])
    if pa.types.is_map(arrow_type):
        fields = [arrow_type.key_field.with_nullable(True), arrow_type.item_field]
        return pa.list_(pa.struct([_without_maps(field) for field in fields]))
    if pa.types.is_list(arrow_type):
        return pa.list_(_without_maps(arrow_type.value_field))
    if pa.types.is_struct(arrow_type):
        return pa.struct([_without_maps(field) for field in arrow_type])
    return arrow_type


def _without_maps(field: Any) -> Any:
    return field.with_type(without_maps(field.type))
