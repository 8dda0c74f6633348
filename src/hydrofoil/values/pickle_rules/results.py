"""Results: what the pickled path makes of any value that is returned for a declared type.

PySpark's type converts a result first (``toInternal``). What is left is pickled, and the JVM takes
what its class allows: a number of a different class is null, an integer that is too large loses its
upper bits, anything can be text.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from math import nan
from typing import Any

import pyarrow as pa

from hydrofoil._cext.objects.nested import Entries
from hydrofoil.values.pickle_rules.java import NotForJava, check_unpickles, text_of
from hydrofoil.values.pickle_rules.map_order import unpickled_items

FromJava = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_DAYS = date(1970, 1, 1).toordinal()
_SAFE_MICROS = 106_751_990 * 86_400_000_000
_BITS = {"ByteType": 8, "ShortType": 16, "IntegerType": 32, "LongType": 64}
# More digits than the JVM takes in any decimal.
_DIGITS = 1000


class ResultRules:
    """Converts one UDF's results.

    Parameters
    ----------
    spark_type : pyspark.sql.types.DataType
        The declared type.

    Raises
    ------
    NotImplementedError
        If there are no rules for the type, or one nested in it.
    """

    def __init__(self, spark_type: Any) -> None:
        self.spark_type = spark_type
        self._internal = spark_type.toInternal if spark_type.needConversion() else None
        self._from_java = from_java(spark_type)

    def internal(self, result: Any) -> Any:
        """What the worker would pickle: done as soon as the function has returned."""
        return result if self._internal is None else self._internal(result)

    def converted(self, internal: Any) -> Any:
        """What the JVM would make of it, as a value that is exactly of the declared type."""
        check_unpickles(internal)
        return self._from_java(internal)


def from_java(spark_type: Any) -> FromJava:
    """The JVM's conversion of unpickled values to a type: None for what it does not take."""
    name = type(spark_type).__name__
    if hasattr(spark_type, "sqlType"):
        return from_java(spark_type.sqlType())
    if name in _BITS:
        return _integer(_BITS[name])
    make = _NESTED.get(name)
    if make is not None:
        return make(spark_type)
    convert = _SIMPLE.get(name)
    if convert is None:
        raise NotImplementedError(f"no rules for results of {name}")
    return convert


# --- Simple types ---------------------------------------------------------------------------------


def _of_class(kind: type) -> FromJava:
    return lambda value: value if type(value) is kind else None


def _floating(value: Any) -> float | None:
    # The only number that a decimal becomes.
    if type(value) is Decimal and value.is_nan():
        return nan
    return value if type(value) is float else None


def _integer(bits: int) -> FromJava:
    half = 1 << (bits - 1)

    def convert(value: Any) -> int | None:
        if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
            return None
        return ((value + half) & (2 * half - 1)) - half

    return convert


def _text(value: Any) -> str | None:
    return None if value is None else text_of(value)


def _binary(value: Any) -> bytes | None:
    if type(value) is str:
        return text_of(value).encode("utf-8")
    return _bytes_of(value)


def _bytes_of(value: Any) -> bytes | None:
    if type(value) in (bytes, bytearray) or (type(value) is array and value.typecode == "b"):
        return bytes(value)
    return None


def _date(value: Any) -> date | None:
    return date.fromordinal(value + _EPOCH_DAYS) if type(value) is int else None


def _is_long(value: Any) -> bool:
    # The JVM has a larger number as an object of a different class.
    return type(value) is int and -(1 << 63) <= value < 1 << 63


def _timestamp(value: Any) -> datetime | int | None:
    if not _is_long(value):
        return None
    try:
        return _EPOCH + timedelta(microseconds=value)
    except OverflowError:
        # The last hours of year 9999 in a zone west of UTC; pyarrow takes microseconds, too.
        return int(value)


def _timestamp_ntz(value: Any) -> datetime | int | None:
    made = _timestamp(value)
    return made.replace(tzinfo=None) if isinstance(made, datetime) else made


def _interval(value: Any) -> timedelta | int | None:
    if not _is_long(value):
        return None
    # Of the smallest ones pyarrow takes no timedelta, but their microseconds.
    return timedelta(microseconds=value) if value >= -_SAFE_MICROS else int(value)


