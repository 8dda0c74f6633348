"""Streams between the JVM and a task's plan: frames in, encoded columns or record batches out."""

import io
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from hydrofoil._cext.codecs.base import write_batch
from hydrofoil._cext.frames import Frame, FrameReader, FrameWriter, IrregularStream


class Rewound(io.RawIOBase):
    """A file whose first bytes have been read already and are given again.

    Closing it leaves the file open: it is the connection to the JVM.
    """

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise ValueError("a stream to the JVM has no end to read to")
        head, self._head = self._head[:size], self._head[size:]
        return head + self._rest.read(size - len(head)) if len(head) < size else head


class Encoded:
    """A record batch whose columns lie in encoders, until the next one is asked for."""

    __slots__ = ("encoders", "rows")

    def __init__(self, encoders: list[Any], rows: int) -> None:
        self.encoders = encoders
        self.rows = rows


def read_batches(stream: BinaryIO) -> Iterator[Frame | pa.RecordBatch]:
    """The record batches of one Arrow stream, as ``pa.RecordBatch`` from where it is irregular.

    What pyarrow would raise at a damaged stream it raises here, for it reads that part itself.
    """
    reader = None
    try:
        reader = FrameReader(stream)
        for frame in reader:
            frame.schema_message = reader.schema_message
            yield frame
    except IrregularStream as irregular:
        head = reader.schema_message if reader is not None else b""
        yield from pa.ipc.open_stream(Rewound(head + irregular.consumed, stream))


def write_batches(
    batches: Iterable[Encoded | pa.RecordBatch],
    schema_message: bytes,
    stream: BinaryIO,
    *,
    start: bytes,
    flush_each: bool,
) -> None:
    """Write one Arrow stream.

    ``start`` precedes it, once the first batch is there; without one nothing is written. The end
    marker is written even when ``batches`` raises, as stock does.
    """
    writer = None
    try:
        for batch in batches:
            if writer is None:
                stream.write(start)
                writer = FrameWriter(stream)
                writer.write_message(schema_message)
            if isinstance(batch, Encoded):
                write_batch(writer, batch.encoders, batch.rows)
            else:
                writer.write_message(batch.serialize().to_pybytes())
            if flush_each:
                stream.flush()
    finally:
        if writer is not None:
            writer.write_end()
