"""A rank's rows in their stable order, over a spool that has them as they came.

Where they came in that order, which is so within one executor, views are those of the spool, also
while rows still come. Else what lies in one piece of the spool is a view, and the rest is gathered.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrofoil.gang.data.identity import Identity
from hydrofoil.gang.data.rows import Rows, concatenated
from hydrofoil.gang.data.spool import Spooled


class Stable:
    """Reads as `Spooled` does.

    Parameters
    ----------
    spooled : Spooled
    identity : Identity
    """

    def __init__(self, spooled: Spooled, identity: Identity) -> None:
        self._spooled = spooled
        self._identity = identity
        self._pieces: _Pieces | None = None
        self.schema = spooled.schema
        self.fields = spooled.fields

    @property
    def rows(self) -> int:
        """How many can be read: their places don't change any more."""
        if self._spooled.complete:
            return self._spooled.rows
        final = self._identity.final
        rows = self._spooled.rows  # Behind what the identity knows, never before it.
        return rows if final is None else min(rows, final)

    def wait(self, rows: int | None) -> int:
        """As `Spooled.wait`; for rows that came out of turn, until all have come."""
        return self._spooled.wait_for(rows, lambda: self.rows)

    def view(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """As `Spooled.view`; a copy where rows lie in several pieces."""
        pieces = self._known()
        if pieces is None:
            return self._spooled.view(names, start, stop)
        whole = self._spooled.view(names, 0, self._spooled.rows)
        return {name: pieces.slice(values, start, stop) for name, values in whole.items()}

    def window(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """As `view`, to be sliced or gathered from: only what is taken is copied."""
        pieces = self._known()
        if pieces is None:
            return self._spooled.view(names, start, stop)
        whole = self._spooled.view(names, 0, self._spooled.rows)
        return {name: _Window(values, pieces, start) for name, values in whole.items()}

    def _known(self) -> "_Pieces | None":
        if self._pieces is None and self._spooled.complete:
            found = self._identity.segments()
            self._pieces = None if found is None else _Pieces(*found)
        return self._pieces


class _Pieces:
    """Where the rows of the stable order lie in the spool."""

    def __init__(self, starts: Any, lengths: Any) -> None:
        self._starts = starts
        self._ends = np.cumsum(lengths)
        self._shift = starts - (self._ends - lengths)

    def places(self, indices: Any) -> Any:
        """Rows of the spool for rows of the stable order."""
        indices = np.asarray(indices, np.int64)
        return indices + self._shift[np.searchsorted(self._ends, indices, "right")]

    def slice(self, values: Any, start: int, stop: int) -> Any:
        """Rows of a whole column."""
        rows = Rows({"": values}, int(self._ends[-1]))
        parts = []
        number = int(np.searchsorted(self._ends, start, "right"))
        while start < stop:
            until = min(stop, int(self._ends[number]))
            shift = int(self._shift[number])
            parts.append(rows.slice(start + shift, until + shift).columns[""])
            start, number = until, number + 1
        return concatenated(parts) if parts else rows.slice(0, 0).columns[""]


class _Window:
    """A column from some row on, of which only what is sliced or gathered is made."""

    def __init__(self, whole: Any, pieces: _Pieces, first: int) -> None:
        self._whole = whole
        self._pieces = pieces
        self._first = first

    @property
    def nbytes(self) -> int:
        """Of the whole column."""
        parts = self._whole if isinstance(self._whole, tuple) else (self._whole,)
        return sum(part.nbytes for part in parts)

    def slice(self, start: int, length: int) -> Any:
        """Rows, counted from the window's first."""
        start += self._first
        return self._pieces.slice(self._whole, start, start + length)

    def take(self, indices: Any) -> Any:
        """Rows at ``indices``, counted from the window's first."""
        places = self._pieces.places(np.asarray(indices, np.int64) + self._first)
        return Rows({"": self._whole}, 0).take(places).columns[""]
