"""What the plans of vectorized and grouped functions share: their columns, and combined output."""

from time import monotonic
from typing import Any

from hydrofoil.dataframes.results import FrameResults
from hydrofoil.wire import Encoded

# A record batch of combined results is written when it has this many rows or bytes, or when its
# first rows are this many seconds old: memory stays flat and a slow function's results move on.
MAX_ROWS = 10_000
MAX_BYTES = 4 << 20
MAX_SECONDS = 0.1


def keys_and_values(offsets: list[int]) -> list[tuple[list[int], list[int]]]:
    """For each data frame of a grouped map, the columns of its keys and of its values.

    Stock sends, for each: how many numbers follow, how many keys there are, the keys, the values.
    """
    found = []
    at = 0
    while at < len(offsets):
        count, keys = offsets[at], offsets[at + 1]
        first = at + 2
        at += 1 + count
        found.append((offsets[first : first + keys], offsets[first + keys : at]))
    return found


class Combined:
    """Data frames that were returned and are not written yet, as rows of one record batch."""

    def __init__(self, results: FrameResults) -> None:
        self.results = results
        self.since = 0.0

    @property
    def pending(self) -> bool:
        """Whether there are rows to be written."""
        return self.results.rows > 0

    def add(self, frame: Any) -> bool:
        """Append a data frame; False, and nothing, if stock has to convert it."""
        if self.results.rows == 0:
            self.since = monotonic()
        return self.results.add(frame)

    @property
    def due(self) -> bool:
        """Whether the rows should be written now."""
        return (
            self.results.rows >= MAX_ROWS
            or monotonic() - self.since >= MAX_SECONDS
            or self.results.nbytes() >= MAX_BYTES
        )

    def batch(self) -> Encoded:
        """The rows as a record batch, which lasts until `forget`."""
        return Encoded([self.results.column], self.results.finish())

    def forget(self) -> None:
        """Begin the next record batch."""
        self.results.clear()
