"""Rows dealt anew over the ranks: each row goes to a rank at random, each rank keeps its number.

In round k a rank sends to the one k after it and receives from the one k before, so that what it
receives comes in an order that is the same each time. The numbers of rows that go from rank to rank
are drawn by every rank alike; which rows they are, by the sender. With the receiver's own shuffle
on top, every order of all rows is as likely as any other.
"""

import threading
from collections.abc import Iterator, Sequence
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
from hydrofoil.gang.seams import Spool

# Bytes that are sent in one record batch, about.
_CHUNK = 4 << 20
# NumPy's limit for drawing without replacement from groups of rows.
_MOST_ROWS = 1_000_000_000
_QUOTAS, _SENDER = 1, 2


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
    spooled: Spooled,
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
    spooled : Spooled
        All of this rank's rows, as Spark gave them.
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
    rank, ranks = peers.rank, peers.world_size
    order = permutation(generator(seed, epoch, _SENDER, rank), spooled.rows)
    quota = quotas(seed, epoch, counts)
    ends = np.cumsum(quota[rank])
    parts = np.split(order, ends[:-1])
    form = Arrow(spooled.fields)
    source = Rows(
        spooled.view([field.name for field in spooled.fields], 0, spooled.rows), spooled.rows
    )
    # Nulls have become what the spool's policy made of them.
    fresh = Spooled(form.schema, Spool(), storage)
    sender = _Sender(peers, f"deal {number}", source, form, parts)
    try:
        for batch in _batches(source, form, parts[rank]):
            fresh.append(batch)
        sender.start()
        for step in range(1, ranks):
            origin = (rank - step) % ranks
            until = fresh.rows + quota[origin, rank]
            for batch in _received(peers, origin, sender.purpose):
                fresh.append(batch)
            if fresh.rows != until:  # A stream that breaks off between batches looks complete.
                raise peers.failed(origin, ConnectionError("it sent too few rows"))
        sender.finish()
    except BaseException:
        fresh.close()
        raise
    fresh.finish()
    return fresh


def _batches(source: Rows, form: Arrow, part: Any) -> Iterator[pa.RecordBatch]:
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
        self, peers: Peers, purpose: str, source: Rows, form: Arrow, parts: list[Any]
    ) -> None:
        self.purpose = purpose
        self._peers, self._source, self._form, self._parts = peers, source, form, parts
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
        with self._peers.connect(rank, self.purpose) as link:
            try:
                with (
                    link.writer() as stream,
                    pa.ipc.new_stream(stream, self._form.schema) as writer,
                ):
                    for batch in _batches(self._source, self._form, self._parts[rank]):
                        writer.write_batch(batch)
            except OSError as error:
                raise self._peers.failed(rank, error) from error

    def finish(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error
