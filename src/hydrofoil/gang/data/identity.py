"""Which row of all rows each of a rank's rows is, however they came to it.

A source's rows have numbers by themselves: a rank reads rows in a row. A DataFrame's get them
before Spark deals them over the ranks: the partition, and the place in it (`POSITION`). The column
leaves the batches here again. Spark brings the rows of one partition together, and those of
different partitions in any order: so their stable order is that of the partitions.
"""

import hashlib
import os
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from hydrofoil.gang.data.forms import Arrow
from hydrofoil.gang.data.memory import private_map
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.data.permutation import Permutation
from hydrofoil.gang.data.rows import Rows
from hydrofoil.gang.data.spool import Spooled, Storage

# What staging calls the column that comes last.
POSITION = "__hydrofoil_position"
# monotonically_increasing_id is the partition's number above these bits, and the row's in it below.
POSITION_BITS = 33
_IN_PARTITION = (1 << POSITION_BITS) - 1
_INT64 = np.dtype(np.int64)
# Rows that are looked at, and the bound of the sum of what they are, which many ranks may add to.
_SAMPLED = 64
_MOST = 1 << 40


class Identity(Protocol):
    """What is known of a rank's rows."""

    @property
    def content(self) -> str:
        """Equal where the same numbers mean the same rows, as far as one can tell."""
        ...

    @property
    def layout(self) -> str | None:
        """Equal where ranks get the same rows, if their number is the same; None: always."""
        ...

    @property
    def tallies(self) -> bool:
        """Whether `numbers` takes what only all ranks together know."""
        ...

    @property
    def final(self) -> int | None:
        """How many of the rows that came first keep their place in the stable order; None: all."""
        ...

    def tally(self, peers: Peers, spooled: Spooled) -> list[int]:
        """Once all rows have come: every rank's number. A collective."""
        ...

    def segments(self) -> Any:
        """Once all rows have come: pieces of them, (first, length) in stable order; None: one."""
        ...

    def numbers(self, rows: int) -> Any:
        """Once tallied: the number among all rows of each row, in order of arrival."""
        ...

    def close(self) -> None: ...


class TableRows:
    """Rows in a row of a table that is numbered already.

    Parameters
    ----------
    name : str
    first : int
        This rank's first row.
    """

    final = None
    tallies = False

    layout = None

    def __init__(self, name: str, first: int) -> None:
        self.content = name
        self.first = first

    def tally(self, peers: Peers, spooled: Spooled) -> list[int]:
        return peers.counts(spooled.rows)

    def segments(self) -> None:
        """They come as they are."""

    def numbers(self, rows: int) -> Any:
        return np.arange(self.first, self.first + rows)

    def close(self) -> None:
        """Nothing is kept."""


class UpstreamRows:
    """Rows that a shuffle has brought, with their partition and place before it.

    Parameters
    ----------
    storage : Storage
        Keeps the positions, 8 bytes a row.
    """

    tallies = True

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._file = storage.file()
        self._rows = 0
        # Where pieces of one partition begin, and the position of their first row.
        self._starts: list[int] = []
        self._heads: list[int] = []
        self._final: int | None = None  # Once a piece has come out of turn.
        self._sizes: Any = None
        self.content = ""

    @property
    def layout(self) -> str:
        """The partitions' numbers of rows; once tallied."""
        return f"{len(self._sizes)} partitions {_digest(np.asarray(self._sizes, '<i8').tobytes())}"

    @property
    def final(self) -> int:
        rows = self._rows  # First: the thread that takes rows over may find out now.
        return rows if self._final is None else self._final

    def taken_from(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches without their positions, which are kept."""
        for batch in batches:
            last = batch.num_columns - 1
            if batch.num_rows:
                self.append(np.asarray(batch.column(last)))
            yield batch.remove_column(last)

    def append(self, positions: Any) -> None:
        """Take over the positions of the next rows."""
        self._storage.write(self._file, np.ascontiguousarray(positions))
        partitions = positions >> POSITION_BITS
        firsts = (np.flatnonzero(partitions[1:] != partitions[:-1]) + 1).tolist()
        before = self._heads[-1] >> POSITION_BITS if self._heads else -1
        for first in [0, *firsts]:
            partition = int(partitions[first])
            if partition == before:
                continue
            if partition != before + 1 and self._final is None:
                self._final = self._rows + first
            self._starts.append(self._rows + first)
            self._heads.append(int(positions[first]))
            before = partition
        self._rows += len(positions)

    def tally(self, peers: Peers, spooled: Spooled) -> list[int]:
        partitions = np.asarray(self._heads, np.int64) >> POSITION_BITS
        lengths = np.diff([*self._starts, self._rows])
        sizes = np.zeros(int(partitions.max(initial=-1)) + 1, np.int64)
        np.add.at(sizes, partitions, lengths)
        counts, self._sizes = peers.tally(spooled.rows, sizes)
        # By what some rows are, to find out where a DataFrame gives them in another order.
        mine = sum(map(_fingerprint, self._sampled(spooled)))
        _, [total] = peers.tally(0, np.array([mine % _MOST]), "content")
        self.content = f"rows {int(total) % _MOST:x}"
        return counts

    def _sampled(self, spooled: Spooled) -> Iterator[Any]:
        """Those of this rank's rows that are among some that all ranks draw alike."""
        if not self._rows:
            return
        numbers, places = self._drawn()
        form = Arrow(spooled.fields)
        names = [field.name for field in spooled.fields]
        # Of all rows at once: a map for each row would take more time than the rest.
        window = Rows(spooled.window(names, 0, self._rows), self._rows)
        found = form(window.take(np.array(places, np.int64))).to_pylist()
        yield from zip(numbers, found, strict=True)

    def _drawn(self) -> tuple[list[int], list[int]]:
        """The numbers of such rows, and where they are in the spool."""
        ends = np.cumsum(self._sizes)
        rows = int(ends[-1])
        drawn = Permutation(rows, 0).numbers(np.arange(min(rows, _SAMPLED)))
        stops = [*self._starts[1:], self._rows]
        positions = private_map(self._file, _INT64, 0, self._rows)
        numbers, places = [], []
        for number in drawn.tolist():
            partition = int(np.searchsorted(ends, number, "right"))
            into = number - int(ends[partition] - self._sizes[partition])
            wanted = (partition << POSITION_BITS) + into
            for start, stop, head in zip(self._starts, stops, self._heads, strict=True):
                if head >> POSITION_BITS == partition:
                    found = np.flatnonzero(positions[start:stop] == wanted)
                    places += (found + start).tolist()
                    numbers += [number] * len(found)
        return numbers, places

    def segments(self) -> Any:
        if self._final is None:
            return None
        # Sorted by position, should pieces of one partition have come apart.
        order = np.argsort(np.asarray(self._heads), kind="stable")
        if (order == np.arange(len(order))).all():
            return None
        starts = np.asarray(self._starts)
        return starts[order], np.diff([*self._starts, self._rows])[order]

    def numbers(self, rows: int) -> Any:
        positions = private_map(self._file, _INT64, 0, rows)
        firsts = np.concatenate([[0], np.cumsum(self._sizes)])
        return firsts[positions >> POSITION_BITS] + (positions & _IN_PARTITION)

    def close(self) -> None:
        os.close(self._file)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _fingerprint(row: Any) -> int:
    return int(_digest(repr(row).encode()), 16)
