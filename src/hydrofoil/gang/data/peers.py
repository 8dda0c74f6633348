"""Connections between ranks for data, beside the hub, which is for small values in a fixed order.

Each rank listens on an address of its host. Both sides of a connection prove to each other that
they know the attempt's secret, and what follows is authenticated (``gang.channel``).
"""

import json
import socket
import threading
import time
import weakref
from contextlib import suppress
from typing import Any

import numpy as np

from hydrofoil.gang.channel.link import Link, end
from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.channel.strangers import PROOF_S, Strangers
from hydrofoil.gang.errors import GangError, PeerGone, Tampered
from hydrofoil.gang.group import Group

_COUNTS = "counts"
_CONNECT_S = 30.0
_RETRY_S = 0.1  # Where the system has no descriptor or memory for one more connection.
_MOST_HELLO = 1 << 16
_MOST_NUMBERS = 64 << 20  # Bytes: eight for each partition before the ranks.
_WIRE = np.dtype("<i8")

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
        self._arrived: dict[_Key, Link] = {}
        self._changed = threading.Condition()
        self._open: weakref.WeakSet[Link] = weakref.WeakSet()
        self._listener: socket.socket | None = None
        if self.world_size == 1:
            return
        address = group.local_address()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server(
            (address, 0), family=family, backlog=max(128, self.world_size)
        )
        port = self._listener.getsockname()[1]
        self._secret = group.secret
        self._mine = self._secret_of(self.rank, port)
        threading.Thread(target=self._listen, name="hydrofoil-peers", daemon=True).start()
        try:
            self._places: list[tuple[str, int]] = group.all_gather((address, port))
        except BaseException:
            self.close()
            raise

    def _secret_of(self, rank: int, port: int) -> Secret:
        """What a rank's listener and its callers prove: none can be taken for a different one."""
        return self._secret.of("peers", rank, port)

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
        with suppress(OSError, ValueError, KeyError, TypeError, ChannelError):
            with strangers.one(lambda: end(connection)):
                key, link = self._proven(connection)
            with self._changed:
                if not self._closed:
                    self._arrived[key] = link
                    self._changed.notify_all()
                    return
        connection.close()

    def _proven(self, connection: socket.socket) -> tuple[_Key, Link]:
        """Who has connected, and for what; raises if it doesn't know the secret."""
        connection.settimeout(PROOF_S)
        link = Link.greeting(connection, self._mine)
        rank, purpose = json.loads(bytes(link.receive(_MOST_HELLO)))
        connection.settimeout(None)
        _keep_alive(connection)
        return (int(rank), str(purpose)), link

    def connect(self, rank: int, purpose: str) -> Link:
        """A connection to a rank, which `accept` gives there.

        Raises
        ------
        PeerGone
            If nobody listens there any more.
        """
        host, port = self._places[rank]
        try:
            connection = socket.create_connection((host, port), timeout=_CONNECT_S)
        except OSError as error:
            raise self.failed(rank, error) from error
        try:
            _keep_alive(connection)
            link = Link.calling(connection, self._secret_of(rank, port))
            link.send(json.dumps([self.rank, purpose]).encode())
        except (OSError, ChannelError) as error:
            connection.close()
            raise self.failed(rank, error) from error
        connection.settimeout(None)
        self._opened(link)
        return link

    def _opened(self, link: Link) -> None:
        with self._changed:
            self._open.add(link)
            if self._closed:
                link.end()

    def accept(self, rank: int, purpose: str) -> Link:
        """The connection that a rank has made for a purpose; waits for it."""
        key = (rank, purpose)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or key in self._arrived)
            if self._closed:
                raise PeerGone(f"rank {self.rank} was closed while it waited for rank {rank}")
            link = self._arrived.pop(key)
            self._open.add(link)
            return link

    def failed(self, rank: int, error: BaseException) -> GangError:
        """The error for a connection to a rank that is lost, or that brings what it never sent."""
        host = self._hosts[rank]
        if isinstance(error, ChannelError):
            return Tampered(
                f"over the connection of rank {self.rank} to rank {rank} on {host} came {error}",
                hint="something between the two changes what they send: see the network",
                rank=rank,
                host=host,
            )
        return PeerGone(
            f"rank {self.rank} lost rank {rank} on {host} while they exchanged data: {error}",
            rank=rank,
            host=host,
        )

    def counts(self, rows: int) -> list[int]:
        """Every rank's number of rows, by way of rank 0. Once a rank.

        Raises
        ------
        PeerGone
            If a rank ended before it had told.
        """
        return self.tally(rows, np.empty(0, np.int64))[0]

    def tally(self, rows: int, sizes: Any, purpose: str = _COUNTS) -> tuple[list[int], Any]:
        """As `counts`, and the sums over all ranks of further numbers.

        Parameters
        ----------
        rows : int
        sizes : numpy.ndarray of int64
            Missing ones at the end are 0.
        purpose : str
            A name of its own.

        Returns
        -------
        (list of int, numpy.ndarray of int64)
        """
        if self.world_size == 1:
            return [rows], sizes
        if self.rank:
            told = self._told(np.concatenate([[rows], sizes]), purpose)
            return told[: self.world_size].tolist(), told[self.world_size :]
        known = [np.concatenate([[rows], sizes])]
        links: list[Link] = []
        try:
            for rank in range(1, self.world_size):
                link = self.accept(rank, purpose)
                links.append(link)
                known.append(self._numbers(rank, link))
            counts = [int(numbers[0]) for numbers in known]
            total = np.zeros(max(map(len, known)) - 1, np.int64)
            for numbers in known:
                total[: len(numbers) - 1] += numbers[1:]
            answer = _packed(np.concatenate([counts, total]))
            for rank, link in enumerate(links, 1):
                try:
                    link.send(answer)
                except OSError as error:
                    raise self.failed(rank, error) from error
        finally:
            for link in links:
                link.close()
        return counts, total

    def _numbers(self, rank: int, link: Link) -> Any:
        try:
            return np.frombuffer(link.receive(_MOST_NUMBERS), _WIRE).astype(np.int64)
        except (OSError, ValueError, ChannelError) as error:
            raise self.failed(rank, error) from error

    def _told(self, numbers: Any, purpose: str) -> Any:
        with self.connect(0, purpose) as link:
            try:
                link.send(_packed(numbers))
            except OSError as error:
                raise self.failed(0, error) from error
            return self._numbers(0, link)

    def close(self) -> None:
        """Listen no more, and end the waiting of this rank's own threads."""
        with self._changed:
            self._closed = True
            for link in self._arrived.values():
                link.close()
            self._arrived.clear()
            for link in self._open:
                link.end()
            self._changed.notify_all()
        if self._listener is not None:
            end(self._listener)
            self._listener.close()


def _packed(numbers: Any) -> bytes:
    return bytes(numbers.astype(_WIRE).tobytes())


def _keep_alive(connection: socket.socket) -> None:
    # A host that vanished sends no end; the system asks it now and then.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
