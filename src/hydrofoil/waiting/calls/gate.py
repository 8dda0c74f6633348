"""When a task's calls may begin: how many at once, and at which moments.

All of it runs in the event loop. Calls pass in the order in which they come.
"""

import asyncio
from collections import deque

from hydrofoil.waiting.calls.counts import Counts
from hydrofoil.waiting.calls.link import HubLink
from hydrofoil.waiting.hub.pace import Pace
from hydrofoil.waiting.options import Options

# A moment that has passed by more is not used. If all calls come late by as much, a second still
# has no more than the rate, of which less is planned.
_LATE_S = 0.05
# What the driver is told is gathered for as long.
_GATHER_S = 0.004


class Gate:
    """The limits of a function in one task.

    Parameters
    ----------
    link : HubLink or None
        To the driver, which divides the limits. Without it this task has them for itself.
    """

    def __init__(self, options: Options, link: HubLink | None, counts: Counts) -> None:
        self._options = options
        self._link = link
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._most = options.concurrency
        self._shared = options.max_in_flight is not None and link is not None
        if not self._shared and options.max_in_flight is not None:
            self._most = min(self._most, options.max_in_flight)
        self._share = 0 if self._shared else self._most
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._told_want = 0
        self._holds = 0
        self._telling = False
        # Calls that wait for their moments, with their costs, and moments that are still to come.
        self._paced = options.rate is not None or options.tokens is not None
        self._own_pace = Pace(options.rate, options.tokens) if link is None else None
        self._due: deque[tuple[asyncio.Future[None], float]] = deque()
        self._moments: deque[float] = deque()
        self._asked: list[float] = []
        self._timer: asyncio.TimerHandle | None = None
        if link is not None:
            link.handlers["share"] = self._take_share
            link.handlers["moments"] = self._take_moments

    async def enter(self, cost: float) -> None:
        """Wait until a call may begin."""
        began = self._loop.time()
        if self._active >= min(self._most, self._share) or self._waiting:
            future: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(future)
            self._tell()
            try:
                await future
            except BaseException:
                if future.done() and not future.cancelled():
                    self._active -= 1
                self._wake()
                raise
        else:
            self._active += 1
            self._tell()
        if self._paced:
            try:
                await self._moment(cost)
            except BaseException:
                self.leave()
                raise
        waited = self._loop.time() - began
        if waited > 0.001 and (self._paced or self._shared):
            self._counts.waited_s += waited

    def leave(self) -> None:
        """A call is over."""
        self._active -= 1
        self._wake()
        self._tell()

    def _wake(self) -> None:
        while self._waiting and self._active < min(self._most, self._share):
            future = self._waiting.popleft()
            if not future.done():
                self._active += 1
                future.set_result(None)

    # --- How many at once -------------------------------------------------------------------------

    def _take_share(self, header: dict[str, int], blob: bytes) -> None:
        self._share = header["n"]
        self._holds = max(self._holds, self._share)
        self._wake()
        self._tell()

    def _tell(self) -> None:
        """Say soon what this task would have, and what it holds no more."""
        if self._shared and not self._telling:
            self._telling = True
            self._loop.call_later(_GATHER_S, self._say)

    def _say(self) -> None:
        self._telling = False
        assert self._link is not None
        waiting = sum(not future.done() for future in self._waiting)
        want = min(self._most, self._active + waiting)
        # A little less for a moment is not told, for it will be more again.
        told = self._told_want
        if want > told or want < 0.75 * told:
            self._told_want = want
            self._link.send({"kind": "want", "n": want})
        holds = max(self._share, self._active)
        if holds < self._holds:
            self._holds = holds
            self._link.send({"kind": "held", "n": holds})

    # --- At which moments -------------------------------------------------------------------------

    async def _moment(self, cost: float) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        self._due.append((future, cost))
        self._ask(cost)
        await future

    def _ask(self, cost: float) -> None:
        if self._own_pace is not None:
            self._moments.append(self._own_pace.take(self._loop.time(), cost))
            self._set_timer()
            return
        self._asked.append(cost)
        if len(self._asked) == 1:
            self._loop.call_later(_GATHER_S, self._send_asked)

    def _send_asked(self) -> None:
        assert self._link is not None
        asked, self._asked = self._asked, []
        self._link.send({"kind": "moments", "costs": asked})

    def _take_moments(self, header: dict[str, list[float]], blob: bytes) -> None:
        now = self._loop.time()
        self._moments.extend(now + seconds for seconds in header["in"])
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is None and self._moments:
            self._timer = self._loop.call_at(self._moments[0], self._at_moment)

    def _at_moment(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._moments and self._moments[0] <= now + 0.0005:
            late = now - self._moments.popleft()
            while self._due and self._due[0][0].done():  # It was cancelled.
                self._due.popleft()
            if not self._due:
                continue
            if late > _LATE_S:
                self._ask(self._due[0][1])
                continue
            future, _ = self._due.popleft()
            future.set_result(None)
        self._set_timer()
