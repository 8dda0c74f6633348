"""Groups from Hydrofoil's operators in the JVM, as stock's own code reads groups.

They are taken apart by pyarrow and framed as stock's JVM frames them, a stream for each group. The
fast paths have `hydrofoil.stream.group_frames` instead.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from hydrofoil.stream.group_format import END, MAGIC, cut, read_pieces, read_sides
from hydrofoil.stream.reading import CorruptGroups, Prefixed, exactly

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def _message(stream: BinaryIO) -> Any:
    # pyarrow closes what it has read from.
    return pa.ipc.read_message(Prefixed(b"", stream))


def _sound(batch: pa.RecordBatch) -> pa.RecordBatch:
    # Slices follow offsets. Stock's code runs without the core, too, and looks at nothing then.
    try:
        from hydrofoil.stream.batches import sound
    except ImportError:
        return batch
    return sound(batch)


class _SideBytes:
    """One of the data frames that groups have, piece by piece."""

    def __init__(self, stream: BinaryIO) -> None:
        message = _message(stream)
        if message.type != "schema":
            # pyarrow would follow the offsets of whatever it is as if they were a schema's.
            raise CorruptGroups(f"the JVM's groups begin with a {message.type}, and not a schema")
        self.message = message.serialize().to_pybytes()
        self.schema = pa.ipc.read_schema(message)
        self._pieces: Iterator[tuple[bytes, bool]] = iter(())

    def read(self, stream: BinaryIO, pieces: int) -> None:
        """Read this side of a chunk."""
        self._pieces = iter(())
        if pieces:
            lengths = exactly(stream, 4 * pieces)
            batch = _sound(pa.ipc.read_record_batch(_message(stream), self.schema))
            self._pieces = (
                (piece.serialize().to_pybytes(), last) for piece, last in cut(batch, lengths)
            )

    def next(self) -> tuple[bytes, bool] | None:
        """A piece's message and whether it is its group's last; None if there is none left."""
        return next(self._pieces, None)


class StockFraming(io.RawIOBase):
    """The bytes that stock's operators would have sent for the same groups.

    Parameters
    ----------
    stream : binary file
        Behind the magic number.
    lone_batches : bool
        A group of one data frame is a batch, and not a stream: before Spark 4.1.
    """

    def __init__(self, stream: BinaryIO, *, lone_batches: bool) -> None:
        self._stream = stream
        self._sides = [_SideBytes(stream) for _ in range(read_sides(stream))]
        self._ended = False
        in_streams = not lone_batches or len(self._sides) > 1
        self._parts = self._streams() if in_streams else self._batches()
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise ValueError("a stream to the JVM has no end to read to")
        data = self._left
        while len(data) < size:
            part = next(self._parts, None)
            if part is None:
                break
            data += part
        self._left = data[size:]
        return data[:size]

    def _streams(self) -> Iterator[bytes]:
        count = len(self._sides).to_bytes(4, "big")
        while (piece := self._next(self._sides[0])) is not None:
            yield count
            for side in self._sides:
                yield side.message
                if side is not self._sides[0]:
                    piece = self._next(side)
                while piece is not None:
                    message, last = piece
                    yield message
                    piece = None if last else self._next(side)
                yield _END_OF_STREAM
        yield bytes(4)

    def _batches(self) -> Iterator[bytes]:
        [side] = self._sides
        yield side.message
        while (piece := self._next(side)) is not None:
            yield piece[0]
        yield _END_OF_STREAM

    def _next(self, side: _SideBytes) -> tuple[bytes, bool] | None:
        while (piece := side.next()) is None and not self._ended:
            for each in self._sides:
                pieces = read_pieces(self._stream)
                if pieces == END:
                    self._ended = True
                    break
                each.read(self._stream, pieces)
        return piece


class Understanding:
    """Stock's deserializer of groups, for whichever operators have sent them."""

    def __init__(self, stock: Any, *, lone_batches: bool) -> None:
        self._stock = stock
        self._lone_batches = lone_batches

    def load_stream(self, stream: BinaryIO) -> Any:
        return self._stock.load_stream(self._framed(stream))

    def _framed(self, stream: BinaryIO) -> Any:
        head = stream.read(len(MAGIC))
        if head != MAGIC:
            return Prefixed(head, stream)
        return StockFraming(stream, lone_batches=self._lone_batches)
