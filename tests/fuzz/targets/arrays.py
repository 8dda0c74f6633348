"""Arrays that users return: of any dtype, strides and contents, in every writer of columns.

What a writer takes is what pyarrow makes of the same array, as stock has it; also where values
before it were taken back.
"""

import io
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fuzz.arrow import same
from fuzz.choices import Choices
from hydrofoil._cext.arrays import write
from hydrofoil._cext.columns import ColumnView, live_buffers
from hydrofoil._cext.frames import FrameWriter
from hydrofoil._cext.objects.base import write_batch

WRITERS: list[tuple[Any, pa.DataType]] = [
    *(
        (lambda w=width: write.IntegerWriter(w), pa.type_for_alias(f"int{8 * width}"))
        for width in (1, 2, 4, 8)
    ),
    (write.FloatWriter, pa.float32()),
    (write.DoubleWriter, pa.float64()),
    (write.BoolWriter, pa.bool_()),
    (write.DateWriter, pa.date32()),
    (write.StringWriter, pa.string()),
    (lambda: write.StringWriter(wide=True), pa.large_string()),
    (write.BinaryWriter, pa.binary()),
    (write.TimestampWriter, pa.timestamp("us")),
]
# From here on, an input's first byte says that the column is a field, or the array's own memory.
IN_STRUCT, BORROWED = 200, 248
DTYPES = [
    *("i1", "i2", "i4", "i8", "u1", "u4", "u8", "f2", "f4", "f8", "?", "c8", ">i4", ">f8"),
    *("M8[ns]", "M8[us]", "M8[s]", "m8[ns]", "S3", "U2", "V4", "i4,f4"),
]
OBJECTS = [
    None,
    1,
    2**63 - 1,
    2**70,
    -1,
    True,
    1.5,
    float("nan"),
    "a",
    "später",
    "\ud800",
    b"\0\xff",
]
OBJECTS += [
    date(1, 1, 1),
    date(9999, 12, 31),
    "x" * 300,
    np.int64(3),
    np.float64(1),
    np.bool_(True),
]
OBJECTS += [np.float64("nan"), bytearray(b"x"), [1], {}, (), np.datetime64("2020-01-01"), object()]


def one(data: bytes) -> None:
    before = live_buffers()
    choices = Choices(data)
    form = choices.byte()
    if form >= BORROWED:
        borrowed(choices)
    else:
        make, kind = WRITERS[form % len(WRITERS)]
        written(choices, make(), kind, in_struct=form >= IN_STRUCT)
    assert live_buffers() == before


def written(choices: Choices, writer: Any, kind: pa.DataType, *, in_struct: bool) -> None:
    taken: list[pa.Array] = []
    for _ in range(1 + choices.byte() % 4):
        how = choices.byte() % 8
        if how % 4 == 0:
            value, count = choices.of(OBJECTS), choices.byte() % 9
            if tried(writer, count, writer.append, value, count):
                taken.append(pa.array([missing(value)] * count, kind))
        elif how == 1 and taken:
            writer.truncate(writer.length - len(taken.pop()))
        elif how == 2 and isinstance(writer, write.StringWriter | write.BinaryWriter):
            array = viewed(choices, text=isinstance(writer, write.StringWriter))
            view = ColumnView.of_type(array.type).bind(array)
            if tried(writer, len(array), writer.extend_view, view):
                taken.append(array.cast(kind))
            view.release()
        elif how == 3 and isinstance(writer, write.TimestampWriter):
            days = np.frombuffer(choices.take(24).ljust(24, b"\0"), "M8[ns]")
            times = pd.Series(days.astype(choices.of(["M8[ns]", "M8[us]", "M8[s]"]))).array
            array = writer.localized(times)
            if tried(writer, len(array), writer.extend, array):
                taken.append(pa.Array.from_pandas(times, type=kind))
        else:
            array = made(choices)
            if tried(writer, array.size, writer.extend, array):
                taken.append(pa.Array.from_pandas(array, type=kind))
    look(writer, kind, taken, in_struct=in_struct)
    if choices.byte() & 1:
        writer.clear()
        look(writer, kind, [], in_struct=in_struct)


