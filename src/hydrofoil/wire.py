"""Streams between the JVM and a task's plan: frames in, encoded columns or record batches out."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa

from hydrofoil._cext.codecs.base import write_batch
from hydrofoil._cext.frames import Frame, FrameReader, FrameWriter, IrregularStream

Batch: TypeAlias = "Frame | pa.RecordBatch"
"""What a stream gives: a record batch as `Frame`, or as pyarrow's where it is irregular."""


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

    def __len__(self) -> int:
        return self.rows


class Schema:
    """The schema message that a task's streams last began with.

    A grouped task has one stream a group, all with the same schema: it is the same object for all
    their frames, so that whoever prepares something for a schema can tell by identity.
    """

    __slots__ = ("message",)

    def __init__(self) -> None:
        self.message = b""


def read_batches(stream: BinaryIO, schema: Schema | None = None) -> Iterator[Batch]:
    """The record batches of one Arrow stream, as ``pa.RecordBatch`` from where it is irregular.

    What pyarrow would raise at a damaged stream it raises here, for it reads that part itself.
    """
    reader = None
    schema = schema or Schema()
    try:
        reader = FrameReader(stream, schema.message)
        schema.message = message = reader.schema_message
        for frame in reader:
            frame.schema_message = message
            yield frame
    except IrregularStream as irregular:
        head = reader.schema_message if reader is not None else b""
        yield from pa.ipc.open_stream(Rewound(head + irregular.consumed, stream))


def read_groups(
    stream: BinaryIO, read_count: Callable[[BinaryIO], int], unexpected: Callable[[int], Exception]
) -> Iterator[Iterator[Batch]]:
    """The batches of each group of a grouped task, group by group.

    A group's batches are read as they are asked for: whoever takes a group must take all its
    batches before the next group.

    Parameters
    ----------
    read_count : callable
        Reads how many data frames the next group has; 0 after the last group.
    unexpected : callable
        Makes the error for a group that has another number of data frames than one.
    """
    schema = Schema()
    while count := read_count(stream):
        if count == 1:
            yield read_batches(stream, schema)
        elif count > 0:
            raise unexpected(count)


def read_cogroups(
    stream: BinaryIO, read_count: Callable[[BinaryIO], int], unexpected: Callable[[int], Exception]
) -> Iterator[tuple[list[Batch], list[Batch]]]:
    """As `read_groups`, for two data frames a group; both are read when the group is."""
    left, right = Schema(), Schema()
    while count := read_count(stream):
        if count == 2:
            yield list(read_batches(stream, left)), list(read_batches(stream, right))
        elif count > 0:
            raise unexpected(count)


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
