"""Streams of groups, and the answers' header."""

import io
import struct
from typing import Any

import pyarrow as pa
import pytest
from pyspark.serializers import read_int

from hydrofoil._cext.arrays.write import IntegerWriter
from hydrofoil._cext.export import FrameExport
from hydrofoil._cext.frames import CorruptFrame, FrameReader
from hydrofoil.stream.batches import (
    Encoded,
    read_batches,
    read_cogroups,
    read_groups,
    record_batch,
    sound,
    uncompressed,
    write_batches,
)

SCHEMA = pa.schema([("a", pa.int64())])
WITHOUT_NULLS = pa.schema([pa.field("a", pa.int64(), nullable=False)])
START = b"start"


def stream_of(*values: list[int], schema: pa.Schema = SCHEMA, **options: str) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, schema, options=pa.ipc.IpcWriteOptions(**options)) as out:
        for batch in values:
            out.write_batch(pa.record_batch([pa.array(batch, pa.int64())], schema=schema))
    return file.getvalue()


def groups_of(*streams: tuple[bytes, ...]) -> io.BytesIO:
    parts = [struct.pack(">i", len(group)) + b"".join(group) for group in streams]
    return io.BytesIO(b"".join(parts) + struct.pack(">i", 0) + b"rest")


def test_groups_share_one_schema_message() -> None:
    file = groups_of((stream_of([1], [2, 3]),), (stream_of([4]),))
    frames = [list(group) for group in read_groups(file, read_int, ValueError)]
    assert [[frame.length for frame in group] for group in frames] == [[1, 2], [1]]
    assert len({id(frame.schema_message) for group in frames for frame in group}) == 1
    assert file.read() == b"rest"


def test_groups_may_change_their_schema() -> None:
    other = pa.schema([("b", pa.int64())])
    file = groups_of((stream_of([1]),), (stream_of([2], schema=other),))
    groups = read_groups(file, read_int, ValueError)
    first, second = [frame.schema_message for group in groups for frame in group]
    assert pa.ipc.read_schema(pa.py_buffer(first)) == SCHEMA
    assert pa.ipc.read_schema(pa.py_buffer(second)) == other


def test_cogroups_are_read_whole() -> None:
    file = groups_of((stream_of([1]), stream_of()), (stream_of(), stream_of([2], [3])))
    sizes = [(len(left), len(right)) for left, right in read_cogroups(file, read_int, ValueError)]
    assert sizes == [(1, 0), (0, 2)]


@pytest.mark.parametrize(("read", "streams"), [(read_groups, 2), (read_cogroups, 1)])
def test_another_number_of_streams_is_refused(read: object, streams: int) -> None:
    file = groups_of((stream_of([1]),) * streams)
    with pytest.raises(ValueError, match=str(streams)):
        list(read(file, read_int, lambda count: ValueError(count)))  # type: ignore[operator]


def test_compressed_batches_become_frames() -> None:
    data = stream_of([5] * 1000, compression="zstd")
    (frame,) = read_batches(io.BytesIO(data))
    assert frame.compressed
    (batch,) = pa.ipc.open_stream(data)
    plain = uncompressed(batch)
    assert not plain.compressed
    assert pa.ipc.read_record_batch(pa.py_buffer(plain.message()), SCHEMA).equals(batch)


def written(*batches: Encoded | pa.RecordBatch, strict: bool = False) -> list[pa.RecordBatch]:
    file = io.BytesIO()
    message = SCHEMA.serialize().to_pybytes()
    write_batches(batches, message, file, start=START, flush_each=False, strict=strict)
    data = file.getvalue()
    return list(pa.ipc.open_stream(data.removeprefix(START))) if data else []


def encoded(*values: int) -> Encoded:
    writer = IntegerWriter(8)
    for value in values:
        writer.append(value)
    return Encoded([writer], len(values))


TEXT = pa.record_batch([pa.array(["ab", "cd"])], ["s"])
OFFSETS = struct.pack("<3i", 0, 2, 4)


def corrupt(**options: Any) -> bytes:
    """A stream whose second offset leads out of the text."""
    file = io.BytesIO()
    with pa.ipc.new_stream(file, TEXT.schema, options=pa.ipc.IpcWriteOptions(**options)) as out:
        out.write_batch(TEXT)
    whole = file.getvalue()
    assert whole.count(OFFSETS) == 1
    return whole.replace(OFFSETS, struct.pack("<3i", 0, 2**30, 4))


