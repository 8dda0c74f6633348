"""Aggregates to use with `hydrofoil.aggregate`, and to write one's own after.

``hydrofoil.aggregate(Quantiles(0.5, 0.99))`` is one for columns. All take one column of numbers.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from hydrofoil.errors import UsageError


class Mean:
    """The mean, as float; None of no rows."""

    def init(self) -> Any:
        """How many rows, and their sum."""
        return np.zeros(2)

    def update(self, state: Any, x: Any) -> Any:
        """Add rows."""
        state += len(x), x.sum(dtype="float64")
        return state

    def merge(self, state: Any, other: Any) -> Any:
        """Add another's rows."""
        state += other
        return state

    def finish(self, state: Any) -> float | None:
        """The mean."""
        rows, total = state
        return float(total / rows) if rows else None


class Variance:
    """The variance, as float; None of no more rows than ``ddof``.

    Parameters
    ----------
    ddof : int
        What is taken off the number of rows in the divisor: 1 for a sample, 0 for all there is.
    """

    def __init__(self, ddof: int = 1) -> None:
        self.ddof = ddof

    def init(self) -> Any:
        """How many rows, their mean, and the sum of squared distances from it."""
        return np.zeros(3)

    def update(self, state: Any, x: Any) -> Any:
        """Add rows."""
        mean = x.mean(dtype="float64")
        apart = x - mean
        return self.merge(state, (len(x), mean, apart @ apart))

    def merge(self, state: Any, other: Any) -> Any:
        """Add another's rows, without the loss of digits that sums of squares have."""
        rows = state[0] + other[0]
        if rows:
            apart = other[1] - state[1]
            state[2] += other[2] + apart**2 * state[0] * other[0] / rows
            state[1] += apart * other[0] / rows
            state[0] = rows
        return state

    def finish(self, state: Any) -> float | None:
        """The variance."""
        rows, _, squares = state
        return float(squares / (rows - self.ddof)) if rows > self.ddof else None


class Largest:
    """The largest values, largest first, as list of float; NaN are left out.

    Parameters
    ----------
    count : int
        How many at most.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise UsageError(f"Largest({count!r}) keeps nothing", hint="give a positive number")
        self.count = count

    def init(self) -> Any:
        """Values, in any order."""
        return np.empty(0)

    def update(self, state: Any, x: Any) -> Any:
        """Add rows."""
        # Most rows are no candidates once the state is full. NaN are more than nothing.
        least = state.min() if len(state) == self.count else -np.inf
        return self.merge(state, x[x >= least])

    def merge(self, state: Any, other: Any) -> Any:
        """Add another's rows."""
        both = np.concatenate([state, other])
        if len(both) > self.count:
            both = np.partition(both, -self.count)[-self.count :]
        return both

    def finish(self, state: Any) -> list[float]:
        """The values."""
        return np.sort(state)[::-1].tolist()  # type: ignore[no-any-return]


class Bins(NamedTuple):
    """Counts of magnitudes in bins with consecutive numbers.

    A sum may be the first of the two, changed.
    """

    first: int
    counts: Any

    def __add__(self, other: "Bins") -> "Bins":  # type: ignore[override]
        if not len(self.counts):
            return other
        if not len(other.counts):
            return self
        start, stop = other.first - self.first, other.first - self.first + len(other.counts)
        if start >= 0 and stop <= len(self.counts):
            self.counts[start:stop] += other.counts
            return self
        first = min(self.first, other.first)
        last = max(self.first + len(self.counts), other.first + len(other.counts))
        counts = np.zeros(last - first, np.int64)
        for bins in (self, other):
            start = bins.first - first
            counts[start : start + len(bins.counts)] += bins.counts
        return Bins(first, counts)


_NO_BINS = Bins(0, np.empty(0, np.int64))
# The magnitudes that are counted: those of normal floats.
_LEAST, _MOST = np.finfo("float64").tiny, np.finfo("float64").max


class Sketch(NamedTuple):
    """How often values of each magnitude were there."""

    negative: Bins
    zeros: int
    positive: Bins


class Quantiles:
    """Approximate quantiles, as list of float; None of no rows. NaN are left out.

    Each is within the relative ``accuracy`` of a value of that rank (of the lower one, where the
    quantile is between two), whatever order or parts the rows came in. Values are counted in bins
    whose borders grow by a constant factor, which merge without further error (Masson, Rim and Lee,
    "DDSketch", VLDB 2019). Infinite values count as the largest finite ones, and those nearer to
    zero than normal floats as zero.

    Parameters
    ----------
    fractions : float
        From 0 to 1: 0.5 is the median.
    accuracy : float
        Above 0 and below 1. A state has at most about 1500 / accuracy counts, and far fewer where
        the values are of similar magnitude.
    """

    def __init__(self, *fractions: float, accuracy: float = 0.01) -> None:
        if not fractions or not all(0 <= fraction <= 1 for fraction in fractions):
            raise UsageError(
                f"Quantiles{fractions!r} are no quantiles", hint="give numbers from 0 to 1"
            )
        if not 0 < accuracy < 1:
            raise UsageError(f"accuracy={accuracy!r} is not between 0 and 1")
        self.fractions = fractions
        self.factor = (1 + accuracy) / (1 - accuracy)
        self.scale = 1 / math.log(self.factor)

    def init(self) -> Sketch:
        """No counts."""
        return Sketch(_NO_BINS, 0, _NO_BINS)

    def update(self, state: Sketch, x: Any) -> Sketch:
        """Add rows."""
        x = np.asarray(x, "float64")
        positive, negative = x[x >= _LEAST], x[x <= -_LEAST]
        others = x[np.abs(x) < _LEAST] if len(positive) + len(negative) < len(x) else ()
        counted = Sketch(self._counted(-negative), len(others), self._counted(positive))
        return self.merge(state, counted)

    def _counted(self, magnitudes: Any) -> Bins:
        if not len(magnitudes):
            return _NO_BINS
        numbers = np.log(np.minimum(magnitudes, _MOST), dtype="float64")
        numbers *= self.scale
        numbers = np.ceil(numbers, out=numbers).astype(np.int64)
        first = int(numbers.min())
        numbers -= first
        return Bins(first, np.bincount(numbers))

    def merge(self, state: Sketch, other: Sketch) -> Sketch:
        """Add another's rows."""
        return Sketch(
            state.negative + other.negative,
            state.zeros + other.zeros,
            state.positive + other.positive,
        )

    def finish(self, state: Sketch) -> list[float] | None:
        """The quantiles, in the order of the fractions."""
        values = np.concatenate(
            [-self._values(state.negative)[::-1], [0.0], self._values(state.positive)]
        )
        counts = np.concatenate([state.negative.counts[::-1], [state.zeros], state.positive.counts])
        below = np.cumsum(counts)
        if not below[-1]:
            return None
        ranks = np.floor(np.asarray(self.fractions) * (below[-1] - 1))
        return values[np.searchsorted(below, ranks, side="right")].tolist()  # type: ignore[no-any-return]

    def _values(self, bins: Bins) -> Any:
        """What stands for the values in each bin: as far from either border, relatively."""
        numbers = np.arange(bins.first, bins.first + len(bins.counts))
        middle = np.log(2 / (self.factor + 1))
        with np.errstate(over="ignore"):
            return np.minimum(np.exp(numbers * math.log(self.factor) + middle), _MOST)
