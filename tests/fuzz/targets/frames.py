"""The frame reader and the tables of its metadata: a stream's bytes, or one message's."""

import io

from fuzz.targets import columns
from hydrofoil._cext.frames import Frame, FrameReader, IrregularStream


def one(data: bytes) -> None:
    file = io.BytesIO(data)
    read = 0
    schema = b""
    try:
        reader = FrameReader(file)
        schema = reader.schema_message
        read = len(schema)
        for frame in reader:
            same_again(frame)
            read += len(frame.message())
    except IrregularStream as irregular:
        # Nothing of the stream is lost, so that somebody else can read it.
        assert data[read : read + len(irregular.consumed)] == irregular.consumed
        assert read + len(irregular.consumed) == file.tell()
    if schema:
        assert FrameReader(io.BytesIO(data), schema).schema_message == schema
    try:
        frame = Frame.of_message(data)
    except ValueError:
        return
    same_again(frame)


def same_again(frame: Frame) -> None:
    again = Frame.of_message(frame.message())
    assert again.message() == frame.message()
    assert (again.length, again.node_count) == (frame.length, frame.node_count)


def seeds() -> list[bytes]:
    """Streams of all samples."""
    return [columns.stream_of(i) for i in range(0, len(columns.SAMPLES), 6)]