def test_offsets_that_pyarrow_would_follow() -> None:
    """In a stream that only pyarrow reads, and in a frame that is given to it."""
    irregular = corrupt(use_legacy_format=True)
    with pytest.raises(CorruptFrame, match="offsets"):
        list(read_batches(io.BytesIO(irregular)))
    [frame] = FrameReader(io.BytesIO(corrupt()))
    with pytest.raises(CorruptFrame, match="offsets"):
        record_batch(frame, TEXT.schema)
    take = pa.RecordBatch._import_from_c
    with pytest.raises(CorruptFrame, match="offsets"):
        FrameExport(TEXT.schema).record_batch(frame, [0], take, TEXT.schema)


def test_types_that_the_core_does_not_know_are_looked_at_too() -> None:
    words = pa.array(["ab", "cd", "ab"]).dictionary_encode()
    odd = pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval())
    batch = pa.record_batch([words, odd], ["w", "o"])
    assert sound(batch) is batch
    codes = pa.py_buffer(struct.pack("<3i", 0, 77, 1))
    lying = pa.DictionaryArray.from_buffers(words.type, 3, [None, codes], words.dictionary)
    with pytest.raises(CorruptFrame):
        sound(pa.record_batch([lying], ["w"]))


def test_nothing_is_written_without_batches() -> None:
    assert written() == []


def test_encoded_and_record_batches_take_turns() -> None:
    batch = pa.record_batch([pa.array([3])], schema=SCHEMA)
    read = written(encoded(1, 2), batch, encoded(4))
    assert [b.column(0).to_pylist() for b in read] == [[1, 2], [3], [4]]


def test_nullability_may_differ() -> None:
    batch = pa.record_batch([pa.array([3])], schema=WITHOUT_NULLS)
    assert written(batch, encoded(4))[1].column(0).to_pylist() == [4]


def nested(name: str, nullable: bool) -> pa.DataType:
    """A type of all kinds of nesting, around a struct whose field has this name."""
    inner = pa.struct([pa.field(name, pa.int64(), nullable=nullable)])
    item = pa.field("item", inner, nullable=nullable)
    large = pa.field("item", pa.large_list(item), nullable=nullable)
    fixed = pa.field("value", pa.list_(large, 2), nullable=nullable)
    return pa.list_(pa.field("item", pa.map_(pa.string(), fixed), nullable=nullable))


def rows_of(kind: pa.DataType) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(1, kind)], names=["a"])


def test_nullability_may_differ_at_any_depth() -> None:
    batches = [rows_of(nested("x", nullable)) for nullable in (True, False)]
    assert len(written(*batches)) == len(written(*batches[::-1])) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Their text is the same without its "not null".
        (nested("x", True), nested("x not null", True)),
        (nested("x: int64 not null, y", False), nested("x: int64, y", False)),
        (
            pa.struct([("x", pa.int64()), ("y", pa.int64())]),
            pa.struct([("x: int64, y", pa.int64())]),
        ),
        (pa.map_(pa.string(), pa.int64()), pa.map_(pa.string(), pa.int64(), keys_sorted=True)),
    ],
)
def test_types_are_compared_by_their_parts(one: pa.DataType, other: pa.DataType) -> None:
    for first, second in ((one, other), (other, one)):
        with pytest.raises(pa.ArrowInvalid, match="schema"):
            written(rows_of(first), rows_of(second))


@pytest.mark.parametrize("stock_first", [True, False])
def test_nullability_may_not_differ_where_stock_is_strict(stock_first: bool) -> None:
    batches = [pa.record_batch([pa.array([3])], schema=WITHOUT_NULLS), encoded(4)]
    with pytest.raises(pa.ArrowInvalid, match="schema"):
        written(*(batches if stock_first else batches[::-1]), strict=True)


def test_the_header_is_that_of_what_stock_made() -> None:
    text = pa.record_batch([pa.array(["x"])], names=["a"])
    assert written(text, text)[1].column(0).to_pylist() == ["x"]
    with pytest.raises(pa.ArrowInvalid, match="schema"):
        written(text, encoded(1))
    with pytest.raises(pa.ArrowInvalid, match="schema"):
        written(encoded(1), text)
