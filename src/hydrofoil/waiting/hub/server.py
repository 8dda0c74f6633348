"""A thread of the driver's that tasks connect to, and that hears what they ask for."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.hub.listener import Connection, Listener
from hydrofoil.waiting.answers.kept import Kept
from hydrofoil.waiting.answers.memory import Memory
from hydrofoil.waiting.hub.budget import Budget
from hydrofoil.waiting.hub.claims import KEPT_BYTES, Claims
from hydrofoil.waiting.hub.seat import Seat
from hydrofoil.waiting.hub.tally import Tally, WaitingCalls
from hydrofoil.waiting.options import Options

_logger = logging.getLogger("hydrofoil.worker")
_STRANGERS = 1024
# How often it is asked whether stages still run: a task of one that doesn't is told so.
_STAGES_S = 0.2
# In how many times of these it is shown what has been called.
_SHOWN_EVERY = 5

# The query, the function's name, and the stage.
_Use = tuple[int | None, str, int]


class Function:
    """One function of the driver's, for the tasks that call it."""

    def __init__(self, name: str, budget: Budget, claims: Claims) -> None:
        self.name = name
        self.budget = budget
        self.claims = claims
        self.timer: asyncio.TimerHandle | None = None


class WaitingHub(Listener):
    """What all functions of an application that wait have in common.

    Parameters
    ----------
    bind, host, port
        The address to listen on, what tasks connect to, and the port, 0 for any.
    encrypt, strict : bool
        As in `Secret`.
    is_running : callable
        Whether a stage's number is that of one that runs. Called in a thread of its own.
    show : callable
        Shows what has been called since the last time; in threads of its own.
    """

    def __init__(
        self,
        bind: str = "127.0.0.1",
        host: str | None = None,
        port: int = 0,
        encrypt: bool = False,
        strict: bool = False,
        is_running: Callable[[int], bool] = lambda stage: True,
        show: Callable[[WaitingCalls], None] = lambda more: None,
    ) -> None:
        super().__init__("task", _logger, bind, host, port, encrypt, strict, _STRANGERS)
        self.secret = self.secret.of("waiting")
        self.tally = Tally()
        self._is_running = is_running
        self._show = show
        self._showing = threading.Lock()
        self._functions: dict[str, Function] = {}
        self._memories: dict[str, Memory] = {}
        self._kept = Kept(KEPT_BYTES)
        self._seats: dict[Seat, Function] = {}
        self._untold: set[_Use] = set()
        self._closed = threading.Event()
        self._busy = threading.Event()
        self.start("hydrofoil-waiting-hub")
        self._watcher = threading.Thread(
            target=self._watch_stages, name="hydrofoil-waiting-stages", daemon=True
        )
        self._watcher.start()

    # --- For the driver's threads -----------------------------------------------------------------

    def register(self, key: str, name: str, options: Options) -> None:
        """Have a function's tasks find it here.

        Raises
        ------
        UsageError
            Its file of answers can't be opened.
        """
        if key in self._functions:
            return
        memory = None
        if options.remember is not None:
            memory = self._memories.get(options.remember)
            if memory is None:
                memory = self._memories[options.remember] = Memory(options.remember)

        def add() -> None:
            budget = Budget(options, self._loop.time)
            self._functions[key] = Function(name, budget, Claims(self._kept, memory, key))

        self.call(add)

    def close(self) -> None:
        """End the threads and all connections; what is remembered is in its file."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._busy.set()
        super().close()
        for memory in self._memories.values():
            memory.close()

    def connected(self) -> int:
        """How many tasks are."""
        return self.call(lambda: len(self._seats))

    # --- In the hub's thread ----------------------------------------------------------------------

    async def hear(self, connection: Connection) -> None:
        header, _ = await connection.receive()
        function = self._functions.get(str(header["function"]))
        if header["kind"] != "join" or function is None:
            raise ChannelError(f"{header['kind']} for a function that is not known")
        execution = header["execution"]
        seat = Seat(
            connection,
            int(header["stage"]),
            None if execution is None else int(execution),
            int(header["partition"]),
        )
        function.budget.join(seat)
        self._seats[seat] = function
        self._busy.set()
        connection.send({"kind": "welcome"})
        try:
            while True:
                header, blob = await connection.receive()
                _HANDLERS[header["kind"]](self, seat, function, header, blob)
        finally:
            del self._seats[seat]
            function.claims.leave(seat)
            function.budget.leave(seat)
            self._untold.add((seat.execution, function.name, seat.stage))

    def _want(self, seat: Seat, function: Function, header: dict[str, Any], blob: bytes) -> None:
        function.budget.wants(seat, int(header["n"]))

    def _held(self, seat: Seat, function: Function, header: dict[str, Any], blob: bytes) -> None:
        function.budget.holds(seat, int(header["n"]))

    def _moments(self, seat: Seat, function: Function, header: dict[str, Any], blob: bytes) -> None:
        function.budget.asks(seat, [float(cost) for cost in header["costs"]])
        if function.timer is None:
            self._give_moments(function)

    def _give_moments(self, function: Function) -> None:
        seconds = function.budget.give_moments()
        function.timer = (
            None
            if seconds is None
            else self._loop.call_later(seconds, self._give_moments, function)
        )

    def _ask(self, seat: Seat, function: Function, header: dict[str, Any], blob: bytes) -> None:
        function.claims.ask(seat, [bytes.fromhex(key) for key in header["keys"]])

    def _answer(self, seat: Seat, function: Function, header: dict[str, Any], blob: bytes) -> None:
        function.claims.answer(seat, bytes.fromhex(header["key"]), blob)

    def _give_up(self, seat: Seat, function: Function, header: dict[str, Any], blob: bytes) -> None:
        function.claims.give_up(seat, bytes.fromhex(header["key"]))

    def _counts(self, seat: Seat, function: Function, header: dict[str, Any], blob: bytes) -> None:
        now: Counter[str] = Counter(header["counts"])
        more = Counter(now)
        more.subtract(seat.counts)
        seat.counts = now
        self.tally.add(seat.execution, function.name, +more)
        if header.get("last"):
            # Whoever looks once the query has returned is to find them.
            shown = self._loop.run_in_executor(None, self._show_more, seat.execution, function.name)
            shown.add_done_callback(lambda done: seat.peer.send({"kind": "counted"}))

    def _show_more(self, query: int | None, name: str) -> None:
        with self._showing:
            more = self.tally.since_told(query, name)
            if more is not None:
                self._show(more)

    # --- In a thread that asks Spark --------------------------------------------------------------

    def _watch_stages(self) -> None:
        """Tell tasks whose stage has been cancelled, and show and log what queries have called."""
        rounds = 0
        while not self._closed.is_set():
            self._busy.wait()
            if self._closed.wait(_STAGES_S):
                return
            rounds += 1
            try:
                self._look(show=rounds % _SHOWN_EVERY == 0)
            except Exception:
                if self._closed.is_set():
                    return
                _logger.exception("hydrofoil: stages can't be watched")

    def _look(self, *, show: bool) -> None:
        connected, untold = self.call(self._watched)
        stages = {stage for _, _, stage in [*connected, *untold]}
        over = frozenset(stage for stage in stages if not self._is_running(stage))
        if over:
            self.call(partial(self._end, over))
        for query, name in {one[:2] for one in connected} if show else ():
            self._show_more(query, name)
        for one in untold:
            if one[2] in over:
                self._untold.discard(one)
                said = self.tally.of(one[0], one[1])
                if said is not None:
                    _logger.info("hydrofoil: %s", said)

    def _watched(self) -> tuple[list[_Use], list[_Use]]:
        if not self._seats and not self._untold:
            self._busy.clear()
        connected = [
            (seat.execution, function.name, seat.stage) for seat, function in self._seats.items()
        ]
        return connected, list(self._untold)

    def _end(self, stages: frozenset[int]) -> None:
        for seat in self._seats:
            if seat.stage in stages:
                seat.peer.send({"kind": "cancel"})


_Handler = Callable[[WaitingHub, Seat, Function, dict[str, Any], bytes], None]
_HANDLERS: dict[str, _Handler] = {
    "want": WaitingHub._want,
    "held": WaitingHub._held,
    "moments": WaitingHub._moments,
    "ask": WaitingHub._ask,
    "answer": WaitingHub._answer,
    "give up": WaitingHub._give_up,
    "counts": WaitingHub._counts,
}
