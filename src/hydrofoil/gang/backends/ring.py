"""NumPy arrays around a ring of plain connections, for ranks without torch and types without gloo.

No well-kept library does this alone: mpi4py needs an MPI on each host and its launcher, pygloo's
last release is long ago, XGBoost's collective is one to a process and its training needs it, and
pyzmq or pynng would leave the ring to us and hide a peer that died. The connections are those by
which ranks exchange data, so that strangers who connect meanwhile neither end nor stop the ring.

An array is cut into a chunk for each rank. Chunks go around once and are added up on the way, then
once more to tell everybody; each rank sends and receives about twice the array, however many ranks.
"""

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from hydrofoil.gang.backends.torch import Reduction
from hydrofoil.gang.channel.link import Link
from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.errors import PeerGone
from hydrofoil.gang.group import Group

if TYPE_CHECKING:
    from numpy.typing import NDArray


_PURPOSE = "ring"


class Ring:
    """A connection from the rank before and one to the rank after."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._sender: _Sender | None = None
        self._before: Link | None = None
        self._peers: Peers | None = None
        if group.world_size > 1:
            self._connect()

    @staticmethod
    def takes(dtype: Any) -> bool:
        """Whether NumPy can add this type up."""
        return dtype.kind in "iufc"

    def reduce(self, array: "NDArray[Any]", op: Reduction) -> None:
        """Put what all ranks' arrays make into the array, which is flat."""
        import numpy as np

        size, rank = self._group.world_size, self._group.rank
        combine = {"sum": np.add, "prod": np.multiply, "min": np.minimum, "max": np.maximum}[op]
        chunks = np.array_split(array, size)
        for step in range(size - 1):
            arriving = chunks[(rank - step - 1) % size]
            came = self._exchange(chunks[(rank - step) % size], np.empty_like(arriving))
            # In the order of the ring, which is the same for a chunk wherever it is: same bits.
            combine(came, arriving, out=arriving)
        for step in range(size - 1):
            self._exchange(chunks[(rank + 1 - step) % size], chunks[(rank - step) % size])

    def close(self) -> None:
        """End the connections."""
        if self._sender is not None:
            self._sender.close()
        if self._before is not None:
            self._before.close()
        if self._peers is not None:
            self._peers.close()

    def _connect(self) -> None:
        rank, size = self._group.rank, self._group.world_size
        self._peers = Peers(self._group)
        with self._group.note("collective numpy.init"):
            # Who is connected to need not accept: the listener's thread has answered already.
            self._sender = _Sender(self._peers.connect((rank + 1) % size, _PURPOSE))
            self._before = self._peers.accept((rank - 1) % size, _PURPOSE)

    def _exchange(self, leaving: "NDArray[Any]", arriving: "NDArray[Any]") -> "NDArray[Any]":
        """Send one chunk on, and fill the other with what comes."""
        assert self._sender is not None and self._before is not None
        size, rank = self._group.world_size, self._group.rank
        self._sender.send(leaving.view("u1").data)
        try:
            self._before.receive_into(arriving.view("u1").data)
        except ChannelError as error:
            assert self._peers is not None
            raise self._peers.failed((rank - 1) % size, error) from error
        except OSError as error:
            raise self._gone((rank - 1) % size, "closed the connection") from error
        failed = self._sender.wait()
        if failed is not None:
            raise self._gone((rank + 1) % size, "closed the connection") from failed
        return arriving

    def _gone(self, rank: int, what: str) -> PeerGone:
        host = self._group.hosts[rank]
        return PeerGone(f"all_reduce: rank {rank} on {host} {what}", rank=rank, host=host)


class _Sender:
    """Sends in a thread: all ranks send before they receive, and large chunks fill sockets."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._leaving: SimpleQueue[memoryview | None] = SimpleQueue()
        self._sent: SimpleQueue[Exception | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hydrofoil-ring", daemon=True)
        self._thread.start()

    def send(self, data: memoryview) -> None:
        self._leaving.put(data)

    def wait(self) -> Exception | None:
        """Wait until the last one is sent; return what went wrong."""
        return self._sent.get()

    def close(self) -> None:
        # The connection first: its thread may be writing to a peer that doesn't read.
        self._link.end()
        self._link.close()
        self._leaving.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        while (data := self._leaving.get()) is not None:
            try:
                self._link.send_stream(data)
            except Exception as error:
                self._sent.put(error)
            else:
                self._sent.put(None)
