"""Columns as arrays and back, against pyarrow's own conversions."""

import datetime as dt
import decimal
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hydrofoil._cext.arrays import read, write
from hydrofoil._cext.columns import ColumnView, bind_frame, live_buffers
from hydrofoil._cext.frames import Frame, FrameReader, FrameWriter
from hydrofoil._cext.objects.base import UndecodableColumn, write_batch
from hydrofoil._cext.objects.decimal128 import DecimalDecoder
from hydrofoil._cext.objects.temporal import DateDecoder
from hydrofoil._cext.objects.varlen import BytesDecoder, StringDecoder

DAYS = [dt.date(1, 1, 1), dt.date(1969, 12, 31), None, dt.date(9999, 12, 31), dt.date(2024, 2, 29)]
CENTS = [decimal.Decimal("1.10"), None, decimal.Decimal("-99999999.99")]


def frame_of(array: pa.Array) -> Frame:
    """A frame with the array as its only column, through IPC."""
    file = io.BytesIO()
    batch = pa.record_batch([array], names=["x"])
    with pa.ipc.new_stream(file, batch.schema) as writer:
        writer.write_batch(batch)
    file.seek(0)
    return next(FrameReader(file))


def column_of(array: pa.Array) -> ColumnView:
    """A view bound to the array as it comes out of a stream."""
    view = ColumnView.of_type(array.type)
    bind_frame(frame_of(array), [view])
    return view


READERS: list[tuple[str, Callable[[], read.ArrayReader], pa.Array]] = [
    *(
        (f"{dtype} {name}", lambda dtype=dtype: read.NumberReader(dtype), pa.array(values, dtype))
        for dtype in ("int8", "int16", "int32", "int64", "float32", "float64")
        for name, values in (
            ("plain", [1, -2, 3]),
            ("nulls", [1, None, -3]),
            ("all null", [None, None]),
            ("empty", []),
        )
    ),
    ("bool", read.BoolReader, pa.array([True, False, True] * 7)),
    ("bool nulls", read.BoolReader, pa.array([True, None, False])),
    ("bool empty", read.BoolReader, pa.array([], pa.bool_())),
    ("text", lambda: read.ObjectReader(StringDecoder()), pa.array(["a", "", None, "ä", "𝄞", "a"])),
    (
        "bytes",
        lambda: read.ObjectReader(BytesDecoder()),
        pa.array([b"a", b"", None, b"\x00", b"a"]),
    ),
    ("date", lambda: read.ObjectReader(DateDecoder()), pa.array(DAYS)),
    (
        "decimal",
        lambda: read.ObjectReader(DecimalDecoder(2)),
        pa.array(CENTS, pa.decimal128(10, 2)),
    ),
    ("naive", read.TimestampReader, pa.array([1, None, -1], pa.timestamp("us"))),
    ("naive plain", read.TimestampReader, pa.array([1, 2**52, -1], pa.timestamp("us"))),
]


@pytest.mark.parametrize(("make", "array"), [r[1:] for r in READERS], ids=[r[0] for r in READERS])
def test_reads_what_pyarrow_gives(make: Any, array: pa.Array) -> None:
    if pa.types.is_timestamp(array.type):
        # As stock has them on every pandas.
        expected = array.cast(pa.timestamp("ns")).to_numpy(zero_copy_only=False)
    elif pa.types.is_string(array.type):
        expected = np.array([*array.to_pylist(), None], dtype=object)[:-1]
    else:
        expected = array.to_pandas().to_numpy()
    actual = make().read(column_of(array))
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)
    if actual.dtype == object:
        assert list(map(type, actual)) == list(map(type, expected))


def test_views_are_read_only_and_keep_the_body() -> None:
    frame = frame_of(pa.array([1, 2, 3]))
    view = ColumnView.of_type(pa.int64())
    bind_frame(frame, [view])
    values = read.NumberReader("int64").read(view)
    view.release()
    del frame
    assert values.tolist() == [1, 2, 3]
    assert not values.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 7


def test_equal_text_is_one_object() -> None:
    words = [f"word number {i % 5}" for i in range(1000)]
    values = read.ObjectReader(StringDecoder()).read(column_of(pa.array(words)))
    assert values.tolist() == words
    assert len(set(map(id, values))) == 5