def _decimal(spark_type: Any) -> FromJava:
    quantum = Decimal(1).scaleb(-spark_type.scale)
    wide = Context(prec=_DIGITS, rounding=ROUND_HALF_UP)

    def convert(value: Any) -> Decimal | None:
        if type(value) is not Decimal or value.is_nan():
            return None
        try:
            made = value.quantize(quantum, context=wide)
        except InvalidOperation:
            made = None
        if made is None or len(made.as_tuple().digits) > spark_type.precision:
            raise NotForJava(
                f"{value} does not fit {spark_type.simpleString()}; declare more digits"
            )
        return made

    return convert


# --- Nested types ---------------------------------------------------------------------------------


def _array(spark_type: Any) -> FromJava:
    element = from_java(spark_type.elementType)

    def convert(value: Any) -> list[Any] | None:
        if type(value) in (bytes, bytearray):
            value = array("b", bytes(value))  # Java's bytes have a sign.
        if type(value) in (list, tuple, array):
            return [element(item) for item in value]
        return None

    return convert


def _map(spark_type: Any) -> FromJava:
    key, item = from_java(spark_type.keyType), from_java(spark_type.valueType)

    def convert(value: Any) -> Entries | None:
        if type(value) is not dict and type(value) is not OrderedDict:
            return None
        return Entries((key(k), item(v)) for k, v in unpickled_items(value))

    return convert


def _struct(spark_type: Any) -> FromJava:
    fields = [from_java(field.dataType) for field in spark_type.fields]

    def convert(value: Any) -> tuple[Any, ...] | None:
        if type(value) is not tuple:
            return None
        if len(value) != len(fields):
            raise NotForJava(
                f"{len(value)} values were returned for a struct of {len(fields)} fields: {value!r}"
            )
        return tuple(convert(item) for convert, item in zip(fields, value, strict=True))

    return convert


_SIMPLE: dict[str, FromJava] = {
    "NullType": lambda value: None,
    "BooleanType": _of_class(bool),
    "FloatType": _floating,
    "DoubleType": _floating,
    "StringType": _text,
    "CharType": _text,
    "VarcharType": _text,
    "BinaryType": _binary,
    "DateType": _date,
    "TimestampType": _timestamp,
    "TimestampNTZType": _timestamp_ntz,
    "DayTimeIntervalType": _interval,
    # Nanoseconds, which pyarrow takes as they are.
    "TimeType": _of_class(int),
    "VariantType": _of_class(dict),
    "GeometryType": _of_class(dict),
    "GeographyType": _of_class(dict),
}
_NESTED: dict[str, Callable[[Any], FromJava]] = {
    "DecimalType": _decimal,
    "ArrayType": _array,
    "MapType": _map,
    "StructType": _struct,
}


def array_of(values: list[Any], arrow_type: pa.DataType) -> pa.Array:
    """Converted results as an Arrow array; fields of structs by position, whatever their names.

    Structs are tuples, or dicts of the type's fields: those of stock's own classes, and those that
    an encoder had taken before it left a later result. pyarrow does not take both in one array.
    """
    if pa.types.is_struct(arrow_type) and not all(v is None or type(v) is dict for v in values):
        fields = list(arrow_type)
        rows = [list(v.values()) if type(v) is dict else v for v in values]
        columns = [
            array_of([None if row is None else row[i] for row in rows], field.type)
            for i, field in enumerate(fields)
        ]
        nulls = pa.array([v is None for v in values], pa.bool_())
        return pa.StructArray.from_arrays(columns, fields=fields, mask=nulls)
    if pa.types.is_list(arrow_type):
        flat = [item for v in values if v is not None for item in v]
        items = array_of(flat, arrow_type.value_type)
        return pa.ListArray.from_arrays(_offsets(values), items, type=arrow_type)
    if pa.types.is_map(arrow_type):
        entries = [entry for v in values if v is not None for entry in v]
        return pa.MapArray.from_arrays(
            _offsets(values),
            array_of([k for k, _ in entries], arrow_type.key_type),
            array_of([v for _, v in entries], arrow_type.item_type),
            type=arrow_type,
        )
    return pa.array(values, arrow_type)


def _offsets(values: list[Any]) -> pa.Array:
    """Where each value's items start; null where the value is."""
    offsets: list[int | None] = []
    end = 0
    for value in values:
        offsets.append(None if value is None else end)
        end += 0 if value is None else len(value)
    return pa.array([*offsets, end], pa.int32())
