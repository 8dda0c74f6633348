"""The calls of one task: rows go in, answers come out in the same order.

`Flight` belongs to the worker's main thread, `_Calls` to the event loop. What they share are rows,
which are written by one and then read by the other.
"""

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from hydrofoil.waiting.calls import clients, watching
from hydrofoil.waiting.calls.asking import Asked
from hydrofoil.waiting.calls.counts import Counts
from hydrofoil.waiting.calls.failing import delay_of
from hydrofoil.waiting.calls.function import Function
from hydrofoil.waiting.calls.gate import Gate
from hydrofoil.waiting.calls.link import HubError, HubLink, linked
from hydrofoil.waiting.calls.loop import event_loop
from hydrofoil.waiting.calls.place import TaskPlace
from hydrofoil.waiting.calls.threads import Threads

# How often the driver is told what has been done.
_TELL_S = 1.0


class TaskEnded(Exception):
    """The task was killed; nobody hears this but the executor's log."""


class Row:
    """One row: its arguments, then its answer or its error."""

    __slots__ = ("arguments", "done", "error", "value")

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self.arguments = arguments
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None


class Flight:
    """Calls in flight, in the order of their rows.

    Parameters
    ----------
    function : Function
    stops : bool
        An error of one call ends all others at once.
    """

    def __init__(self, function: Function, task: TaskPlace, *, stops: bool) -> None:
        self.rows: deque[Row] = deque()
        self.counts = Counts()
        self._wake = threading.Event()
        self._ended: BaseException | None = None
        # Whether a row's error has ended it.
        self.failed = False
        self._loop = event_loop()
        if function.setups:
            clients.attend_end()
        self._calls = _Calls(self, function, task, watching.connection_to_executor(), stops=stops)

    def add(self, some: Sequence[tuple[Any, ...]]) -> None:
        """Have calls made for further rows."""
        rows = [Row(arguments) for arguments in some]
        self.rows.extend(rows)
        self._loop.call_soon_threadsafe(self._calls.begin, rows)

    def unfinished(self) -> int:
        """How many rows have no answer yet."""
        return self._calls.unfinished

    def wait(self, count: int, timeout: float | None = None) -> None:
        """Wait until so many of the first rows are done, or for as long.

        Raises
        ------
        Exception
            That of a call that ends all others.
        TaskEnded
        """
        row = self.rows[min(count, len(self.rows)) - 1]
        self._calls.awaited = row
        while not row.done and self._ended is None:
            self._wake.clear()
            if row.done or self._ended is not None:
                break
            if not self._wake.wait(timeout) and timeout is not None:
                break
        if self._ended is not None:
            raise self._ended

    def close(self) -> None:
        """End all calls, and give back what they hold; return when that is done."""
        done = asyncio.run_coroutine_threadsafe(self._calls.close(), self._loop)
        try:
            done.result(5.0)
        except Exception:
            done.cancel()

    # --- Called in the loop -----------------------------------------------------------------------

    def row_done(self) -> None:
        self._wake.set()

    def row_failed(self, error: BaseException) -> None:
        self.failed = True
        self.end(error)

    def end(self, why: BaseException) -> None:
        if self._ended is None:
            self._ended = why
        self._wake.set()


