"""Arrow columns as what users get of them: Series, and data frames.

A column whose values can be had without stock's converters has a reader; any other column goes
through stock's, alone. What can't be converted at all goes to stock as a whole batch or group.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hydrofoil._cext.arrays.read import (
    ArrayReader,
    BoolReader,
    NumberReader,
    ObjectReader,
    TimestampReader,
)
from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import Frame
from hydrofoil._cext.objects.decimal128 import DecimalDecoder
from hydrofoil._cext.objects.temporal import DateDecoder
from hydrofoil._cext.objects.varlen import BytesDecoder, StringDecoder
from hydrofoil.stream.batches import Batch, record_batch, uncompressed
from hydrofoil.stream.schemas import parsed
from hydrofoil.values.dataframes.build import (
    COPY_ON_WRITE,
    Chunks,
    builder,
    changed_arguments,
    joined,
    owned,
)
from hydrofoil.values.dataframes.stock import StockPandas, ToStock

_NUMBERS = {
    "ByteType": ("c", "int8"),
    "ShortType": ("s", "int16"),
    "IntegerType": ("i", "int32"),
    "LongType": ("l", "int64"),
    "FloatType": ("f", "float32"),
    "DoubleType": ("g", "float64"),
}

# Zones that are UTC, for which local time is the instant itself.
UTC = ("UTC", "Etc/UTC", "GMT", "Z")

# A field of one of these types makes stock convert all fields of its struct in another way.
_OTHERWISE_IN_STRUCTS = ("StringType", "DecimalType")
_INTEGERS = ("ByteType", "ShortType", "IntegerType", "LongType")


IRREGULAR = "the stream is irregular"


def reader_for(spark_type: Any, view: ColumnView, stock: StockPandas) -> ArrayReader | None:
    """What reads a column of this type and layout, or None if stock's converter has to."""
    name = type(spark_type).__name__
    number = _NUMBERS.get(name)
    if number is not None:
        arrow_format, dtype = number
        extension = stock.integer_extensions and dtype.startswith("int")
        return None if extension or view.format != arrow_format else NumberReader(dtype)
    if name == "BooleanType" and view.format == "b":
        return BoolReader()
    if name == "StringType" and view.format in "uU" and not COPY_ON_WRITE:
        return ObjectReader(StringDecoder())
    if name == "BinaryType" and view.format in "zZ":
        return ObjectReader(BytesDecoder())
    if name == "DateType" and view.format == "tdD":
        return ObjectReader(DateDecoder())
    if name == "DecimalType" and view.format.startswith("d:"):
        return ObjectReader(DecimalDecoder(int(view.format.rpartition(",")[2])))
    if name == "TimestampNTZType" and view.format == "tsu:":
        return TimestampReader()
    if name == "TimestampType" and view.format.startswith("tsu:") and view.format != "tsu:":
        return (stock.timestamps or by_arrow)(view.format.removeprefix("tsu:"))
    return None


def by_arrow(zone: str) -> ArrayReader:
    """What reads instants as local times by Arrow's rules of zones."""
    return TimestampReader(None if zone in UTC else partial(local_times, zone))


def local_times(zone: str, instants: Any) -> Any:
    """Local times in a zone for instants, both int64 microseconds since 1970."""
    import pyarrow.compute as pc

    array = pa.Array.from_buffers(
        pa.timestamp("us", zone), len(instants), [None, pa.py_buffer(instants)]
    )
    return np.frombuffer(pc.local_timestamp(array).buffers()[1], np.int64, len(instants))


def extension_for(spark_type: Any) -> Callable[[Any], Any] | None:
    """What makes a pandas extension array of a pyarrow array, for types that stock has as one."""
    if type(spark_type).__name__ == "StringType" and COPY_ON_WRITE:
        return pd.StringDtype(na_value=np.nan).__from_arrow__  # type: ignore[no-any-return]
    return None


class Column:
    """One input column, or one field of a struct."""

    def __init__(self, name: str, spark_type: Any, view: ColumnView, stock: StockPandas) -> None:
        self.name = name
        self.spark_type = spark_type
        self.view = view
        self.reader = reader_for(spark_type, view, stock)
        self.extension = extension_for(spark_type) if self.reader is None else None

    @property
    def native(self) -> bool:
        """Whether stock's converter isn't needed."""
        return self.reader is not None or self.extension is not None


