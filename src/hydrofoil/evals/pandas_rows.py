"""Row UDFs on Arrow where stock goes through pandas: up to Spark 4.0.

There a batch's columns are Series before functions see their values, and results are a Series
before Arrow sees them. The codecs are used for what pandas leaves as it is: whole numbers with a
null among them arrive as floats, and a result that is not a number becomes null. All else is
converted by stock, a column or a batch at a time.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from hydrofoil._cext.columns import ColumnView
from hydrofoil._cext.frames import Frame
from hydrofoil._cext.objects import fixed, nested, varlen
from hydrofoil._cext.objects.base import Decoder, Encoder
from hydrofoil._cext.objects.special import ValuesDecoder
from hydrofoil.evals.batched import Column, RowProjection, Unreadable
from hydrofoil.values.dataframes.build import changed_arguments, changed_results
from hydrofoil.values.type_table import NoCodec, Options, encoder_for

_WHOLE = ("ByteType", "ShortType", "IntegerType", "LongType")
_FLOATING = ("FloatType", "DoubleType")
# Values of these are Python's, nulls None, in a Series as in Arrow.
_OBJECTS = ("BooleanType", "StringType", "BinaryType", "DateType")

_NAN = float("nan")
# Up to here a float has every whole number.
_WHOLE_FLOAT = 1 << 53


def _name(spark_type: Any) -> str:
    return type(spark_type).__name__


# --- Arguments ------------------------------------------------------------------------------------


class PandasColumn(Column):
    """One input column; its decoder is for what a Series has the same values for."""

    def __init__(
        self, spark_type: Any, view: ColumnView, options: Options, *, shared: bool
    ) -> None:
        super().__init__(spark_type, view, options, shared=shared)
        self.is_number = _name(spark_type) in _WHOLE + _FLOATING
        self.whole_fields: list[ColumnView] = []
        leaves = [_name(spark_type)]
        if leaves == ["StructType"]:
            leaves = [_name(field.dataType) for field in spark_type.fields]
            if len(set(spark_type.names)) < len(leaves):
                leaves = []
            self.whole_fields = [
                child for leaf, child in zip(leaves, view.children, strict=False) if leaf in _WHOLE
            ]
        same = {*_WHOLE, *_FLOATING, *_OBJECTS, "DecimalType"}
        known = bool(leaves) and set(leaves) <= same
        if self.decoder is not None and not known:
            self.decoder, self.ahead = None, False
            self.reason = f"pandas has other values for {_name(spark_type)}"

    def changed_by_nulls(self) -> bool:
        """Whether a Series has floats for the bound batch's whole numbers, or for its nulls."""
        if self.is_number:
            return bool(self.view.null_count)
        return any(field.null_count != 0 for field in self.whole_fields)


# --- Results --------------------------------------------------------------------------------------


class _Long(fixed.IntegerEncoder):
    """Whole numbers, which are floats in a Series with nulls."""

    unsettled = "whole numbers and nulls, too large for floats"

    def is_settled(self) -> bool:
        return not self.null_count or all(
            value is None or -_WHOLE_FLOAT <= value <= _WHOLE_FLOAT
            for value in self.restored(self.length)
        )


class _Floating(fixed.FloatingEncoder):
    """Numbers of which those that a Series finds missing are null."""

    unsettled = "infinite numbers are missing by pandas' options"

    def is_settled(self) -> bool:
        return not changed_results()


def result_encoder(spark_type: Any, options: Options) -> Encoder:
    """The encoder of a result column of this declared type.

    Raises
    ------
    NoCodec
        If stock has to convert it.
    """
    if _name(spark_type) == "LongType":
        return _Long(8)
    if _name(spark_type) in _FLOATING:
        # In a list or struct, numbers are missing by Arrow's rules.
        return _Floating(4 if _name(spark_type) == "FloatType" else 8, nan_is_null=True)
    return _encoder(spark_type, options, nullable=True)


def _encoder(spark_type: Any, options: Options, *, nullable: bool) -> Encoder:
    name = _name(spark_type)
    if name == "FloatType":
        return fixed.FloatingEncoder(4, nullable=nullable, nan_is_null=True)
    if name == "DoubleType":
        return fixed.FloatingEncoder(8, nullable=nullable, nan_is_null=True)
    if name == "StringType":
        return varlen.StringEncoder(wide=options.large_var_types, nullable=nullable, exact=True)
    if name == "ArrayType":
        element = _encoder(spark_type.elementType, options, nullable=spark_type.containsNull)
        return nested.ListEncoder(element, nullable=nullable)
    if name == "StructType":
        if len(set(spark_type.names)) != len(spark_type.names):
            raise NoCodec("struct with duplicate field names as a result")
        fields = [
            _encoder(field.dataType, options, nullable=field.nullable)
            for field in spark_type.fields
        ]
        return nested.StructEncoder(fields, spark_type.names, options.row_type, nullable=nullable)
    if name not in _WHOLE + _OBJECTS:
        raise NoCodec(f"pandas has other values for {name}")
    return encoder_for(spark_type, options, nullable=nullable)


# --- All UDFs -------------------------------------------------------------------------------------


class PandasRows(RowProjection):
    """All UDFs of one projection; see `RowProjection`.

    Parameters
    ----------
    type_of : callable
        Stock's Spark type of an Arrow type: the input's types are not declared here.
    """

    column_type = PandasColumn

    def __init__(
        self, *args: Any, type_of: Callable[[pa.DataType], Any], make_struct: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.type_of = type_of
        self.make_struct = make_struct

    def encoder_of(self, spark_type: Any) -> Encoder:
        return result_encoder(spark_type, self.options)

    def _plan(self, schema_message: bytes) -> None:
        schema = pa.ipc.read_schema(pa.py_buffer(schema_message))
        try:
            self.input_type = self.make_struct(
                [(f"_{i}", self.type_of(kind)) for i, kind in enumerate(schema.types)]
            )
        except Exception as error:
            self.schema = schema
            self.unsupported = f"a column's type is not known: {error}"
            return
        super()._plan(schema_message)
        converted = [column.decoder is None for column in self.columns]
        if not self.unsupported and all(converted) and None in self.encoders:
            self.unsupported = "arguments and results are converted by stock"

    def _decoders(self, frame: Frame) -> dict[int, Decoder]:
        changed = changed_arguments()
        if changed:
            raise Unreadable(changed)
        decoders = super()._decoders(frame)
        batch = None
        for i, column in enumerate(self.columns):
            assert isinstance(column, PandasColumn)
            if column.decoder is None or not column.changed_by_nulls():
                continue
            if column.is_number:
                try:
                    values = column.decoder.decode(column.view)
                except Exception as error:
                    raise Unreadable(f"a value that stock should convert: {error}") from None
                if None in values:
                    values = [_NAN if value is None else float(value) for value in values]
            else:
                batch = self._record_batch(frame) if batch is None else batch
                values = self.column_values(batch.column(i), self.input_type.fields[i].dataType)
            decoders[i] = ValuesDecoder(values)
        return decoders
