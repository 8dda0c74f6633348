"""Rows dealt anew over the ranks: each row goes to a rank at random, each rank keeps its number.

In round k a rank sends to the one k after it and receives from the one k before, so that what it
receives comes in an order that is the same each time. The numbers of rows that go from rank to rank
are drawn by every rank alike; which rows they are, by the sender. With the receiver's own shuffle
on top, every order of all rows is as likely as any other.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.data.forms import Arrow
from hydrofoil.gang.data.order import generator, permutation
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.data.rows import Rows
from hydrofoil.gang.data.spool import Spooled, Storage
from hydrofoil.gang.data.stable import Stable
from hydrofoil.gang.seams import Spool

# Bytes that are sent in one record batch, about.
_CHUNK = 4 << 20
# NumPy's limit for drawing without replacement from groups of rows.
_MOST_ROWS = 1_000_000_000
_QUOTAS, _SENDER = 1, 2

Readable = Spooled | Stable


def quotas(seed: int, epoch: int, counts: Sequence[int]) -> Any:
    """Rows that go from rank to rank.

    Returns
    -------
    numpy.ndarray of int64, (ranks, ranks)
        Row and column sums are the ranks' counts.

    Raises
    ------
    UsageError
        At more than a billion rows.
    """
    total = sum(counts)
    if total >= _MOST_ROWS:
        raise UsageError(
            f'shuffle="global" takes less than {_MOST_ROWS} rows, and there are {total}',
            hint="shuffle=True shuffles within each rank",
        )
    random = generator(seed, epoch, _QUOTAS)
    room = np.array(counts, np.int64)
    result = np.zeros((len(counts), len(counts)), np.int64)
    for rank, count in enumerate(counts):
        if count:
            result[rank] = random.multivariate_hypergeometric(room, count, method="marginals")
        room -= result[rank]
    return result


def exchange(
    spooled: Readable,
    storage: Storage,
    peers: Peers,
    counts: Sequence[int],
    seed: int,
    epoch: int,
    number: int,
) -> Spooled:
    """This rank's part of the epoch's deal, in a spool of its own. A collective.

    Parameters
    ----------
    spooled : Spooled or Stable
        All of this rank's rows.
    storage : Storage
        Where the new spool goes.
    peers : Peers
    counts : sequence of int
        Every rank's rows.
    seed, epoch : int
    number : int
        Of this deal among those of the gang, so that none is taken for another.

    Raises
    ------
    SpoolError
        If there is no room for the rows a second time.
    PeerGone
        If a rank ended meanwhile.
    """
    rank = peers.rank
    order = permutation(generator(seed, epoch, _SENDER, rank), spooled.rows)
    quota = quotas(seed, epoch, counts)
    ends = np.cumsum(quota[rank])
    parts = np.split(order, ends[:-1])
    form = Arrow(spooled.fields)
    source = Rows(
        spooled.window([field.name for field in spooled.fields], 0, spooled.rows), spooled.rows
    )
    # Nulls have become what the spool's policy made of them.
    fresh = Spooled(form.schema, Spool(), storage)

    def outgoing(to: int) -> Iterator[pa.RecordBatch]:
        return batches_of(source, form, parts[to])

    try:
        for origin, batches in swap(peers, f"deal {number}", form.schema, outgoing):
            until = fresh.rows + quota[origin, rank]
            for batch in batches:
                fresh.append(batch)
            if fresh.rows != until:  # A stream that breaks off between batches looks complete.
                raise peers.failed(origin, ConnectionError("it sent too few rows"))
    except BaseException:
        fresh.close()
        raise
    fresh.finish()
    return fresh


def swap(
    peers: Peers,
    purpose: str,
    schema: pa.Schema,
    outgoing: Callable[[int], Iterator[pa.RecordBatch]],
) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
    """Send every rank its batches, and receive from every rank. A collective.

    Parameters
    ----------
    peers : Peers
    purpose : str
        A name of its own.
    schema : pyarrow.Schema
        Of the batches.
    outgoing : callable
        The batches for a rank; called in a thread.

    Yields
    ------
    (int, iterator of pyarrow.RecordBatch)
        A rank, and what it sends, which has to be read to its end; this rank's own first.

    Raises
    ------
    PeerGone
        If a rank ended meanwhile.
    """
    sender = _Sender(peers, purpose, schema, outgoing)
    yield peers.rank, outgoing(peers.rank)
    sender.start()
    for step in range(1, peers.world_size):
        origin = (peers.rank - step) % peers.world_size
        yield origin, _received(peers, origin, purpose)
    sender.finish()


def batches_of(source: Rows, form: Arrow, part: Any) -> Iterator[pa.RecordBatch]:
    """The rows at some indices, as record batches of a few megabytes."""
    size = max(sum(map(_bytes, source.columns.values())) // max(source.num_rows, 1), 1)
    step = max(_CHUNK // size, 1)
    for start in range(0, len(part), step):
        yield form(source.take(part[start : start + step]))


def _bytes(values: Any) -> int:
    if isinstance(values, tuple):
        return sum(array.nbytes for array in values)
    return int(values.nbytes)


def _received(peers: Peers, rank: int, purpose: str) -> Iterator[pa.RecordBatch]:
    with peers.accept(rank, purpose) as link, link.reader() as stream:
        try:
            yield from pa.ipc.open_stream(stream)
        except (OSError, ChannelError, pa.ArrowInvalid) as error:
            raise peers.failed(rank, error) from error


class _Sender:
    """The thread that sends, so that ranks don't wait for each other to receive."""

    def __init__(
        self,
        peers: Peers,
        purpose: str,
        schema: pa.Schema,
        outgoing: Callable[[int], Iterator[pa.RecordBatch]],
    ) -> None:
        self._peers, self._purpose, self._schema = peers, purpose, schema
        self._outgoing = outgoing
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hydrofoil-deal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            for step in range(1, self._peers.world_size):
                self._send((self._peers.rank + step) % self._peers.world_size)
        except BaseException as error:
            self._error = error

    def _send(self, rank: int) -> None:
        with self._peers.connect(rank, self._purpose) as link:
            try:
                with (
                    link.writer() as stream,
                    pa.ipc.new_stream(stream, self._schema) as writer,
                ):
                    for batch in self._outgoing(rank):
                        writer.write_batch(batch)
            except OSError as error:
                raise self._peers.failed(rank, error) from error

    def finish(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error
