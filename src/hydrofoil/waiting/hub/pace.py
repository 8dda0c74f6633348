"""When calls may start, and how many may be in flight. Numbers in, numbers out; no clocks."""

from collections.abc import Hashable, Mapping

# Of a rate, what is planned, since calls arrive a little apart from when they were sent.
PLANNED = 0.97


class Pace:
    """Moments that are evenly apart, so that no second has more than the rate.

    Parameters
    ----------
    rate, tokens : float or None
        Calls and their costs a second.
    """

    def __init__(self, rate: float | None, tokens: float | None) -> None:
        self._apart = 0.0 if rate is None else 1.0 / (rate * PLANNED)
        self._each = 0.0 if tokens is None else 1.0 / (tokens * PLANNED)
        self._next_call = self._next_token = float("-inf")

    def next(self, now: float) -> float:
        """The moment of the next call; what has passed unused is lost, for it would be a burst."""
        return max(self._next_call, self._next_token, now)

    def take(self, now: float, cost: float) -> float:
        """The moment of the next call, which it then has."""
        at = self.next(now)
        self._next_call = at + self._apart
        self._next_token = at + self._each * cost
        return at


def shares(wants: Mapping[Hashable, int], most: int) -> dict[Hashable, int]:
    """Divide calls in flight between those who want some: nobody has more than they want, and
    nobody less than another who wants more, but for the one that is left over."""
    given: dict[Hashable, int] = {}
    left, waiting = most, sorted(wants, key=lambda who: wants[who])
    while waiting:
        who = waiting.pop(0)
        # Those who want most come last, and have what is left over.
        given[who] = min(wants[who], left // (len(waiting) + 1))
        left -= given[who]
    return given
