"""Record batches to rows: what PySpark would have unpickled, exactly."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import Frame
from hydrofoil._cext.objects.base import Decoder, UndecodableColumn
from hydrofoil._cext.objects.nested import RowWalk, StructDecoder
from hydrofoil._cext.objects.special import ValuesDecoder
from hydrofoil.stream.batches import Batch, record_batch
from hydrofoil.values.arrow_types import without_maps
from hydrofoil.values.pickle_rules.arguments import column_values
from hydrofoil.values.type_table import NoCodec, Options, decoder_for

# Of some types, or of types nested in them, Spark sends no record batches, or PySpark has values
# that depend on more than the column.
_NEVER = frozenset(
    {
        "CalendarIntervalType",
        "GeographyType",
        "GeometryType",
        "ObjectType",
        "TimeType",
        "VariantType",
        "YearMonthIntervalType",
    }
)

# The types of keys whose place in a Java map is known here.
_ORDERED = frozenset(
    {
        "BooleanType",
        "ByteType",
        "DateType",
        "DayTimeIntervalType",
        "DecimalType",
        "DoubleType",
        "FloatType",
        "IntegerType",
        "LongType",
        "ShortType",
        "StringType",
        "TimestampNTZType",
        "TimestampType",
    }
)


def unreadable(spark_type: Any) -> str:
    """Why rows with a column of this type can't come as record batches; empty if they can."""
    name = type(spark_type).__name__
    if hasattr(spark_type, "sqlType"):
        return unreadable(spark_type.sqlType())
    if name in _NEVER:
        return f"a column of {name}"
    if name == "ArrayType":
        return unreadable(spark_type.elementType)
    if name == "MapType":
        key = type(spark_type.keyType).__name__
        if key not in _ORDERED:
            return f"a map with keys of {key}"
        return unreadable(spark_type.valueType)
    if name == "StructType":
        if len(set(spark_type.names)) != len(spark_type.names):
            return "a struct with several fields of one name"
        return unreadable_row(spark_type)
    return ""


def unreadable_row(schema: Any) -> str:
    """As `unreadable`, for the columns of a schema; of these several may have one name."""
    return next(filter(None, (unreadable(field.dataType) for field in schema.fields)), "")


class RowReader:
    """Makes rows of record batches, which all have the same schema.

    Parameters
    ----------
    spark_type : pyspark.sql.types.StructType
        The rows' type.
    schema : pyarrow.Schema or bytes
        That of the record batches, or its message.
    options : Options
        With ``pickled``.
    """

    def __init__(self, spark_type: Any, schema: "pa.Schema | bytes", options: Options) -> None:
        if isinstance(schema, bytes):
            schema = pa.ipc.read_schema(pa.py_buffer(schema))
        self.spark_type = spark_type
        self.schema = schema
        self.options = options
        self._types = [field.dataType for field in spark_type.fields]
        self._views = [_view_of(field.type) for field in schema]
        # None where the values are made by Python code: types that no codec reads.
        self._decoders: list[Decoder | None] = [
            _decoder_of(each, view, options)
            for each, view in zip(self._types, self._views, strict=True)
        ]
        self._plain = None if None in self._decoders else self._rows_of(self._decoders)

    @property
    def slow_columns(self) -> str:
        """The columns whose values are made by Python code, if any."""
        names = [
            field.name
            for field, decoder in zip(self.spark_type.fields, self._decoders, strict=True)
            if decoder is None
        ]
        return f"{', '.join(names)}: by PySpark's types" if names else ""

    def rows(self, batch: Batch, *, strict: bool = False) -> list[Any]:
        """The rows of a record batch.

        Raises
        ------
        Exception
            What PySpark's types raise at a value that Python has not, such as a date in year 0.
        ValueError
            With ``strict``, if not all values can be made by the core.
        """
        try:
            with self._opened(batch) as decoder:
                if decoder is not None:
                    return decoder.rows(0, len_of(batch))
        except (UndecodableColumn, UnicodeDecodeError):
            if strict:
                raise
        return self._by_column(batch)

    def iterate(self, batch: Batch) -> Iterator[Any]:
        """As `rows`, one after the other; made when they are asked for."""
        done = 0
        try:
            with self._opened(batch) as decoder:
                if decoder is not None:
                    walk = RowWalk(decoder, len_of(batch))
                    try:
                        yield from walk
                        return
                    finally:
                        done = walk.at
        except (UndecodableColumn, UnicodeDecodeError):
            pass
        yield from self._by_column(batch)[done:]

    @contextmanager
    def _opened(self, batch: Batch) -> Iterator[StructDecoder | None]:
        """What reads the batch's rows, if all columns have a decoder."""
        if self._plain is None:
            yield None
            return
        opened: list[Any] = []
        try:
            if isinstance(batch, Frame) and not batch.compressed:
                bind_frame(batch, self._views)  # type: ignore[arg-type]  # all of them are there
            else:
                arrays = self._record_batch(batch).columns
                for view, array in zip(self._views, arrays, strict=True):
                    view.bind(array)  # type: ignore[union-attr]
            for decoder, view in zip(self._decoders, self._views, strict=True):
                decoder.open(view)  # type: ignore[union-attr, arg-type]
                opened.append(decoder)
            yield self._plain
        finally:
            for decoder in opened:
                decoder.close()
            for view in self._views:
                view.release()  # type: ignore[union-attr]

    def _record_batch(self, batch: Batch) -> pa.RecordBatch:
        if isinstance(batch, Frame):
            return record_batch(batch, without_maps(self.schema))
        return batch

    def _by_column(self, batch: Batch) -> list[Any]:
        batch = self._record_batch(batch)
        columns: list[Decoder | None] = [
            ValuesDecoder(self._values(i, array)) for i, array in enumerate(batch.columns)
        ]
        return self._rows_of(columns).rows(0, batch.num_rows)

    def _values(self, i: int, array: pa.Array) -> list[Any]:
        decoder, view = self._decoders[i], self._views[i]
        if decoder is not None and view is not None:
            try:
                return decoder.decode(view.bind(array))
            except (UndecodableColumn, UnicodeDecodeError):
                pass
            finally:
                view.release()
        return column_values(array, self._types[i], binary_as_bytes=self.options.binary_as_bytes)

    def _rows_of(self, columns: list[Any]) -> StructDecoder:
        return StructDecoder(
            columns,
            self.spark_type.names,
            self.options.row_type,
            attributes=self.options.row_attributes,
        )


def len_of(batch: Batch) -> int:
    """How many rows a record batch has."""
    return batch.length if isinstance(batch, Frame) else int(batch.num_rows)


def _view_of(arrow_type: pa.DataType) -> ColumnView | None:
    try:
        return ColumnView.of_type(arrow_type)
    except UnsupportedLayout:
        return None


def _decoder_of(spark_type: Any, view: ColumnView | None, options: Options) -> Decoder | None:
    try:
        return None if view is None else decoder_for(spark_type, view, options)
    except NoCodec:
        return None
