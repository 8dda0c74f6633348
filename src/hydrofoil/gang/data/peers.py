"""Connections between ranks for data, beside the hub, which is for small values in a fixed order.

Each rank listens on an address of its host. Both sides of a connection prove to each other that
they know the listener's token, which only the hub has carried, and which no connection does.
"""

import json
import secrets
import socket
import struct
import threading
import time
import weakref
from contextlib import suppress

from hydrofoil.gang.errors import PeerGone
from hydrofoil.gang.group import Group
from hydrofoil.gang.hub import frames
from hydrofoil.gang.hub.frames import FrameError
from hydrofoil.gang.strangers import PROOF_S, Strangers

_COUNTS = "counts"
_TOKEN = 32
_HELLO = struct.Struct("<I")
_CONNECT_S = 30.0
_RETRY_S = 0.1  # Where the system has no descriptor or memory for one more connection.
_MOST_HELLO = 1 << 16
_LENGTH = struct.Struct("<Q")

_Key = tuple[int, str]


class Peers:
    """This rank's connections to the others. A collective: every rank makes one at the same time.

    Parameters
    ----------
    group : Group
    """

    def __init__(self, group: Group) -> None:
        self.rank = group.rank
        self.world_size = group.world_size
        self._hosts = list(group.hosts)
        self._closed = False
        self._arrived: dict[_Key, socket.socket] = {}
        self._changed = threading.Condition()
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._listener: socket.socket | None = None
        if self.world_size == 1:
            return
        address = group.local_address()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server(
            (address, 0), family=family, backlog=max(128, self.world_size)
        )
        self._token = secrets.token_bytes(_TOKEN)
        port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, name="hydrofoil-peers", daemon=True).start()
        try:
            self._places: list[tuple[str, int, bytes]] = group.all_gather(
                (address, port, self._token)
            )
        except BaseException:
            self.close()
            raise

    def _listen(self) -> None:
        assert self._listener is not None
        strangers = Strangers(self.world_size)
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
                # A stranger who says nothing must not keep the others waiting.
                threading.Thread(
                    target=self._greet, args=(connection, strangers), daemon=True
                ).start()
            except (OSError, RuntimeError):  # Also of a connection that was reset meanwhile.
                time.sleep(_RETRY_S)

    def _greet(self, connection: socket.socket, strangers: Strangers) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError, FrameError):
            with strangers.one(lambda: end(connection)):
                rank, purpose = self._proven(connection)
            with self._changed:
                if not self._closed:
                    self._arrived[rank, purpose] = connection
                    self._changed.notify_all()
                    return
        connection.close()

    def _proven(self, connection: socket.socket) -> _Key:
        """Who has connected, and for what; raises if it doesn't know the token."""
        connection.settimeout(PROOF_S)
        greeting, nonce = frames.greeting()
        connection.sendall(greeting)
        answered = received(connection, frames.ANSWER)
        connection.sendall(frames.check_answer(self._token, nonce, answered))
        [length] = _HELLO.unpack(received(connection, _HELLO.size))
        if length > _MOST_HELLO:
            raise FrameError(f"a name of {length} bytes")
        rank, purpose = json.loads(received(connection, length))
        connection.settimeout(None)
        _keep_alive(connection)
        return int(rank), str(purpose)

    def connect(self, rank: int, purpose: str) -> socket.socket:
        """A connection to a rank, which `accept` gives there.

        Raises
        ------
        PeerGone
            If nobody listens there any more.
        """
        host, port, token = self._places[rank]
        try:
            connection = socket.create_connection((host, port), timeout=_CONNECT_S)
            _keep_alive(connection)
            answered, expected = frames.answer(token, received(connection, frames.GREETING))
            hello = json.dumps([self.rank, purpose]).encode()
            connection.sendall(answered + _HELLO.pack(len(hello)) + hello)
            frames.check_proof(expected, received(connection, frames.PROOF))
        except (OSError, FrameError) as error:
            raise self.gone(rank, error) from error
        connection.settimeout(None)
        self._opened(connection)
        return connection

    def _opened(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.add(connection)
            if self._closed:
                end(connection)

    def accept(self, rank: int, purpose: str) -> socket.socket:
        """The connection that a rank has made for a purpose; waits for it."""
        key = (rank, purpose)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or key in self._arrived)
            if self._closed:
                raise PeerGone(f"rank {self.rank} was closed while it waited for rank {rank}")
            connection = self._arrived.pop(key)
            self._open.add(connection)
            return connection

    def gone(self, rank: int, error: BaseException) -> PeerGone:
        """The error for a connection to a rank that is lost."""
        return PeerGone(
            f"rank {self.rank} lost rank {rank} on {self._hosts[rank]} while they exchanged data: "
            f"{error}"
        )

    def counts(self, rows: int) -> list[int]:
        """Every rank's number of rows, by way of rank 0. Once a rank.

        Raises
        ------
        PeerGone
            If a rank ended before it had told.
        """
        if self.world_size == 1:
            return [rows]
        if self.rank:
            return self._told(rows)
        known = [rows]
        connections = []
        try:
            for rank in range(1, self.world_size):
                connection = self.accept(rank, _COUNTS)
                connections.append(connection)
                known.append(self._number(rank, connection))
            answer = b"".join(map(_LENGTH.pack, known))
            for rank, connection in enumerate(connections, 1):
                try:
                    connection.sendall(answer)
                except OSError as error:
                    raise self.gone(rank, error) from error
        finally:
            for connection in connections:
                connection.close()
        return known

    def _number(self, rank: int, connection: socket.socket) -> int:
        try:
            [number] = _LENGTH.unpack(received(connection, _LENGTH.size))
        except OSError as error:
            raise self.gone(rank, error) from error
        return int(number)

    def _told(self, rows: int) -> list[int]:
        with self.connect(0, _COUNTS) as connection:
            try:
                connection.sendall(_LENGTH.pack(rows))
                answer = received(connection, _LENGTH.size * self.world_size)
            except OSError as error:
                raise self.gone(0, error) from error
        return [number for [number] in _LENGTH.iter_unpack(answer)]

    def close(self) -> None:
        """Listen no more, and end the waiting of this rank's own threads."""
        with self._changed:
            self._closed = True
            for connection in self._arrived.values():
                connection.close()
            self._arrived.clear()
            for connection in self._open:
                end(connection)
            self._changed.notify_all()
        if self._listener is not None:
            end(self._listener)
            self._listener.close()


def received(connection: socket.socket, size: int) -> bytes:
    """Exactly so many bytes.

    Raises
    ------
    ConnectionError
        If the other side ends before.
    """
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionError("the connection ended")
        parts += part
    return bytes(parts)


def receive_into(connection: socket.socket, room: memoryview) -> None:
    """Fill a piece of memory.

    Raises
    ------
    ConnectionError
        If the other side ends before.
    """
    while len(room):
        count = connection.recv_into(room)
        if not count:
            raise ConnectionError("the connection ended")
        room = room[count:]


def end(connection: socket.socket) -> None:
    """End both directions."""
    with suppress(OSError):  # Wakes who waits for it, which close alone does not.
        connection.shutdown(socket.SHUT_RDWR)


def _keep_alive(connection: socket.socket) -> None:
    # A host that vanished sends no end; the system asks it now and then.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
