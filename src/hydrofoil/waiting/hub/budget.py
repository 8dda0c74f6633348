"""The limits of one function, divided between the tasks that are connected."""

from collections import deque
from collections.abc import Callable

from hydrofoil.waiting.hub.pace import Pace, shares
from hydrofoil.waiting.hub.seat import Seat
from hydrofoil.waiting.options import Options

# Seconds that moments are given ahead: as long the driver may be busy with something else, and as
# much a task that has died has taken along.
AHEAD_S = 0.25


class Budget:
    """Calls in flight, and moments for calls, of the tasks of one function.

    Parameters
    ----------
    clock : callable
        Seconds.
    """

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self._most = options.max_in_flight
        self._pace = Pace(options.rate, options.tokens)
        self._clock = clock
        self.seats: list[Seat] = []
        # Whose turn it is for the next moment.
        self._turns: deque[Seat] = deque()

    def join(self, seat: Seat) -> None:
        """Have a task take part."""
        self.seats.append(seat)
        self._turns.append(seat)

    def leave(self, seat: Seat) -> None:
        """Give back what a task holds."""
        self.seats.remove(seat)
        self._turns.remove(seat)
        self.divide()

    # --- Calls in flight --------------------------------------------------------------------------

    def wants(self, seat: Seat, want: int) -> None:
        """A task would have so many calls in flight."""
        seat.want = max(0, want)
        self.divide()

    def holds(self, seat: Seat, held: int) -> None:
        """A task has no more than these in flight any more."""
        seat.held = max(seat.told, min(seat.held, held))
        self.divide()

    def divide(self) -> None:
        """Tell tasks what they may have now: what is taken back is given on when it is over."""
        if self._most is None:
            return
        fair = shares({seat: seat.want for seat in self.seats}, self._most)
        for seat in self.seats:
            if fair[seat] < seat.told:
                self._tell(seat, fair[seat])
        free = self._most - sum(seat.held for seat in self.seats)
        for seat in sorted(self.seats, key=lambda one: one.told):
            more = min(fair[seat] - seat.told, free + seat.held - seat.told)
            if more > 0:
                free -= max(0, seat.told + more - seat.held)
                self._tell(seat, seat.told + more)

    def _tell(self, seat: Seat, share: int) -> None:
        seat.told = share
        seat.held = max(seat.held, share)
        seat.peer.send({"kind": "share", "n": share})

    # --- Moments ----------------------------------------------------------------------------------

    def asks(self, seat: Seat, costs: list[float]) -> None:
        """A task has calls that wait for their moments."""
        seat.costs.extend(costs)

    def give_moments(self) -> float | None:
        """Tell tasks their next moments, in turns; return in how many seconds to do so again.

        None is once there is something to do for it.
        """
        now = self._clock()
        given: dict[Seat, list[float]] = {}
        last = None
        while seat := self._next_with_calls():
            at = self._pace.next(now)
            if at > now + AHEAD_S:
                last = at
                self._turns.rotate(1)  # It is its turn still.
                break
            given.setdefault(seat, []).append(self._pace.take(now, seat.costs.popleft()))
        for seat, moments in given.items():
            # Clocks of hosts differ; seconds from now do not.
            sent = self._clock()
            seat.peer.send({"kind": "moments", "in": [at - sent for at in moments]})
        return None if last is None else max(0.01, last - now - AHEAD_S)

    def _next_with_calls(self) -> Seat | None:
        for _ in range(len(self._turns)):
            seat = self._turns[0]
            self._turns.rotate(-1)
            if seat.costs:
                return seat
        return None
