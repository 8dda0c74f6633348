"""A proven connection over a blocking socket: whole records, or a stream of bytes cut into some."""

import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hydrofoil.gang.channel.proof import (
    ANSWER,
    GREETING,
    PROOF,
    Answer,
    ChannelError,
    Greeting,
    Keys,
)
from hydrofoil.gang.channel.records import CODE, HEAD, Buffer, Opener, Sealer
from hydrofoil.gang.channel.secret import Secret

_MOST = 1 << 20  # Bytes of a stream in one record: the next one is made while one is on its way.
_TOGETHER = 1 << 16  # Bytes of a record that are sent in one piece.
_BUFFER = 1 << 18


class Link:
    """One thread may send while a different one receives. `calling` and `greeting` make them.

    The connection's timeout is for all of what these two do, however slowly bytes come.

    Whatever was not sent so by the other side is a ``ChannelError``; then the link is of no more
    use.

    Parameters
    ----------
    connection : socket.socket
    keys : Keys
    """

    def __init__(self, connection: socket.socket, keys: Keys) -> None:
        self.socket = connection
        self._sealer = Sealer(keys.outgoing, keys.encrypt)
        self._opener = Opener(keys.incoming, keys.encrypt)
        self._left: memoryview | None = (
            None  # What was received of a record, and not yet asked for.
        )

    @classmethod
    def calling(cls, connection: socket.socket, secret: Secret) -> "Link":
        """Prove the secret to whoever listens, and have it proven."""
        _send_at_once(connection)
        with _in_time(connection) as received:
            answer = Answer(secret, received(GREETING))
            connection.sendall(answer.message)
            return cls(connection, answer.check(received(PROOF)))

    @classmethod
    def greeting(cls, connection: socket.socket, secret: Secret) -> "Link":
        """Have the secret proven by a caller, and prove it in turn."""
        _send_at_once(connection)
        with _in_time(connection) as received:
            greeting = Greeting(secret)
            connection.sendall(greeting.message)
            proof, keys = greeting.check(received(ANSWER))
            connection.sendall(proof)
            return cls(connection, keys)

    # --- Whole records ----------------------------------------------------------------------------

    def send(self, data: Buffer) -> None:
        """Send one record."""
        head, body, code = self._sealer.seal(data)
        if len(body) <= _TOGETHER:
            self.socket.sendall(b"".join([head, body, code]))
        else:
            for part in (head, body, code):
                self.socket.sendall(part)

    def receive(self, most: int) -> Buffer:
        """Receive one record.

        Raises
        ------
        ChannelError
            Also if it has more bytes than ``most``.
        ConnectionError
            If the connection ends before.
        """
        length = self._length()
        if length > most:
            raise ChannelError(f"a message of {length:,} bytes in place of {most:,} at most")
        return self._rest(memoryview(bytearray(length)))

    def _length(self) -> int:
        return self._opener.length(_received(self.socket, HEAD))

    def _rest(self, room: memoryview) -> Buffer:
        _fill(self.socket, room)
        return self._opener.open(room, _received(self.socket, CODE))

    # --- A stream of bytes ------------------------------------------------------------------------

    def send_stream(self, data: Buffer) -> None:
        """Send bytes that are received by any number of `receive_into`."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _MOST):
            self.send(view[start : start + _MOST])

    def receive_into(self, room: memoryview) -> None:
        """Fill a piece of memory.

        Raises
        ------
        ConnectionError
            If the connection or the stream ends before.
        """
        while len(room):
            count = self.receive_some(room)
            if not count:
                raise ConnectionError("it ended too early")
            room = room[count:]

    def receive_some(self, room: memoryview) -> int:
        """Put bytes into memory, as many as have come and fit; 0 at the end of the stream."""
        if self._left is None:
            length = self._length()
            if length <= len(room):
                room = room[:length]
                opened = self._rest(room)
                if opened is not room:
                    room[:] = opened
                return length
            self._left = memoryview(self._rest(memoryview(bytearray(length))))
        count = min(len(room), len(self._left))
        room[:count] = self._left[:count]
        self._left = self._left[count:] if count < len(self._left) else None
        return count

    def writer(self) -> io.BufferedWriter:
        """A file whose closing ends the stream."""
        return io.BufferedWriter(_Writer(self), _BUFFER)

    def reader(self) -> io.BufferedReader:
        """A file that ends where the other side has ended the stream."""
        return io.BufferedReader(_Reader(self), _BUFFER)

    # --- Its end ----------------------------------------------------------------------------------

    def end(self) -> None:
        """End both directions, which wakes threads that wait for it."""
        end(self.socket)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Writer(io.RawIOBase):
    def __init__(self, link: Link) -> None:
        self._link = link
        self._broken = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            self._link.send_stream(data)
        except BaseException:
            self._broken = True
            raise
        return len(memoryview(data).cast("B"))

    def close(self) -> None:
        if not self.closed:
            super().close()
            if not self._broken:
                self._link.send(b"")


class _Reader(io.RawIOBase):
    def __init__(self, link: Link) -> None:
        self._link = link
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        if self._ended:  # Files are read at their end more than once.
            return 0
        count = self._link.receive_some(memoryview(room).cast("B"))
        self._ended = not count
        return count


def end(connection: socket.socket) -> None:
    """End both directions."""
    with suppress(OSError):  # Wakes who waits for it, which close alone does not.
        connection.shutdown(socket.SHUT_RDWR)


def _send_at_once(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@contextmanager
def _in_time(connection: socket.socket) -> Iterator[Callable[[int], bytes]]:
    """What receives so many bytes; of all that it does, as long as the timeout says."""
    timeout = connection.gettimeout()
    until = None if timeout is None else time.monotonic() + timeout
    yield lambda size: _received(connection, size, until)
    connection.settimeout(timeout)


def _received(connection: socket.socket, size: int, until: float | None = None) -> bytes:
    room = bytearray(size)
    _fill(connection, memoryview(room), until)
    return bytes(room)


def _fill(connection: socket.socket, room: memoryview, until: float | None = None) -> None:
    while len(room):
        if until is not None:  # 0 would be no timeout but a socket that never waits.
            connection.settimeout(max(until - time.monotonic(), 0.001))
        count = connection.recv_into(room)
        if not count:
            raise ConnectionError("the connection ended")
        room = room[count:]
