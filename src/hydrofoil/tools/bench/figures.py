"""Medians with their spread, factors between two of them, and which of those are noise."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

NOISE_NOTE = (
    "~: the runs are further apart than the two engines are, so it is noise. More runs may show a "
    "difference: --repeat 9."
)


@dataclass(frozen=True)
class Spread:
    """The median of all runs, the least and the most."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of one or more values."""
        return cls(statistics.median(values), min(values), max(values))

    @property
    def width(self) -> float:
        return self.high - self.low

    def scaled(self, by: float) -> "Spread":
        """Every value times ``by``, which is not negative."""
        return Spread(self.median * by, self.low * by, self.high * by)

    def inverse(self, numerator: float = 1.0) -> "Spread":
        """``numerator`` over every value, such as a rate for a time."""
        return Spread(*(numerator / max(x, 1e-9) for x in (self.median, self.high, self.low)))

    def percent(self) -> str:
        """How far the runs are apart, such as ±7 %; nothing where there was one."""
        return f"±{50 * self.width / self.median:.0f} %" if self.width and self.median else ""


@dataclass(frozen=True, order=True)
class Factor:
    """How many times faster something is: another's median over its own.

    ``noise`` says that the runs of one of them are further apart than the two medians are.
    """

    value: float
    noise: bool

    @classmethod
    def of(cls, time: Spread, other: Spread) -> "Factor":
        """The factor by which ``time`` is less than ``other``.

        What took less than the clock shows says nothing.
        """
        if time.median <= 0 or other.median <= 0:
            return cls(1.0, True)
        difference = abs(time.median - other.median)
        noise = difference < max(time.width, other.width)
        return cls(other.median / time.median, noise)

    @classmethod
    def mean(cls, factors: Sequence["Factor"]) -> "Factor":
        """The mean in which 2 and a half cancel out; noise where one of them is."""
        value = statistics.geometric_mean(factor.value for factor in factors)
        return cls(value, any(factor.noise for factor in factors))

    def __str__(self) -> str:
        return f"{'~' if self.noise else ''}{times(self.value)}"


def times(value: float) -> str:
    """A factor, with as many digits as say something: 0.85, 3.4, 12, 240."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def number(value: float) -> str:
    """A figure in three digits, large ones whole: 0.0123, 4.56, 78.9, 12,345."""
    if value == 0:
        return "0"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    digits = 3 - len(str(int(abs(value)))) if abs(value) >= 1 else 2
    return f"{value:.{digits}f}" if abs(value) >= 0.1 else f"{value:.2g}"
