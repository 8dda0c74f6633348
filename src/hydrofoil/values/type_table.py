"""THE type table: for each Spark SQL type, which codec reads it and which writes it.

A type without a codec, here or nested in another, goes through stock PySpark's converters for its
column only. To add a type, add a row; `docs/types.md` says what users see.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import hydrofoil._cext.objects.decimal128 as decimal128
import hydrofoil._cext.objects.fixed as fixed
import hydrofoil._cext.objects.nested as nested
import hydrofoil._cext.objects.special as special
import hydrofoil._cext.objects.temporal as temporal
import hydrofoil._cext.objects.varlen as varlen
from hydrofoil._cext.columns import ColumnView
from hydrofoil._cext.objects.base import Decoder, Encoder


class NoCodec(Exception):
    """No codec converts this column as stock does; ``str()`` says what and why."""


@dataclass(frozen=True)
class Options:
    """What conversion depends on besides the types.

    Attributes
    ----------
    row_type : type
        ``pyspark.sql.Row``.
    dedup_names : callable
        How stock tells apart fields of a struct that have the same name.
    known_zone : callable
        Whether pyarrow can make a tzinfo of a time zone's name.
    binary_as_bytes : bool
        Binary arguments are ``bytes``; otherwise ``bytearray``.
    large_var_types : bool
        Strings and binary are sent back with 64-bit offsets.
    pickled : bool
        Values are converted as if they came and went by pickle. Encoders then leave what the two
        ways convert differently, and write nulls whatever the type says.
    map_order : callable, optional
        With ``pickled``, gives a dict's items in the order in which the JVM would have them, or
        None if it does not know.
    strict : bool
        Encoders leave nulls where the type has none, also with ``pickled``.
    row_attributes : bool
        Fields of a row are found in its ``__dict__``, too, which is faster than by its names. Rows
        that live long are smaller without, and as stock makes them.
    """

    row_type: type
    dedup_names: Callable[[list[str]], list[str]]
    known_zone: Callable[[str], bool]
    binary_as_bytes: bool = True
    large_var_types: bool = False
    pickled: bool = False
    map_order: Callable[[dict[Any, Any]], list[tuple[Any, Any]] | None] | None = None
    strict: bool = False
    row_attributes: bool = True


MakeDecoder = Callable[[Any, ColumnView, Options], Decoder]
MakeEncoder = Callable[[Any, bool, Options], Encoder]


@dataclass(frozen=True)
class TypeRow:
    """One Spark type: the Arrow formats it may arrive in, and its codecs' factories."""

    formats: tuple[str, ...] = ()
    decode: MakeDecoder | None = None
    encode: MakeEncoder | None = None


def _plain(fmt: str, decoder: Callable[[], Decoder], encoder: Callable[..., Encoder]) -> TypeRow:
    return TypeRow(
        (fmt,),
        lambda spark_type, view, options: decoder(),
        lambda spark_type, nullable, options: encoder(nullable=nullable),
    )


def _maybe_exact(
    fmt: str, decoder: Callable[[], Decoder], encoder: Callable[..., Encoder]
) -> TypeRow:
    return TypeRow(
        (fmt,),
        lambda spark_type, view, options: decoder(),
        lambda spark_type, nullable, options: encoder(exact=options.pickled, nullable=nullable),
    )


