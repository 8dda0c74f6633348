"""IPC messages: frames against pyarrow's reading of the same bytes, and damage of every kind."""

import io
import struct

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrofoil._cext.columns import ColumnView, bind_frame
from hydrofoil._cext.frames import CorruptFrame, FrameReader, IrregularStream
from hydrofoil.stream.batches import read_batches

BATCH = pa.record_batch(
    [pa.array([1, None, 3]), pa.array(["a", "bc", None]), pa.array([[1.0], [], None])],
    ["l", "s", "a"],
)


def stream_of(*batches, **options):
    file = io.BytesIO()
    with pa.ipc.new_stream(
        file, batches[0].schema, options=pa.ipc.IpcWriteOptions(**options)
    ) as out:
        for batch in batches:
            out.write_batch(batch)
    return file.getvalue()


STREAM = stream_of(BATCH, BATCH.slice(1), BATCH.slice(0, 0))


def as_record_batches(stream):
    schema = None
    for item in read_batches(io.BytesIO(stream)):
        if isinstance(item, pa.RecordBatch):
            yield item
            continue
        schema = schema or pa.ipc.read_schema(pa.py_buffer(item.schema_message))
        yield pa.ipc.read_record_batch(pa.py_buffer(item.message()), schema)


def test_reads_what_pyarrow_reads():
    assert list(as_record_batches(STREAM)) == list(pa.ipc.open_stream(STREAM))


def test_leaves_the_file_behind_the_stream():
    file = io.BytesIO(STREAM + b"next")
    assert len(list(read_batches(file))) == 3
    assert file.read() == b"next"


def test_compressed_batches_are_seen_as_such():
    (frame,) = FrameReader(io.BytesIO(stream_of(BATCH, compression="lz4")))
    assert frame.compressed


@pytest.mark.parametrize(
    "stream",
    [
        STREAM[:-8],  # no end marker
        stream_of(BATCH, use_legacy_format=True),  # no continuation markers
        stream_of(pa.record_batch([pa.array(["x", "y", "x"]).dictionary_encode()], ["d"])),
    ],
    ids=["no-end", "legacy", "dictionary"],
)
def test_what_only_pyarrow_reads_is_left_to_it(stream):
    assert list(as_record_batches(stream)) == list(pa.ipc.open_stream(stream))


def outcome(read):
    try:
        return [batch.to_pydict() for batch in read()]
    except (pa.ArrowException, OSError, EOFError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("size", range(0, len(STREAM), 13))
def test_a_truncated_stream_is_what_it_is_to_pyarrow(size):
    cut = STREAM[:size]
    stock = outcome(lambda: pa.ipc.open_stream(io.BytesIO(cut)))
    assert outcome(lambda: as_record_batches(cut)) == stock


@pytest.mark.parametrize("position", range(len(STREAM)))
def test_a_garbled_stream_never_reads_out_of_bounds(position):
    views = [ColumnView.of_type(field.type) for field in BATCH.schema]
    for byte in (0x00, 0x01, 0x40, 0x7F, 0x80, 0xFF):
        garbled = bytearray(STREAM)
        garbled[position] = byte
        try:
            for frame in FrameReader(io.BytesIO(bytes(garbled))):
                bind_frame(frame, views)
        except (CorruptFrame, IrregularStream, ValueError):
            pass


@pytest.mark.parametrize("nulls", [1, 3, -1, -(2**40)])
def test_nulls_without_a_bitmap_are_not_believed(nulls):
    stream = stream_of(pa.record_batch([pa.array([7, 8, 9])], ["l"]))
    node = struct.pack("<qq", 3, 0)  # Length and null count, the last that precedes the values.
    place = stream.rfind(node)
    garbled = stream[:place] + struct.pack("<qq", 3, nulls) + stream[place + len(node) :]
    (frame,) = FrameReader(io.BytesIO(garbled))
    error = ValueError if nulls < 0 else CorruptFrame
    with pytest.raises(error, match="validity buffer is too short"):
        bind_frame(frame, [ColumnView.of_type(pa.int64())])


@pytest.mark.parametrize(
    ("viewed", "array"),
    [
        (pa.int64(), pa.array([1], pa.int32())),
        (pa.string(), pa.array([1])),
        (pa.list_(pa.int64()), pa.array([[1]], pa.list_(pa.int8()))),
        (pa.struct({"a": pa.string()}), pa.array([{"a": "x", "b": 1}])),
        (pa.string(), pa.array(["x"]).dictionary_encode()),
        (pa.string(), pa.array(["x"], pa.large_string())),
    ],
    ids=str,
)
def test_arrays_of_another_layout_are_refused(viewed, array):
    view = ColumnView.of_type(viewed)
    with pytest.raises(TypeError):
        view.bind(array)
    assert view.length == 0
    view.bind(pa.nulls(3, viewed))


def test_offsets_beyond_the_text_reach_nobody():
    """pyarrow reads past the end of such a batch: it is given to nobody."""
    stream = stream_of(pa.record_batch([pa.array(["ab", "cd"])], ["s"]))
    offsets = struct.pack("<iii", 0, 2, 4)
    place = stream.rfind(offsets)
    garbled = stream[:place] + struct.pack("<iii", 0, 2**30, 4) + stream[place + 12 :]
    (frame,) = FrameReader(io.BytesIO(garbled))
    with pytest.raises(CorruptFrame, match="offsets are out of bounds or not ascending"):
        bind_frame(frame, [ColumnView.of_type(pa.string())])
    assert not issubclass(CorruptFrame, ValueError)  # Which means that pyarrow may have a try.


@settings(deadline=None, max_examples=400)
@given(st.integers(0, len(STREAM) - 1), st.integers(0, 255))
def test_a_drawn_garbled_stream_never_reads_out_of_bounds(position, byte):
    garbled = bytearray(STREAM)
    garbled[position] = byte
    views = [ColumnView.of_type(field.type) for field in BATCH.schema]
    try:
        for frame in FrameReader(io.BytesIO(bytes(garbled))):
            bind_frame(frame, views)
    except (CorruptFrame, IrregularStream, ValueError):
        pass


@given(st.binary(max_size=200))
def test_noise_is_no_stream(noise):
    with pytest.raises(IrregularStream) as caught:
        FrameReader(io.BytesIO(noise))
    assert noise.startswith(caught.value.consumed)
