"""Answers to the JVM's packets without delay, for tasks whose messages are small.

Over TCP the JVM sends a task's description, then its first batch. The kernel holds the second back
until the first is acknowledged (Nagle's algorithm), and delays the acknowledgement by 40 ms, since
a worker has nothing to send yet (RFC 1122, 4.2.3.2). The option that asks for it at once does not
last, so it is set whenever the worker is about to wait.
"""

import fcntl
import io
import socket
from contextlib import suppress
from typing import Any, BinaryIO, cast

# Linux alone has it.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class _Prompt(io.FileIO):
    """The raw end of a TCP socket's file that acknowledges what has come before it waits for more.

    ``head`` is what others have read from the socket already.
    """

    def __init__(self, connection: socket.socket, head: bytes) -> None:
        super().__init__(connection.fileno(), "rb", closefd=False)
        self._connection = connection
        self._acknowledge = connection.setsockopt
        self._head = head

    def readinto(self, buffer: object, /) -> int:
        if self._head:
            with memoryview(buffer).cast("B") as view:  # type: ignore[arg-type]
                taken = min(len(view), len(self._head))
                view[:taken] = self._head[:taken]
            self._head = self._head[taken:]
            return taken
        self._acknowledge(socket.IPPROTO_TCP, _QUICKACK, 1)  # type: ignore[arg-type]
        return super().readinto(buffer)  # type: ignore[arg-type]

    def readall(self) -> bytes:
        head, self._head = self._head, b""
        return head + super().readall()

    def close(self) -> None:
        super().close()
        self._connection.close()


class _PromptSocket(io.RawIOBase):
    """The same for a socket that this process has opened itself, which may have a timeout."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._raw = connection.makefile("rb", buffering=0)
        self._acknowledge = connection.setsockopt

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._acknowledge(socket.IPPROTO_TCP, _QUICKACK, 1)  # type: ignore[arg-type]
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


def is_delayed(connection: socket.socket) -> bool:
    """Whether acknowledgements of what comes over a socket are delayed, and need not be."""
    return _QUICKACK is not None and connection.family in (socket.AF_INET, socket.AF_INET6)


def prompt_socket(connection: socket.socket, infile: BinaryIO) -> BinaryIO:
    """As `prompt`, for a connection of which ``infile`` has read nothing that is not used yet."""
    if not is_delayed(connection):
        return infile
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return cast(BinaryIO, io.BufferedReader(_PromptSocket(connection), 65536))


def prompt(infile: BinaryIO) -> BinaryIO:
    """Return a file that reads what ``infile`` would, and never waits for what the JVM holds back.

    Parameters
    ----------
    infile : buffered binary file
        A socket's, at the begin of a task. It must not be read any more. It is returned as it is
        where it is no TCP socket's, or this system has no such option.
    """
    if not isinstance(infile, io.BufferedReader):
        return infile
    with suppress(OSError):
        # What a function before has closed of the standard streams is not for a socket to be.
        duplicate = fcntl.fcntl(infile.fileno(), fcntl.F_DUPFD_CLOEXEC, 3)
        connection = socket.socket(fileno=duplicate)
        # A program's default would make it one that doesn't wait, and the JVM's others with it.
        connection.settimeout(None)
        if is_delayed(connection):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A reused worker waits here for its task.
            connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)  # type: ignore[arg-type]
            return cast(BinaryIO, io.BufferedReader(_Prompt(connection, infile.peek()), 65536))
        connection.close()
    return infile