def _decode_binary(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    return varlen.BytesDecoder() if options.binary_as_bytes else varlen.ByteArrayDecoder()


def _decode_decimal(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    scale = int(view.format.rpartition(",")[2])
    if scale < 0:
        raise NoCodec("decimal of a negative scale")
    return decimal128.DecimalDecoder(scale, engineering=options.pickled)


def _encode_decimal(spark_type: Any, nullable: bool, options: Options) -> Encoder:
    if spark_type.scale < 0:
        raise NoCodec("decimal of a negative scale")
    return decimal128.DecimalEncoder(
        spark_type.precision, spark_type.scale, exact=options.pickled, nullable=nullable
    )


def _decode_timestamp(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    zone = view.format.partition(":")[2]
    if not zone or not options.known_zone(zone):
        raise NoCodec(f"timestamp with the time zone {zone!r}")
    return temporal.FoldDecoder() if options.pickled else temporal.TimestampDecoder()


def _decode_timestamp_ntz(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    if view.format != "tsu:":
        raise NoCodec("timestamp_ntz with a time zone")
    return temporal.TimestampNtzDecoder()


def _decode_array(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    return nested.ListDecoder(decoder_for(spark_type.elementType, view.children[0], options))


def _encode_array(spark_type: Any, nullable: bool, options: Options) -> Encoder:
    element = encoder_for(spark_type.elementType, options, nullable=spark_type.containsNull)
    return nested.ListEncoder(element, nullable=nullable)


def _decode_map(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    if type(spark_type.keyType).__name__ in ("ArrayType", "MapType", "BinaryType", "StructType"):
        raise NoCodec("map whose keys Python may not be able to hash")
    if options.pickled:
        raise NoCodec("map whose entries come in a Java map's order")
    key, value = view.children[0].children
    return nested.MapDecoder(
        decoder_for(spark_type.keyType, key, options),
        decoder_for(spark_type.valueType, value, options),
    )


def _encode_map(spark_type: Any, nullable: bool, options: Options) -> Encoder:
    key = encoder_for(spark_type.keyType, options, nullable=False)
    value = encoder_for(spark_type.valueType, options, nullable=spark_type.valueContainsNull)
    if options.pickled:
        # Their order is that of a Java map, which a dict does not have.
        entries = nested.StructEncoder([key, value], ["key", "value"], options.row_type)
        return nested.EntriesEncoder(entries, nullable=nullable, order=options.map_order)
    return nested.MapEncoder(key, value, nullable=nullable)


def _decode_struct(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    # Stock looks fields up by these names; if the column has others, it finds nulls.
    if [child.name for child in view.children] != list(options.dedup_names(spark_type.names)):
        raise NoCodec("struct whose column has other field names than its type")
    fields = [
        decoder_for(field.dataType, child, options)
        for field, child in zip(spark_type.fields, view.children, strict=True)
    ]
    return nested.StructDecoder(
        fields, spark_type.names, options.row_type, attributes=options.row_attributes
    )


def _encode_struct(spark_type: Any, nullable: bool, options: Options) -> Encoder:
    if len(set(spark_type.names)) != len(spark_type.names):
        raise NoCodec("struct with duplicate field names as a result")
    fields = [
        encoder_for(field.dataType, options, nullable=field.nullable) for field in spark_type.fields
    ]
    return nested.StructEncoder(fields, spark_type.names, options.row_type, nullable=nullable)


# By the name of the type's class; a subclass has its own row or none.
TYPES: dict[str, TypeRow] = {
    "NullType": _plain("n", special.NullDecoder, special.NullEncoder),
    "BooleanType": _plain("b", fixed.BoolDecoder, fixed.BoolEncoder),
    "ByteType": _plain("c", fixed.IntegerDecoder, partial(fixed.IntegerEncoder, 1)),
    "ShortType": _plain("s", fixed.IntegerDecoder, partial(fixed.IntegerEncoder, 2)),
    "IntegerType": _plain("i", fixed.IntegerDecoder, partial(fixed.IntegerEncoder, 4)),
    "LongType": _plain("l", fixed.IntegerDecoder, partial(fixed.IntegerEncoder, 8)),
    "FloatType": _maybe_exact("f", fixed.FloatingDecoder, partial(fixed.FloatingEncoder, 4)),
    "DoubleType": _maybe_exact("g", fixed.FloatingDecoder, partial(fixed.FloatingEncoder, 8)),
    "DecimalType": TypeRow(("d:",), _decode_decimal, _encode_decimal),
    "StringType": TypeRow(
        ("u", "U"),
        lambda spark_type, view, options: varlen.StringDecoder(),
        lambda spark_type, nullable, options: varlen.StringEncoder(
            wide=options.large_var_types, exact=options.pickled, nullable=nullable
        ),
    ),
    "BinaryType": TypeRow(
        ("z", "Z"),
        _decode_binary,
        lambda spark_type, nullable, options: varlen.BinaryEncoder(
            wide=options.large_var_types, nullable=nullable
        ),
    ),
    "DateType": _plain("tdD", temporal.DateDecoder, temporal.DateEncoder),
    "TimestampType": TypeRow(
        ("tsu:",),
        _decode_timestamp,
        lambda spark_type, nullable, options: temporal.TimestampEncoder(
            exact=options.pickled, nullable=nullable
        ),
    ),
    "TimestampNTZType": TypeRow(
        ("tsu:",),
        _decode_timestamp_ntz,
        lambda spark_type, nullable, options: temporal.TimestampNtzEncoder(nullable=nullable),
    ),
    "DayTimeIntervalType": _maybe_exact("tDu", temporal.DurationDecoder, temporal.DurationEncoder),
    "ArrayType": TypeRow(("+l",), _decode_array, _encode_array),
    "MapType": TypeRow(("+m",), _decode_map, _encode_map),
    "StructType": TypeRow(("+s",), _decode_struct, _encode_struct),
    # Stock's converters know these; no codec does yet.
    "CharType": TypeRow(),
    "VarcharType": TypeRow(),
    "TimeType": TypeRow(),
    "YearMonthIntervalType": TypeRow(),
    "CalendarIntervalType": TypeRow(),
    "VariantType": TypeRow(),
    "GeographyType": TypeRow(),
    "GeometryType": TypeRow(),
}


def decoder_for(spark_type: Any, view: ColumnView, options: Options) -> Decoder:
    """The decoder of a column of this type and layout.

    Raises
    ------
    NoCodec
        If the type, or one nested in it, is left to stock's converters.
    """
    name = type(spark_type).__name__
    row = TYPES.get(name)
    if row is None or row.decode is None:
        raise NoCodec(f"{name} has no codec")
    if not any(
        view.format == f or (f[-1] in ":," and view.format.startswith(f)) for f in row.formats
    ):
        raise NoCodec(f"{name} in the Arrow format {view.format!r}")
    return row.decode(spark_type, view, options)


def encoder_for(spark_type: Any, options: Options, *, nullable: bool = True) -> Encoder:
    """The encoder of a result column of this declared type.

    Raises
    ------
    NoCodec
        If the type, or one nested in it, is left to stock's converters.
    """
    name = type(spark_type).__name__
    row = TYPES.get(name)
    if row is None or row.encode is None:
        raise NoCodec(f"{name} has no codec")
    return row.encode(spark_type, nullable or (options.pickled and not options.strict), options)
