"""Groups for the fast paths, from Hydrofoil's operators in the JVM as from stock's."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import pyarrow as pa

from hydrofoil._cext.columns import UnsupportedLayout
from hydrofoil._cext.frames import Frame, FrameReader, IrregularStream
from hydrofoil._cext.split import PieceSplitter
from hydrofoil.stream.batches import read_batches, read_cogroups, read_groups, record_batch
from hydrofoil.stream.group_format import END, MAGIC, cut, read_pieces, read_sides
from hydrofoil.stream.reading import Prefixed, exactly, read_int

# In the place of a number of streams: the groups are the batches of one stream.
LONE_BATCHES = -1

Pieces = Iterator[tuple[Frame, bool]]


class GroupInput:
    """A task's groups, one after the other: each an iterator of batches, or a pair of lists.

    Who takes a group takes all its batches before the next one.

    Parameters
    ----------
    streams : int
        How many streams stock's operators send for a group: 1, 2, or `LONE_BATCHES`.

    Attributes
    ----------
    together : bool
        The JVM takes answers row by row, so those of many groups may be one batch. It is known
        once the first group is there.
    """

    def __init__(
        self, stream: BinaryIO, streams: int, unexpected: Callable[[int], Exception]
    ) -> None:
        self.together = False
        self._groups = self._read(stream, streams, unexpected)

    def __iter__(self) -> "GroupInput":
        return self

    def __next__(self) -> Any:
        return next(self._groups)

    def _read(
        self, stream: BinaryIO, streams: int, unexpected: Callable[[int], Exception]
    ) -> Iterator[Any]:
        head = exactly(stream, len(MAGIC))
        if head == MAGIC:
            self.together = True
            sides = read_sides(stream)
            chunks = Chunks(stream, sides)
            yield from (_whole_groups(chunks) if sides == 1 else _pairs(chunks))
        elif streams == LONE_BATCHES:
            for batch in read_batches(Prefixed(head, stream)):  # type: ignore[arg-type]
                yield iter((batch,))
        else:
            first = int.from_bytes(head, "big", signed=True)
            read = read_groups if streams == 1 else read_cogroups
            yield from read(stream, read_int, unexpected, first)


class Chunks:
    """The chunks of a task's data, and the pieces of each of their sides."""

    def __init__(self, stream: BinaryIO, sides: int) -> None:
        self._stream = stream
        self._sides = [SideReader(stream) for _ in range(sides)]
        self._ended = False

    def next(self, side: int) -> tuple[Frame, bool] | None:
        """The side's next piece and whether it is its group's last; None behind the last chunk."""
        pieces = self._sides[side].pieces
        while (piece := next(pieces, None)) is None and self._read():
            pieces = self._sides[side].pieces
        return piece

    def _read(self) -> bool:
        for side in self._sides:
            pieces = END if self._ended else read_pieces(self._stream)
            if pieces == END:
                self._ended = True
                return False
            side.read(pieces)
        return True


class SideReader:
    """One of the data frames that groups have."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        try:
            self._reader = FrameReader(stream)
        except IrregularStream as irregular:
            raise EOFError(f"the JVM's groups have no schema: {irregular}") from None
        self._message = self._reader.schema_message
        self._schema = pa.ipc.read_schema(pa.py_buffer(self._message))
        self._splitter: PieceSplitter | None = None
        with suppress(UnsupportedLayout):
            self._splitter = PieceSplitter(self._schema)
        self.pieces: Pieces = iter(())

    def read(self, pieces: int) -> None:
        """Read this side of a chunk."""
        self.pieces = iter(())
        if not pieces:
            return
        lengths = exactly(self._stream, 4 * pieces)
        try:
            frame = next(self._reader)
        except (IrregularStream, StopIteration) as irregular:
            raise EOFError(f"the JVM's groups have no record batch: {irregular}") from None
        frame.schema_message = self._message
        if self._splitter is None:
            self.pieces = self._by_arrow(frame, lengths)
        else:
            self.pieces = self._splitter.split(frame, lengths)

    def _by_arrow(self, frame: Frame, lengths: bytes) -> Pieces:
        batch = record_batch(frame, self._schema)
        for rows, last in cut(batch, lengths):
            piece = Frame.of_message(rows.serialize().to_pybytes())
            piece.schema_message = self._message
            yield piece, last


def _whole_groups(chunks: Chunks) -> Iterator[Iterator[Frame]]:
    while (piece := chunks.next(0)) is not None:
        frame, last = piece
        yield iter((frame,)) if last else _rest(chunks, 0, frame)


def _rest(chunks: Chunks, side: int, first: Frame) -> Iterator[Frame]:
    yield first
    last = False
    while not last:
        frame, last = _next(chunks, side)
        yield frame


def _pairs(chunks: Chunks) -> Iterator[tuple[list[Frame], list[Frame]]]:
    while (piece := chunks.next(0)) is not None:
        frame, last = piece
        left = [frame] if last else list(_rest(chunks, 0, frame))
        frame, last = _next(chunks, 1)
        yield left, [frame] if last else list(_rest(chunks, 1, frame))


def _next(chunks: Chunks, side: int) -> tuple[Frame, bool]:
    piece = chunks.next(side)
    if piece is None:
        raise EOFError("the JVM's groups end inside a group")
    return piece
