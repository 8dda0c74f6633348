"""Arrays that users return: of any dtype, strides and contents, in every writer of columns.

What a writer takes is what pyarrow makes of the same array, as stock has it.
"""

import io
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from fuzz.arrow import same
from fuzz.choices import Choices
from hydrofoil._cext.arrays import write
from hydrofoil._cext.columns import live_buffers
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
    make, kind = choices.of(WRITERS)
    writer = make()
    taken = []
    for _ in range(1 + choices.byte() % 3):
        if choices.byte() % 4 == 0:
            value, count = choices.of(OBJECTS), choices.byte() % 9
            length = writer.length
            if writer.append(value, count):
                taken.append(pa.array([missing(value)] * count, kind))
            assert writer.length == length + (count if taken and writer.length > length else 0)
        else:
            array = made(choices)
            if writer.extend(array):
                taken.append(pa.Array.from_pandas(array, type=kind))
    if choices.byte() & 1 and taken:
        writer.truncate(writer.length - len(taken.pop()))
    look(writer, kind, taken)
    del writer
    assert live_buffers() == before


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


def look(writer: Any, kind: pa.DataType, taken: list[pa.Array]) -> None:
    file = io.BytesIO()
    out = FrameWriter(file)
    out.write_message(pa.schema([("c", kind)]).serialize().to_pybytes())
    write_batch(out, [writer], writer.length)
    out.write_end()
    column = pa.ipc.open_stream(file.getvalue()).read_next_batch().column(0)
    column.validate(full=True)
    expected = pa.chunked_array(taken, kind).combine_chunks() if taken else pa.array([], kind)
    assert same(column, expected)


def seeds() -> list[bytes]:
    """Bytes by a fixed rule, for each writer."""
    return [
        bytes([i]) + bytes((j * j * (i + 1) + 7 * j) % 253 for j in range(200))
        for i in range(len(WRITERS))
    ]
