"""An order of numbered rows that is a function of (seed, epoch, number) alone.

Few rows are sorted by a hash of their numbers. More would need memory for all rows in every rank: a
Feistel network over two digits of a number says where one row is without a look at the others, and
which row is at a place. Neither depends on NumPy's random numbers, whose versions may differ.
"""

import hashlib
import math
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError

# Up to so many rows, all are sorted.
_SORTED = 1 << 16
_ROUNDS = 6
# Numbers that are worked on at a time: what is made of them stays in a core's cache.
_BLOCK = 1 << 15
_MOST_ROWS = 1 << 62
_LOW = np.uint64(0xFFFFFFFF)


class Permutation:
    """One order of the rows 0 to ``rows - 1``.

    Parameters
    ----------
    rows : int
    seed, epoch : int
        None of either: the rows' own order.

    Raises
    ------
    UsageError
        At more than 2**62 rows.
    """

    def __init__(self, rows: int, seed: int | None, epoch: int = 0) -> None:
        if rows > _MOST_ROWS:
            raise UsageError(f"{rows} rows can't be put into an order")
        self.rows = rows
        self._plain = seed is None or rows < 2
        if self._plain:
            return
        text = f"hydrofoil order {seed} {epoch}".encode()
        digest = hashlib.blake2b(text, digest_size=8 * _ROUNDS).digest()
        self._keys = np.frombuffer(digest, "<u8").astype(np.uint64)
        self._sorted = rows <= _SORTED
        if self._sorted:
            numbers = np.arange(rows, dtype=np.uint64)
            self._order = np.argsort(_mixed(numbers + self._keys[0]), kind="stable")
            self._places = np.empty(rows, np.int64)
            self._places[self._order] = np.arange(rows)
            return
        # A number is high * base + low. All pairs of digits are barely more than all rows.
        self._low = np.uint64(math.isqrt(rows - 1) + 1)
        self._high = np.uint64(-(-rows // int(self._low)))

    def places(self, numbers: Any) -> Any:
        """Where in the order the rows with these numbers are.

        Parameters
        ----------
        numbers : numpy.ndarray of int64

        Returns
        -------
        numpy.ndarray of int64
        """
        if self._plain:
            return numbers
        return self._places[numbers] if self._sorted else self._mapped(numbers, self._forward)

    def numbers(self, places: Any) -> Any:
        """The rows at these places; the inverse of `places`."""
        if self._plain:
            return places
        return self._order[places] if self._sorted else self._mapped(places, self._backward)

    def _mapped(self, values: Any, once: Any) -> Any:
        result = np.empty(len(values), np.int64)
        for start in range(0, len(values), _BLOCK):
            block = once(values[start : start + _BLOCK].astype(np.uint64))
            # Digits that make no row are mapped until they do: so the map stays one to one.
            while len(outside := np.flatnonzero(block >= self.rows)):
                block[outside] = once(block[outside])
            result[start : start + _BLOCK] = block
        return result

    def _forward(self, values: Any) -> Any:
        high, low = np.divmod(values, self._low)
        for number in range(0, _ROUNDS, 2):
            high = _added(high, self._drawn(low, number, self._high), self._high)
            low = _added(low, self._drawn(high, number + 1, self._low), self._low)
        return high * self._low + low

    def _backward(self, values: Any) -> Any:
        high, low = np.divmod(values, self._low)
        for number in range(_ROUNDS - 2, -1, -2):
            low = _added(low, self._low - self._drawn(high, number + 1, self._low), self._low)
            high = _added(high, self._high - self._drawn(low, number, self._high), self._high)
        return high * self._low + low

    def _drawn(self, digit: Any, number: int, below: Any) -> Any:
        """A number below ``below`` for each digit; which fits in 32 bits, as its square root."""
        return ((_mixed(digit + self._keys[number]) & _LOW) * below) >> np.uint64(32)


def _added(digit: Any, more: Any, base: Any) -> Any:
    total = digit + more
    return np.where(total >= base, total - base, total)


def _mixed(values: Any) -> Any:
    """The finisher of SplitMix64: each bit of the result depends on each of the value."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
