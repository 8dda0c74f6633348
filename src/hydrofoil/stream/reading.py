"""Bytes of the JVM's stream, exactly as many as are asked for, and those that were looked at."""

import io
from typing import BinaryIO


class CorruptGroups(Exception):
    """What the JVM says of its groups can't be so."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the JVM's groups are corrupt: {what}")


def exactly(stream: BinaryIO, size: int) -> bytes:
    """The stream's next bytes.

    Raises
    ------
    EOFError
        If there are fewer.
    """
    data = stream.read(size)
    if len(data) != size:
        raise EOFError(f"the JVM's stream ends {size - len(data)} bytes early")
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
