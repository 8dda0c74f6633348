"""A holder's way to its keeper: workers come by it, and their ends, and what is told of slots."""

import json
import os
import socket
from array import array
from collections import deque

from hydrofoil.holders.packets import Channel

_PACKET = 16 << 10


class Control:
    """A holder's end.

    Parameters
    ----------
    connection : socket.socket
        Of the kind SOCK_SEQPACKET.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._workers: deque[tuple[int, socket.socket]] = deque()
        self._gone: list[int] = []
        self._ready: list[tuple[int, Channel]] = []
        self._ended = False

    def fileno(self) -> int:
        return self._connection.fileno()

    def say(self, *words: object) -> None:
        """Tell the keeper. Without one, this process is about to end."""
        try:
            self._connection.send(json.dumps(words).encode())
        except OSError:
            os._exit(1)

    def hear(self, wait: bool = True) -> str:
        """Read one message; return what a decision is, or nothing."""
        flags = 0 if wait else socket.MSG_DONTWAIT
        try:
            message, descriptors = _receive(self._connection, flags)
        except BlockingIOError:
            return ""
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._ended = True
            return ""
        what, *values = json.loads(message)
        if what == "serve":
            self._workers.append((values[0], socket.socket(fileno=descriptors[0])))
        elif what == "gone":
            self._gone.append(values[0])
        elif what == "refused":
            return str(values[0])
        return str(what)

    def wait_for_go(self) -> str:
        """Wait for whether the model may stay; return why not, or nothing."""
        while not self._ended:
            said = self.hear()
            if said == "go":
                return ""
            if said not in ("serve", "gone", ""):
                return said
        return "the keeper has ended"

    def next_worker(self) -> tuple[int, socket.socket] | None:
        """Wait for a worker; None once there will be none any more."""
        while not self._workers and not self._ended:
            self.hear()
        while self._workers:
            number, connection = self._workers.popleft()
            if number not in self._gone:
                return number, connection
            connection.close()
        return None if self._ended else self.next_worker()

    def put_back(self, number: int, channel: Channel) -> None:
        """Have a worker that was read from be the next one that is served."""
        self._ready.append((number, channel))

    def news(self) -> tuple[list[tuple[int, Channel]], list[int]]:
        """Workers that have come, and the numbers of those that are gone, without a wait."""
        while not self._ended and self.hear(wait=False):
            pass
        come = self._ready + [(number, Channel(one)) for number, one in self._workers]
        gone, self._gone, self._ready = self._gone, [], []
        self._workers.clear()
        return come, gone

    @property
    def has_ended(self) -> bool:
        return self._ended

    def close(self) -> None:
        """In a slot: let go of it."""
        self._connection.close()
        for _, connection in self._workers:
            connection.close()


def _receive(connection: socket.socket, flags: int) -> tuple[bytes, list[int]]:
    """A packet and the descriptors that came with it; ``socket.recv_fds`` looks at no flags."""
    space = socket.CMSG_LEN(array("i").itemsize)
    packet, control, _, _ = connection.recvmsg(_PACKET, space, flags)
    descriptors = array("i")
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data)
    return packet, list(descriptors)