def tried(writer: Any, size: int, take: Any, *arguments: Any) -> bool:
    """Whether it was taken: whole, or nothing of it."""
    length = writer.length
    done: bool = take(*arguments)
    assert writer.length == length + done * size
    return done


def viewed(choices: Choices, *, text: bool) -> pa.Array:
    """A column of Arrow's own, sliced, of either width of offsets."""
    values: list[Any] = [
        None if size % 5 == 4 else choices.take(size % 20) for size in choices.take(6)
    ]
    if text:
        values = [None if value is None else value.decode("latin-1") for value in values]
    kinds = [pa.string(), pa.large_string()] if text else [pa.binary(), pa.large_binary()]
    array: pa.Array = pa.array(values, choices.of(kinds))
    return array.slice(choices.byte() % 3)


def borrowed(choices: Choices) -> None:
    """An array's own memory as a column; a different one is let go."""
    writer = write.BorrowedWriter()
    for _ in range(1 + choices.byte() % 2):
        kind = choices.of([pa.int8(), pa.int32(), pa.float64()])
        raw = choices.take(choices.byte()).ljust(8, b"\0")
        rows = len(raw) * 8 // kind.bit_width
        array = np.frombuffer(raw, kind.to_pandas_dtype(), rows)
        writer.take(array, rows)
        look(writer, kind, [pa.array(array)])
    try:
        writer.take(array[::2], len(array[::2]))
    except ValueError:
        assert len(array) > 2
        assert writer.length == 0


def missing(value: Any) -> Any:
    return None if value != value else value


def made(choices: Choices) -> Any:
    if choices.byte() % 3 == 0:
        array = np.empty(choices.byte() % 20, object)
        for i in range(len(array)):
            array[i] = choices.of(OBJECTS)
        return array[:: choices.of([1, 2, -1])]
    dtype = np.dtype(choices.of(DTYPES))
    raw = choices.take(choices.byte())
    start = choices.byte() % 4  # Not where its values should be in memory.
    count = max(0, len(raw) - start) // dtype.itemsize
    array = np.frombuffer(raw, dtype, count, start) if count else np.empty(0, dtype)
    how = choices.byte() % 6
    if how == 1:
        return array[::-2]
    if how == 2:
        return array.reshape(1, -1)
    if how == 3:
        return np.broadcast_to(array[:1], (choices.byte() % 5,)) if count else array
    if how == 4:
        return np.array(array, copy=True)
    if how == 5:
        return np.ma.masked_array(array) if dtype.names is None else array
    return array


def look(writer: Any, kind: pa.DataType, taken: list[pa.Array], *, in_struct: bool = False) -> None:
    file = io.BytesIO()
    out = FrameWriter(file)
    sent = pa.struct([("f", kind)]) if in_struct else kind
    out.write_message(pa.schema([("c", sent)]).serialize().to_pybytes())
    column_writer = writer
    if in_struct:
        column_writer = write.StructWriter([writer])
        column_writer.set_length(writer.length)
    write_batch(out, [column_writer], writer.length)
    out.write_end()
    column = pa.ipc.open_stream(file.getvalue()).read_next_batch().column(0)
    column.validate(full=True)
    if in_struct:
        [column] = column.flatten()
    expected = pa.chunked_array(taken, kind).combine_chunks() if taken else pa.array([], kind)
    assert same(column, expected)


def seeds() -> list[bytes]:
    """Bytes by a fixed rule, for each writer."""
    return [
        bytes([i]) + bytes((j * j * (i + 1) + 7 * j) % 253 for j in range(200))
        for i in [*range(len(WRITERS)), IN_STRUCT, BORROWED]
    ]
