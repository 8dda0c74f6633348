"""Batches of all ranks together, whose rows are the same however many ranks there are.

All rows stand in one order. A global batch is a piece of it, and each rank gets its share of each.
Rows go from where Spark or a source has put them to the rank that is to have them, with their place
in the order; so a rank needs no memory but for its own rows' numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.errors import InternalError, UsageError
from hydrofoil.gang.data.exchange import batches_of, swap
from hydrofoil.gang.data.forms import Arrow
from hydrofoil.gang.data.identity import Identity
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.data.permutation import Permutation
from hydrofoil.gang.data.rows import Rows
from hydrofoil.gang.data.spool import Spooled, Storage
from hydrofoil.gang.data.steps import Steps
from hydrofoil.gang.seams import Spool
from hydrofoil.gang.shares import share

# The column of places beside the rows that go from rank to rank.
_PLACE = "__hydrofoil_place"
# Places that are worked on at a time: a few arrays of them are needed.
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Cut:
    """How an epoch is cut into global batches, and those into the ranks' parts.

    Parameters
    ----------
    rows : int
        Of all ranks.
    batch : int
        Rows of a global batch.
    ranks : int
    steps : {"pad", "drop_last", "uneven"}
        What becomes of the rows that don't fill a batch: rows from the beginning fill it up; they
        are left out; it is smaller, and some ranks' parts of it may have no rows.

    Raises
    ------
    UsageError
        If a batch has less rows than there are ranks.
    """

    rows: int
    batch: int
    ranks: int
    steps: Steps

    def __post_init__(self) -> None:
        if self.batch < self.ranks:
            raise UsageError(
                f"global_batch_size={self.batch}: there are {self.ranks} ranks, and each has to "
                "get a row of each batch"
            )

    @property
    def places(self) -> int:
        """Rows of an epoch, those that are seen twice included."""
        if self.steps == "uneven":
            return self.rows
        whole = self.rows // self.batch
        if self.steps == "pad":
            whole = -(-self.rows // self.batch)
        return whole * self.batch

    @property
    def batches(self) -> int:
        """Global batches of an epoch."""
        return -(-self.places // self.batch)

    def of(self, rank: int, batch: int) -> tuple[int, int]:
        """The first place of a rank in a batch, and the one after its last."""
        begin = batch * self.batch
        start, stop = share(min(self.batch, self.places - begin), rank, self.ranks)
        return begin + start, begin + stop

    def all_of(self, rank: int, first: int) -> Any:
        """The places of a rank, from a batch on."""
        spans = [self.of(rank, batch) for batch in range(first, self.batches)]
        return np.concatenate([np.empty(0, np.int64), *(np.arange(*span) for span in spans)])

    def ranks_of(self, places: Any) -> Any:
        """Whose the places are."""
        owners = np.empty(len(places), np.int32)
        for start in range(0, len(places), _BLOCK):
            owners[start : start + _BLOCK] = self._ranks_of(places[start : start + _BLOCK])
        return owners

    def _ranks_of(self, places: Any) -> Any:
        begins = places - places % self.batch
        sizes = np.minimum(self.batch, self.places - begins)
        each, more = np.divmod(sizes, self.ranks)
        into = places - begins
        larger = more * (each + 1)
        # Where batches are smaller than ranks, all of it is in the larger shares.
        later = more + (into - larger) // np.maximum(each, 1)
        return np.where(into < larger, into // (each + 1), later)

    def repeated(self, places: Any, first: int) -> tuple[Any, Any]:
        """Where rows are seen: once, not at all, or again where they fill up the last batch.

        Parameters
        ----------
        places : numpy.ndarray of int64
            Of rows, each once.
        first : int
            Batches before this one don't count.

        Returns
        -------
        (numpy.ndarray, numpy.ndarray)
            Indices of ``places``, and places.
        """
        indices, found = [], []
        for again in range(0, max(self.places, 1), max(self.rows, 1)):
            seen = places + again
            kept = np.flatnonzero((seen < self.places) & (seen >= first * self.batch))
            indices.append(kept)
            found.append(seen[kept])
        return np.concatenate(indices), np.concatenate(found)


class Dealt:
    """A rank's rows of one epoch.

    Parameters
    ----------
    spooled : Spooled
    order : numpy.ndarray
        Rows of it, in the order in which they are seen.
    own : bool
        Whether the spool ends with the epoch.
    first : int
        The batch that the order begins with.
    """

    def __init__(self, spooled: Spooled, order: Any, own: bool, first: int) -> None:
        self.spooled, self.order, self.own, self.first = spooled, order, own, first

    def close(self) -> None:
        if self.own:
            self.spooled.close()


def deal(
    spooled: Spooled,
    storage: Storage,
    identity: Identity,
    peers: Peers,
    cut: Cut,
    order: Permutation,
    first: int,
    number: int,
) -> Dealt:
    """This rank's rows of an epoch, from a batch on. A collective.

    Parameters
    ----------
    spooled : Spooled
        All of this rank's rows, as they came.
    storage : Storage
        Where rows from other ranks go.
    identity : Identity
    peers : Peers
    cut : Cut
    order : Permutation
    first : int
        The first batch that any rank wants; the same in all of them.
    number : int
        Of this deal among those of the gang.

    Raises
    ------
    SpoolError
        If there is no room for the rows a second time.
    PeerGone
        If a rank ended meanwhile.
    """
    indices, places = cut.repeated(order.places(identity.numbers(spooled.rows)), first)
    if peers.world_size == 1:
        found = np.argsort(places)
        _check(places[found], cut.all_of(peers.rank, first))
        return Dealt(spooled, indices[found], False, first)
    owners = cut.ranks_of(places)
    by_owner = np.argsort(owners, kind="stable")
    ends = np.searchsorted(owners[by_owner], np.arange(1, cut.ranks))
    parts = np.split(by_owner, ends)
    del owners
    names = [field.name for field in spooled.fields]
    source = Rows(spooled.view(names, 0, spooled.rows), spooled.rows)
    form = Arrow(spooled.fields)
    schema = form.schema.append(pa.field(_PLACE, pa.int64()))

    def outgoing(rank: int) -> Iterator[pa.RecordBatch]:
        part, sent = parts[rank], 0
        for batch in batches_of(source, form, indices[part]):
            numbers = places[part[sent : sent + batch.num_rows]]
            sent += batch.num_rows
            yield pa.record_batch([*batch.columns, pa.array(numbers)], schema=schema)

    # Nulls have become what the spool's policy made of them.
    fresh = Spooled(form.schema, Spool(), storage)
    came: list[Any] = [np.empty(0, np.int64)]
    try:
        for _, batches in swap(peers, f"deal {number}", schema, outgoing):
            for batch in batches:
                came.append(np.array(batch.column(len(names))))
                fresh.append(batch.remove_column(len(names)))
        there = np.concatenate(came)
        came.clear()
        found = np.argsort(there)
        _check(there[found], cut.all_of(peers.rank, first))
    except BaseException:
        fresh.close()
        raise
    fresh.finish()
    return Dealt(fresh, found, True, first)


def _check(found: Any, wanted: Any) -> None:
    if not np.array_equal(found, wanted):
        raise InternalError(
            f"an epoch's rows don't fit: {len(found)} came, and {len(wanted)} are this rank's"
        )


class GlobalEpoch:
    """A rank's parts of the global batches of an epoch.

    Parameters
    ----------
    cut : Cut
    rank : int
    dealt : Dealt
    names : sequence of str
    first : int
        The first batch that is wanted.
    """

    def __init__(self, cut: Cut, rank: int, dealt: Dealt, names: Sequence[str], first: int) -> None:
        self._cut, self._rank, self._dealt, self._first = cut, rank, dealt, first
        spooled = dealt.spooled
        # Mapped here: the next deal ends the spool.
        self._rows = Rows(spooled.window(names, 0, spooled.rows), spooled.rows)

    def __iter__(self) -> Iterator[Rows]:
        at = 0
        for batch in range(self._dealt.first, self._cut.batches):
            start, stop = self._cut.of(self._rank, batch)
            if batch >= self._first:
                yield self._rows.take(self._dealt.order[at : at + stop - start])
            at += stop - start
