"""Groups as Hydrofoil's operators in the JVM send them: many in a record batch.

`GroupsWriter` in jvm/src/grouped says how the bytes lie. They are told from what stock's operators
send by their first four. Here they are read as stock's own code reads groups: taken apart by
pyarrow and framed as stock's JVM frames them, a stream for each group. The fast paths have
`hydrofoil.stream.group_frames` instead.
"""

import inspect
import io
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, BinaryIO

import pyarrow as pa

MAGIC = (0x48464731).to_bytes(4, "big")
END = -1

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"

# By their codes: the eval types whose functions are given groups. Of the other's operators, none
# sends them so.
GROUPED = frozenset((201, 202, 206, 209, 210, 215, 216, 217, 252, 254))


def exactly(stream: BinaryIO, size: int) -> bytes:
    """The stream's next bytes.

    Raises
    ------
    EOFError
        If there are fewer.
    """
    data = stream.read(size)
    if len(data) != size:
        raise EOFError(f"the JVM's groups end {size - len(data)} bytes early")
    return data


def read_int(stream: BinaryIO) -> int:
    """A 32-bit integer as Java writes it."""
    return int.from_bytes(exactly(stream, 4), "big", signed=True)


class Prefixed(io.RawIOBase):
    """A file some of whose bytes have been read and stand before the rest again.

    ``read`` gives as many bytes as it is asked for, but at the file's end. Closing this one leaves
    the file open.
    """

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise ValueError("a stream to the JVM has no end to read to")
        if not self._head:
            return self._rest.read(size)
        head, self._head = self._head[:size], self._head[size:]
        return head + self._rest.read(size - len(head)) if len(head) < size else head


def _message(stream: BinaryIO) -> Any:
    # pyarrow closes what it has read from.
    return pa.ipc.read_message(Prefixed(b"", stream))


class _Side:
    """One of the data frames that groups have, piece by piece."""

    def __init__(self, stream: BinaryIO) -> None:
        message = _message(stream)
        self.message = message.serialize().to_pybytes()
        self.schema = pa.ipc.read_schema(message)
        self._pieces: Iterator[tuple[bytes, bool]] = iter(())

    def read(self, stream: BinaryIO, pieces: int) -> None:
        """Read this side of a chunk."""
        self._pieces = iter(())
        if pieces:
            lengths = memoryview(exactly(stream, 4 * pieces)).cast("i")
            batch = pa.ipc.read_record_batch(_message(stream), self.schema)
            self._pieces = self._cut(batch, lengths)

    def _cut(self, batch: pa.RecordBatch, lengths: Any) -> Iterator[tuple[bytes, bool]]:
        start = 0
        for code in lengths:
            piece = batch.slice(start, code >> 1)
            yield piece.serialize().to_pybytes(), bool(code & 1)
            start += code >> 1

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
        self._sides = [_Side(stream) for _ in range(read_int(stream))]
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

    def _next(self, side: _Side) -> tuple[bytes, bool] | None:
        while (piece := side.next()) is None and not self._ended:
            for each in self._sides:
                pieces = read_int(self._stream)
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


def understanding(pipeline: tuple[Any, Any, Any, Any], eval_type: int) -> tuple[Any, Any, Any, Any]:
    """What stock runs a task by, reading groups from Hydrofoil's operators too.

    Parameters
    ----------
    pipeline : tuple
        What stock's ``read_udfs`` returns: (function, profiler, deserializer, serializer).
    """
    if eval_type not in GROUPED:
        return pipeline
    import pyspark

    function, profiler, deserializer, serializer = pipeline
    lone_batches = pyspark.__version__.startswith(("3.", "4.0."))
    understands = Understanding(deserializer, lone_batches=lone_batches)
    return function, profiler, understands, serializer


def teach(worker: Any) -> None:
    """Have a stock worker module read groups from Hydrofoil's operators too.

    One that is not the published one is left as it is where it does not say what it is given.
    """
    original: Callable[..., Any] | None = getattr(worker, "read_udfs", None)
    if original is None or getattr(original, "__hydrofoil__", False):
        return
    taken = inspect.signature(original)

    @wraps(original)
    def read_udfs(*args: Any, **kwargs: Any) -> Any:
        pipeline = original(*args, **kwargs)
        eval_type = taken.bind(*args, **kwargs).arguments.get("eval_type")
        if not isinstance(eval_type, int) or len(pipeline) != 4:
            return pipeline
        return understanding(pipeline, eval_type)

    read_udfs.__hydrofoil__ = True  # type: ignore[attr-defined]
    worker.read_udfs = read_udfs