class _Calls:
    """What runs in the loop."""

    def __init__(
        self,
        flight: Flight,
        function: Function,
        task: TaskPlace,
        descriptor: int | None,
        *,
        stops: bool,
    ) -> None:
        self.flight = flight
        self.function = function
        self.options = function.options
        self.task = task
        self.counts = flight.counts
        self.descriptor = descriptor
        self.stops = stops
        self.unfinished = 0
        self.awaited: Row | None = None
        self.over = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.opened: asyncio.Task[None] | None = None
        self.link: HubLink | None = None
        self.gate: Gate
        self.asked: Asked | None = None
        self.threads: Threads | None = None
        self.given: dict[str, Any] | None = None
        self.bound: Callable[..., Any] = function.function
        self.watch: asyncio.Task[None] | None = None

    def begin(self, rows: list[Row]) -> None:
        """Make calls for rows; the first ones come with a connection to the driver."""
        if self.over:
            return
        self.unfinished += len(rows)
        if self.opened is None:
            self.watch = asyncio.ensure_future(self._watch())
            self.opened = asyncio.ensure_future(self._open())
            self.opened.add_done_callback(self._is_open)
        self._begin_later(rows)

    def _begin_later(self, rows: list[Row]) -> None:
        assert self.opened is not None
        if not self.opened.done():
            self.opened.add_done_callback(lambda opened: self._begin_later(rows))
        elif not self.over and not self.opened.cancelled() and self.opened.exception() is None:
            for row in rows:
                task = asyncio.ensure_future(self._run(row))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    def _is_open(self, opened: "asyncio.Task[None]") -> None:
        if not opened.cancelled() and (error := opened.exception()) is not None:
            self._end(error)

    async def _open(self) -> None:
        function, options = self.function, self.options
        self.link = await linked(function, self.task)
        if self.link is not None:
            self.link.handlers["cancel"] = lambda header, blob: self._killed("its stage has ended")
            self.link.on_lost = self._lost
        self.gate = Gate(options, self.link, self.counts)
        if options.once:
            self.asked = Asked(function.identity, self.link, self.counts)
        if self.link is not None:
            self.link.start()
        if function.setups:
            self.given = await clients.borrowed(function.key, function.setups)
            self.bound = partial(function.function, **self.given)
        if not function.is_async:
            self.threads = Threads(options.concurrency)

    def _lost(self, error: HubError) -> None:
        self.link = None
        if self.options.needs_hub:
            self._end(error)
        elif self.asked is not None:
            self.asked.alone()

    # --- One row ----------------------------------------------------------------------------------

    async def _run(self, row: Row) -> None:
        try:
            if self.asked is None:
                row.value = await self._call(row.arguments)
            else:
                call = partial(self._call, row.arguments)
                row.value = await self.asked.ask(row.arguments, call)
        except asyncio.CancelledError:
            if self.over:
                return
            row.error = RuntimeError("the function has cancelled its own call")
        except BaseException as error:
            row.error = error
        if row.error is None:
            self.counts.rows += 1
        else:
            self.counts.failed += 1
        row.done = True
        self.unfinished -= 1
        if row is self.awaited:
            self.flight.row_done()
        if row.error is not None and self.stops:
            self._cancel()
            self.flight.row_failed(row.error)

    async def _call(self, arguments: tuple[Any, ...]) -> Any:
        """The answer of a call, as Spark's types have it, after as many more as it takes."""
        options, counts = self.options, self.counts
        cost = 1.0 if options.cost is None else float(options.cost(*arguments))
        done = 0
        while True:
            await self.gate.enter(cost)
            counts.calls += 1
            if options.cost is not None:
                counts.cost += cost
            try:
                answer = await self._answer(arguments)
                break
            except Exception as error:
                delay = delay_of(error, done, options)
                if delay is None:
                    raise
            finally:
                self.gate.leave()
            counts.retries += 1
            done += 1
            await asyncio.sleep(delay)
        return self.function.internal(answer)

    async def _answer(self, arguments: tuple[Any, ...]) -> Any:
        if self.threads is None:
            called = self.bound(*arguments)
            if not inspect.isawaitable(called):
                return called
        else:
            called = self.threads.call(partial(self.bound, *arguments))
        if self.options.timeout is None:
            return await called
        try:
            return await asyncio.wait_for(called, self.options.timeout)
        except asyncio.TimeoutError as error:
            if str(error):
                raise
            raise TimeoutError(f"no answer within timeout={self.options.timeout:g} s") from error

    # --- The end ----------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """See whether the task is still wanted, and tell the driver what it does."""
        loop = asyncio.get_running_loop()
        told = loop.time()
        while True:
            await asyncio.sleep(watching.EVERY_S)
            if self.descriptor is not None and watching.has_ended(self.descriptor):
                self._killed("the executor has closed its connection")
                return
            if self.link is not None and loop.time() - told > _TELL_S:
                told = loop.time()
                self._tell_counts()

    def _tell_counts(self, *, last: bool = False) -> None:
        if self.link is not None:
            counts = self.counts.as_dict()
            self.link.send({"kind": "counts", "counts": counts, "last": last})

    def _killed(self, why: str) -> None:
        self._end(TaskEnded(f"the task was killed: {why}"))

    def _end(self, why: BaseException) -> None:
        self._cancel()
        self.flight.end(why)

    def _cancel(self) -> None:
        self.over = True
        for task in self.tasks:
            task.cancel()
        if self.threads is not None:
            self.threads.close()

    async def close(self) -> None:
        """Cancel what is left, and give all back."""
        self._cancel()
        if self.watch is not None:
            self.watch.cancel()
        if self.opened is not None and not self.opened.done():
            self.opened.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=2.0)
        if self.given is not None:
            clients.give_back(self.function.key, self.function.setups, asyncio.get_running_loop())
        if self.link is not None:
            counted = asyncio.Event()
            self.link.handlers["counted"] = lambda header, blob: counted.set()
            self._tell_counts(last=True)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(counted.wait(), 1.0)
            await self.link.close()
