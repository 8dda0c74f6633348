"""Connections between ranks for data, beside the hub, which is for small values in a fixed order.

Each rank listens on an address of its host; who connects has to say the listener's token first.
"""

import hmac
import json
import secrets
import socket
import struct
import threading
import weakref
from contextlib import suppress

from hydrofoil.gang.errors import PeerGone
from hydrofoil.gang.group import Group

_COUNTS = "counts"
_TOKEN = 32
_HELLO = struct.Struct("<I")
_HELLO_SECONDS = 30.0
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
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # A stranger who says nothing must not keep the others waiting.
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    def _greet(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            connection.settimeout(_HELLO_SECONDS)
            if hmac.compare_digest(received(connection, _TOKEN), self._token):
                [length] = _HELLO.unpack(received(connection, _HELLO.size))
                if length <= _MOST_HELLO:
                    rank, purpose = json.loads(received(connection, length))
                    connection.settimeout(None)
                    _keep_alive(connection)
                    with self._changed:
                        if not self._closed:
                            self._arrived[int(rank), str(purpose)] = connection
                            self._changed.notify_all()
                            return
        connection.close()

    def connect(self, rank: int, purpose: str) -> socket.socket:
        """A connection to a rank, which `accept` gives there.

        Raises
        ------
        PeerGone
            If nobody listens there any more.
        """
        host, port, token = self._places[rank]
        try:
            connection = socket.create_connection((host, port), timeout=_HELLO_SECONDS)
            hello = json.dumps([self.rank, purpose]).encode()
            connection.sendall(token + _HELLO.pack(len(hello)) + hello)
        except OSError as error:
            raise self.gone(rank, error) from error
        connection.settimeout(None)
        _keep_alive(connection)
        self._opened(connection)
        return connection

    def _opened(self, connection: socket.socket) -> None:
        with self._changed:
            self._open.add(connection)
            if self._closed:
                _end(connection)

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
                _end(connection)
            self._changed.notify_all()
        if self._listener is not None:
            _end(self._listener)
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


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # Wakes who waits for it, which close alone does not.
        connection.shutdown(socket.SHUT_RDWR)


def _keep_alive(connection: socket.socket) -> None:
    # A host that vanished sends no end; the system asks it now and then.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