class InputColumns:
    """The input columns of a task.

    Parameters
    ----------
    schema_message : bytes
        Of the input streams.
    frame_of_struct : bool
        A struct is a data frame of its fields, and not a Series of dicts.
    combined : bool
        Stock joins a group's batches in Arrow's memory before it converts them, if it does for this
        line at all.
    """

    def __init__(
        self,
        schema_message: bytes,
        stock: StockPandas,
        *,
        frame_of_struct: bool,
        combined: bool = True,
    ) -> None:
        self.combined = combined and stock.combined
        self.schema_message = schema_message
        self.schema = parsed(schema_message)
        self.stock = stock
        self.builder = builder()
        self.unsupported = ""
        self.columns: list[Column] = []
        self.structs: dict[int, list[Column]] = {}
        self.mixed: set[int] = set()
        try:
            types = stock.spark_types(self.schema)
            self.columns = [
                Column(field.name, spark_type, ColumnView.of_type(field.type), stock)
                for field, spark_type in zip(self.schema, types, strict=True)
            ]
        except UnsupportedLayout as error:
            self.unsupported = f"a column's layout is not known: {error}"
        except Exception as error:
            self.unsupported = f"the schema has no Spark types: {error}"
        self.views = [column.view for column in self.columns]
        if not self.columns and not self.unsupported:
            self.unsupported = "no columns"
        if frame_of_struct:
            for i, column in enumerate(self.columns):
                if type(column.spark_type).__name__ == "StructType":
                    self._plan_struct(i, column)

    def _plan_struct(self, i: int, column: Column) -> None:
        fields = [
            Column(field.name, field.dataType, view, self.stock)
            for field, view in zip(column.spark_type.fields, column.view.children, strict=True)
        ]
        if not fields or not all(field.native for field in fields):
            return
        names = {type(field.spark_type).__name__ for field in fields}
        if self.stock.mixed_structs and names.intersection(_OTHERWISE_IN_STRUCTS):
            self.mixed.add(i)
            if COPY_ON_WRITE and names.intersection(("TimestampType", "TimestampNTZType")):
                return
        self.structs[i] = fields

    def reasons(self, offsets: Sequence[int]) -> list[str]:
        """For each column that stock's converters make: why."""
        return [
            f"{self.columns[o].spark_type.simpleString()} by stock's converter"
            for o in offsets
            if not self.columns[o].native and o not in self.structs
        ]

    # --- One batch --------------------------------------------------------------------------------

    def series(self, frame: Frame, offsets: Sequence[int]) -> dict[int, Any]:
        """For each of the columns, the Series or data frame that a scalar function gets.

        Raises
        ------
        ToStock
            If the batch has something that stock should meet first.
        """
        frame = self._bind(frame)
        made: dict[int, Any] = {}
        batch: pa.RecordBatch | None = None
        try:
            for o in offsets:
                column = self.columns[o]
                if column.reader is not None:
                    array = column.reader.read(column.view)
                    made[o] = self._series(array, column)
                    continue
                if o in self.structs and column.view.null_count == 0:
                    made[o] = self._struct_frame(o, frame)
                    continue
                batch = self.record_batch(frame) if batch is None else batch
                if column.extension is not None:
                    array = column.extension(batch.column(o))
                    made[o] = self.builder.series(array, column.name)
                else:
                    made[o] = self.stock.series(batch.column(o), column.spark_type, column.name)
        except ToStock:
            raise
        except Exception as error:
            raise ToStock(f"a value that stock should convert: {error}") from None
        finally:
            self._release()
        return made

    def _struct_frame(self, o: int, frame: Frame) -> Any:
        fields, rows = self.structs[o], self.columns[o].view.length
        chunks: list[Chunks] = []
        struct = None
        for k, field in enumerate(fields):
            if field.view.length != rows:
                raise ToStock("a field is longer than its struct")
            if field.reader is None:
                struct = self.record_batch(frame).column(o) if struct is None else struct
                assert field.extension is not None
                chunks.append([field.extension(struct.field(k))])
                continue
            if (
                o in self.mixed
                and field.view.null_count
                and type(field.spark_type).__name__ in _INTEGERS
            ):
                raise ToStock("integers with nulls beside fields that change their dtype")
            chunks.append([field.reader.read(field.view)])
        return self.builder.frame(chunks, [field.name for field in fields])

    def _bind(self, frame: Frame) -> Frame:
        reason = self.unsupported or changed_arguments()
        if reason:
            raise ToStock(reason)
        if frame.compressed:
            frame = uncompressed(self.record_batch(frame))
        try:
            bind_frame(frame, self.views)
        except ValueError as error:
            raise ToStock(f"irregular record batch: {error}") from None
        return frame

    def _release(self) -> None:
        for view in self.views:
            view.release()

    def record_batch(self, frame: Frame) -> pa.RecordBatch:
        """The frame as pyarrow reads it."""
        return record_batch(frame, self.schema)

    # --- One group --------------------------------------------------------------------------------

    def chunks(self, frames: Sequence[Frame]) -> dict[int, Chunks]:
        """Each column's arrays over all batches of a group.

        Raises
        ------
        ToStock
            If a batch has something that stock should meet first, also in a column that no
            function is given.
        """
        offsets = range(len(self.columns))
        made: dict[int, Chunks] = {o: [] for o in offsets}
        try:
            for frame in frames:
                self._bind(frame)
                for o in offsets:
                    reader = self.columns[o].reader
                    if reader is not None:
                        made[o].append(reader.read(self.columns[o].view))
            missing = [o for o in offsets if self.columns[o].reader is None]
            if missing:
                self._from_arrow(frames, missing, made)
        except ToStock:
            raise
        except Exception as error:
            raise ToStock(f"a value that stock should convert: {error}") from None
        finally:
            self._release()
        return made

    def _from_arrow(
        self, frames: Sequence[Frame], offsets: list[int], made: dict[int, Chunks]
    ) -> None:
        batches = [self.record_batch(frame) for frame in frames]
        table = pa.Table.from_batches(batches)
        if self.combined:
            table = table.combine_chunks()
        for o in offsets:
            column = self.columns[o]
            if column.extension is not None:
                made[o] = [column.extension(table.column(o))]
                continue
            series = self.stock.series(table.column(o), column.spark_type, column.name)
            values = series._values
            # Times without a zone: an array of pandas' around NumPy's.
            plain = isinstance(values.dtype, np.dtype) and not isinstance(values, np.ndarray)
            made[o] = [values._ndarray if plain else values]

    def frame(self, chunks: dict[int, Chunks], offsets: Sequence[int]) -> Any:
        """The data frame of the given columns."""
        return self.builder.frame(
            [chunks[o] for o in offsets], [self.columns[o].name for o in offsets]
        )

    def group_series(self, chunks: dict[int, Chunks], offset: int) -> Any:
        """One column of a group as a Series."""
        column = chunks[offset]
        array = joined(column)
        if COPY_ON_WRITE and len(column) > 1 and not any(c.flags.writeable for c in column):
            # Stock joins the chunks in Arrow's memory, which NumPy then views.
            array.flags.writeable = False
        return self._series(array, self.columns[offset])

    def _series(self, array: Any, column: Column) -> Any:
        if not (self.stock.views and isinstance(column.reader, NumberReader)):
            array = owned(array)
        return self.builder.series(array, column.name)


