"""Columns of a frame that may lie about itself: bound, decoded, read as arrays, given to pyarrow.

An input's first byte chooses the type that the columns are taken for, and whether values are
compared with those of stock PySpark's conversion; then comes the stream.
"""

import io
from contextlib import suppress
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_type
from unit.cext.samples import SAMPLES
from unit.cext.stock import OPTIONS, exact, to_arrow, to_python

from hydrofoil._cext.arrays.read import (
    ArrayReader,
    BoolReader,
    NumberReader,
    ObjectReader,
    TimestampReader,
)
from hydrofoil._cext.columns import ColumnView, bind_frame
from hydrofoil._cext.export import FrameExport, live_exports
from hydrofoil._cext.frames import CorruptFrame, Frame, FrameReader, IrregularStream
from hydrofoil._cext.objects.base import UndecodableColumn
from hydrofoil.values.type_table import decoder_for

KINDS = [kind for kind, _ in SAMPLES]
ARROW = [to_arrow_type(kind, timezone="UTC") for kind in KINDS]
VIEWS = [ColumnView.of_type(kind) for kind in ARROW]
DECODERS = [decoder_for(kind, view, OPTIONS) for kind, view in zip(KINDS, VIEWS, strict=True)]
NUMBERS = {"c": "int8", "s": "int16", "i": "int32", "l": "int64", "f": "float32", "g": "float64"}
SCHEMAS = [pa.schema([("c", kind)]) for kind in ARROW]
EXPORTS = [FrameExport(schema) for schema in SCHEMAS]
COMPARE = 0x80

# What garbage is refused with. pyarrow's own errors are stock's.
REFUSED = (CorruptFrame, ValueError, pa.ArrowException)
# What a value itself is refused with: no such text, no such date.
NO_VALUE = (UndecodableColumn, UnicodeDecodeError, OverflowError, ValueError)


def one(data: bytes) -> None:
    if not data:
        return
    i = (data[0] & ~COMPARE) % len(KINDS)
    with suppress(IrregularStream):
        for frame in FrameReader(io.BytesIO(data[1:])):
            read(i, frame)
            export(i, frame)
            if data[0] & COMPARE:
                compare(i, frame)
    VIEWS[i].release()
    # What pyarrow was lent it has given back.
    assert live_exports() == 0


def read(i: int, frame: Frame) -> list[Any] | None:
    try:
        bind_frame(frame, [VIEWS[i]])
    except REFUSED:
        return None
    # Lists share what is in them, so the values can be more than the bytes are.
    if frame.length > 1 << 16:
        return None
    values = None
    with suppress(*NO_VALUE):
        values = DECODERS[i].decode(VIEWS[i])
    with suppress(*NO_VALUE):
        array_reader(i).read(VIEWS[i])
    return values


def array_reader(i: int) -> ArrayReader:
    kind = VIEWS[i].format
    if kind in NUMBERS:
        return NumberReader(NUMBERS[kind])
    if kind == "b":
        return BoolReader()
    if kind.startswith("tsu:"):
        return TimestampReader()
    return ObjectReader(DECODERS[i])


def export(i: int, frame: Frame) -> Any:
    """The frame as pyarrow's, whose offsets are looked at before anything follows them."""
    take = pa.RecordBatch._import_from_c
    try:
        batch = EXPORTS[i].record_batch(frame, [0], take, SCHEMAS[i])
        batch.validate(full=True)
    except REFUSED:
        return None
    return batch


def compare(i: int, frame: Frame) -> None:
    """Stock's values, if pyarrow finds nothing wrong."""
    values = read(i, frame)
    batch = export(i, frame)
    if batch is None or values is None:
        return
    assert exact(values) == exact(to_python(KINDS[i], batch.column(0)))


def seeds() -> list[bytes]:
    """Inputs that are in order: each type's samples, with nulls, and in two batches."""
    return [bytes([i | COMPARE]) + stream_of(i) for i in range(len(KINDS))]


def stream_of(i: int) -> bytes:
    array = to_arrow(KINDS[i], [*SAMPLES[i][1], None])
    batch = pa.record_batch([array], schema=SCHEMAS[i])
    file = io.BytesIO()
    with pa.ipc.new_stream(file, SCHEMAS[i]) as out:
        out.write_batch(batch)
        out.write_batch(batch.slice(1))
    return file.getvalue()