def test_more_text_than_the_cache_holds() -> None:
    words = [f"word number {i % 4000}" for i in range(9000)]
    values = read.ObjectReader(StringDecoder()).read(column_of(pa.array(words)))
    assert values.tolist() == words


def test_timestamps_beyond_nanoseconds_are_left() -> None:
    with pytest.raises(UndecodableColumn, match="nanoseconds"):
        read.TimestampReader().read(column_of(pa.array([2**60], pa.timestamp("us"))))


def test_local_times() -> None:
    array = pa.array([0, None, 10], pa.timestamp("us", "Asia/Kolkata"))
    values = read.TimestampReader(lambda instants: instants + 19_800_000_000).read(column_of(array))
    assert values.astype("int64").tolist() == [
        19_800_000_000_000,
        np.iinfo("int64").min,
        19_800_000_010_000,
    ]
    with pytest.raises(UndecodableColumn, match="local times"):
        read.TimestampReader(lambda instants: instants[:1]).read(column_of(array))


WRITERS: list[tuple[str, Callable[[], write.ArrayWriter], np.ndarray, pa.DataType]] = [
    *(
        (
            f"int{8 * width} {name}",
            lambda width=width: write.IntegerWriter(width),
            values.astype(f"int{8 * width}")[step],
            pa.from_numpy_dtype(f"int{8 * width}"),
        )
        for width in (1, 2, 4, 8)
        for values in (np.arange(-50, 50),)
        for name, step in (("plain", slice(None)), ("reversed", slice(None, None, -3)))
    ),
    ("double", write.DoubleWriter, np.array([1.5, np.nan, np.inf, -0.0]), pa.float64()),
    ("double strided", write.DoubleWriter, np.arange(12.0).reshape(3, 4)[:, 1], pa.float64()),
    ("float", write.FloatWriter, np.array([1.5, np.nan], dtype="float32"), pa.float32()),
    ("bool", write.BoolWriter, np.arange(20) % 3 == 0, pa.bool_()),
    ("bool strided", write.BoolWriter, (np.arange(40) % 3 == 0)[::-2], pa.bool_()),
    (
        "text",
        write.StringWriter,
        np.array(["a", None, float("nan"), "ä𝄞", ""], dtype=object),
        pa.string(),
    ),
    (
        "wide text",
        lambda: write.StringWriter(wide=True),
        np.array(["a", None, "b"], dtype=object)[::-1],
        pa.large_string(),
    ),
    ("bytes", write.BinaryWriter, np.array([b"a", None, b""], dtype=object), pa.binary()),
    ("date", write.DateWriter, np.array(DAYS, dtype=object), pa.date32()),
    (
        "nanoseconds",
        write.TimestampWriter,
        np.array([1000, -5000, "NaT"], dtype="datetime64[ns]"),
        pa.timestamp("us"),
    ),
    (
        "microseconds",
        write.TimestampWriter,
        np.array([1, -5, "NaT"], dtype="datetime64[us]"),
        pa.timestamp("us"),
    ),
]


def written(writers: list[Any], rows: int, schema: pa.Schema) -> pa.RecordBatch:
    """The columns as pyarrow reads them from a stream."""
    file = io.BytesIO()
    stream = FrameWriter(file)
    stream.write_message(schema.serialize().to_pybytes())
    write_batch(stream, writers, rows)
    stream.write_end()
    file.seek(0)
    (batch,) = pa.ipc.open_stream(file)
    batch.validate(full=True)
    return batch


@pytest.mark.parametrize(
    ("make", "values", "arrow_type"), [w[1:] for w in WRITERS], ids=[w[0] for w in WRITERS]
)
def test_writes_what_pyarrow_makes(make: Any, values: np.ndarray, arrow_type: pa.DataType) -> None:
    series = pd.Series(values, dtype=values.dtype)
    expected = pa.Array.from_pandas(series, mask=series.isnull(), type=arrow_type)
    writer = make()
    # Twice, so that the second begins inside a byte of the bitmaps.
    assert writer.extend(values)
    assert writer.extend(values)
    batch = written([writer], 2 * len(values), pa.schema([("x", arrow_type)]))
    assert batch.column(0).equals(pa.concat_arrays([expected, expected]))
    writer.clear()
    assert writer.extend(values)
    batch = written([writer], len(values), pa.schema([("x", arrow_type)]))
    assert batch.column(0).equals(expected)