class TaskInputs:
    """A task's input columns, planned anew only where a stream has a different schema.

    The parameters are those of `InputColumns`.
    """

    def __init__(
        self, stock: StockPandas, *, frame_of_struct: bool = False, combined: bool = True
    ) -> None:
        self.stock = stock
        self.frame_of_struct = frame_of_struct
        self.combined = combined
        self._planned: InputColumns | None = None

    def of(self, frame: Frame) -> InputColumns:
        """What reads frames of this one's schema."""
        planned = self._planned
        if planned is None or planned.schema_message is not frame.schema_message:
            planned = self._planned = InputColumns(
                frame.schema_message,
                self.stock,
                frame_of_struct=self.frame_of_struct,
                combined=self.combined,
            )
        return planned

    def series(self, batch: Batch, offsets: Sequence[int]) -> tuple[dict[int, Any], str]:
        """What functions get of these columns of a batch; or none, and why stock has to make them.

        No error is on its way when this returns, so what stock raises then comes alone.
        """
        if not isinstance(batch, Frame):
            return {}, IRREGULAR
        try:
            return self.of(batch).series(batch, offsets), ""
        except ToStock as reason:
            return {}, str(reason)

    def chunks(self, batches: Sequence[Batch]) -> tuple[InputColumns, dict[int, Chunks]]:
        """Each column's arrays over all batches of a group, and what makes objects of them.

        Raises
        ------
        ToStock
            If stock has to make them.
        """
        if not all([isinstance(batch, Frame) for batch in batches]):
            raise ToStock(IRREGULAR)
        planned = self.of(batches[0])
        return planned, planned.chunks(batches)

    def record_batch(self, batch: Batch) -> pa.RecordBatch:
        """A batch as stock reads it."""
        return self.of(batch).record_batch(batch) if isinstance(batch, Frame) else batch
