"""Arguments: the values of an Arrow column, as if the JVM had pickled them."""

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from hydrofoil.values.pickle_rules.map_order import pickled_items

# What PySpark's types convert from is a number where Arrow has a date, a time or a length of time.
_NUMBERS = {
    "DateType": pa.int32(),
    "TimestampType": pa.int64(),
    "TimestampNTZType": pa.int64(),
    "DayTimeIntervalType": pa.int64(),
    "TimeType": pa.int64(),
}


def column_values(array: pa.Array, spark_type: Any, *, binary_as_bytes: bool) -> list[Any]:
    """The values that a UDF is given of a column.

    Parameters
    ----------
    array : pyarrow.Array
        As it came; nulls are None.
    spark_type : pyspark.sql.types.DataType
        Its type.
    binary_as_bytes : bool
        Binary values are ``bytes``; otherwise ``bytearray``.
    """
    values = _unpickled(array, spark_type, bytes if binary_as_bytes else bytearray)
    if not spark_type.needConversion():
        return values
    return [None if value is None else spark_type.fromInternal(value) for value in values]


def _unpickled(array: pa.Array, spark_type: Any, binary: type) -> list[Any]:
    """A column's values as they are when they have been unpickled."""
    name = type(spark_type).__name__
    if hasattr(spark_type, "sqlType"):
        return _unpickled(array, spark_type.sqlType(), binary)
    if name in _NUMBERS:
        values: list[Any] = array.cast(_NUMBERS[name]).to_pylist()
        return values
    if name == "ArrayType":
        items = _unpickled(array.values, spark_type.elementType, binary)
        return _lists(array, lambda start, stop: items[start:stop])
    if name == "MapType":
        of_keys, of_values = _entries(array)
        keys = _unpickled(of_keys, spark_type.keyType, binary)
        values = _unpickled(of_values, spark_type.valueType, binary)
        entries = list(zip(keys, values, strict=True))
        kind = type(spark_type.keyType).__name__
        return _lists(array, lambda start, stop: dict(pickled_items(entries[start:stop], kind)))
    if name == "StructType":
        fields = [
            _unpickled(array.field(i), field.dataType, binary)
            for i, field in enumerate(spark_type.fields)
        ]
        rows = zip(*fields, strict=True) if fields else [()] * len(array)
        return _where_valid(array, list(rows))
    if name in _OBJECTS:
        return [None if v is None else _object_fields(v) for v in array.to_pylist()]
    convert = _simple(name, binary)
    values = array.cast(pa.large_binary()).to_pylist() if name in _TEXT else array.to_pylist()
    return values if convert is None else [None if v is None else convert(v) for v in values]


def _entries(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The keys and the values of maps, which may be lists of structs (see `without_maps`)."""
    if isinstance(array, pa.MapArray):
        return array.keys, array.items
    return array.values.field(0), array.values.field(1)


# Types whose values come as a struct of binary and numbers.
_OBJECTS = ("VariantType", "GeometryType", "GeographyType")
_JAVA_NAMES = {"wkb": "bytes"}
_TEXT = ("StringType", "CharType", "VarcharType")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]?")
_REPLACEMENT = "\ufffd".encode()


def _simple(name: str, binary: type) -> Callable[[Any], Any] | None:
    if name in _TEXT:
        return _java_text
    if name == "BinaryType":
        return binary if binary is not bytes else None
    if name == "DecimalType":
        # The JVM pickles a decimal's text, in engineering notation.
        return lambda value: Decimal(value.to_eng_string())
    return None


def _java_text(value: bytes) -> str:
    """Text of bytes that need not be UTF-8, as Java replaces the rest.

    It does so as Python does, but for what would be surrogates: they are replaced once, not byte by
    byte.
    """
    return _SURROGATE.sub(_REPLACEMENT, value).decode("utf-8", "replace")


def _object_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """A value's parts by their names in Java; byte arrays in objects are always bytearrays."""
    return {
        _JAVA_NAMES.get(name, name): bytearray(value) if isinstance(value, bytes) else value
        for name, value in fields.items()
    }


def _lists(array: Any, make: Callable[[int, int], Any]) -> list[Any]:
    return _where_valid(array, [make(*bounds) for bounds in pairwise(array.offsets.to_pylist())])


def _where_valid(array: pa.Array, values: list[Any]) -> list[Any]:
    if array.null_count == 0:
        return values
    valid = array.is_valid().to_pylist()
    return [value if ok else None for value, ok in zip(values, valid, strict=True)]