LEFT: list[tuple[str, Callable[[], write.ArrayWriter], Any]] = [
    ("other width", lambda: write.IntegerWriter(8), np.arange(3, dtype="int32")),
    ("unsigned", lambda: write.IntegerWriter(8), np.arange(3, dtype="uint64")),
    ("floats for integers", lambda: write.IntegerWriter(8), np.arange(3.0)),
    ("big-endian", lambda: write.IntegerWriter(8), np.arange(3, dtype=">i8")),
    ("timedelta", lambda: write.IntegerWriter(8), np.arange(3).astype("timedelta64[ns]")),
    ("integers for doubles", write.DoubleWriter, np.arange(3)),
    ("half floats", write.FloatWriter, np.arange(3, dtype="float16")),
    ("bytes for bool", write.BoolWriter, np.arange(3, dtype="uint8")),
    ("mixed text", write.StringWriter, np.array(["a", "b", 1], dtype=object)),
    ("subclass of str", write.StringWriter, np.array(["a", np.str_("b")], dtype=object)),
    ("surrogate", write.StringWriter, np.array(["a", "\ud800"], dtype=object)),
    ("fixed-width text", write.StringWriter, np.array(["a", "b"])),
    ("text for bytes", write.BinaryWriter, np.array([b"a", "b"], dtype=object)),
    ("datetime for date", write.DateWriter, np.array([DAYS[0], dt.datetime.now()], dtype=object)),
    ("part of a microsecond", write.TimestampWriter, np.array([1000, 1], "datetime64[ns]")),
    ("seconds", write.TimestampWriter, np.array([1], "datetime64[s]")),
    ("two dimensions", write.DoubleWriter, np.ones((2, 2))),
]


@pytest.mark.parametrize(("make", "values"), [x[1:] for x in LEFT], ids=[x[0] for x in LEFT])
def test_leaves_the_rest_and_keeps_what_was_there(make: Any, values: Any) -> None:
    writer = make()
    assert writer.append(None, 3)
    before = writer.nbytes()
    assert not writer.extend(values)
    assert (writer.length, writer.null_count, writer.nbytes()) == (3, 3, before)


def test_single_results() -> None:
    writer = write.DoubleWriter()
    assert writer.append(1.5, 2)
    assert writer.append(np.float64("nan"))
    assert not writer.append(1)
    assert not writer.append(np.float32(1))
    batch = written([writer], 3, pa.schema([("x", pa.float64())]))
    assert batch.column(0).to_pylist() == [1.5, 1.5, None]
    integers = write.IntegerWriter(2)
    assert integers.append(np.int64(-7))
    assert not integers.append(40_000)
    assert not integers.append(True)
    assert not integers.append(2**70)
    assert integers.append(-32768)
    batch = written([integers], 2, pa.schema([("x", pa.int16())]))
    assert batch.column(0).to_pylist() == [-7, -32768]


def test_truncating_gives_nulls_back() -> None:
    for writer, value, arrow_type in (
        (write.DoubleWriter(), 1.0, pa.float64()),
        (write.BoolWriter(), True, pa.bool_()),
        (write.StringWriter(), "text", pa.string()),
    ):
        assert writer.append(value, 5)
        assert writer.append(None, 9)
        writer.truncate(6)
        assert writer.null_count == 1
        assert writer.append(value, 10)
        batch = written([writer], 16, pa.schema([("x", arrow_type)]))
        assert batch.column(0).to_pylist() == [value] * 5 + [None] + [value] * 10


def test_a_struct_has_its_fields_rows() -> None:
    fields = [write.DoubleWriter(), write.StringWriter()]
    struct = write.StructWriter(fields)
    fields[0].append(1.0, 2)
    fields[1].append("a", 2)
    struct.set_length(2)
    schema = pa.schema([("s", pa.struct([("v", pa.float64()), ("t", pa.string())]))])
    assert written([struct], 2, schema).column(0).to_pylist() == [{"v": 1.0, "t": "a"}] * 2
    struct.set_length(3)
    with pytest.raises(ValueError, match="a field has 2 values, its struct 3"):
        written([struct], 3, schema)


def test_nothing_leaks() -> None:
    before = live_buffers()
    writer = write.StringWriter()
    assert writer.extend(np.array(["a", None], dtype=object))
    assert live_buffers() > before
    del writer
    assert live_buffers() == before
