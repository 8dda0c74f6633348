"""Async generators over batches, as Spark calls them.

The generator runs in the event loop, and the worker's main thread reads batches for it and writes
what it yields: it asks for what it needs, and the main thread does it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import pyarrow as pa

from hydrofoil.waiting.calls import clients, watching
from hydrofoil.waiting.calls.flight import TaskEnded
from hydrofoil.waiting.calls.function import Function
from hydrofoil.waiting.calls.link import linked
from hydrofoil.waiting.calls.loop import event_loop
from hydrofoil.waiting.calls.place import TaskPlace
from hydrofoil.waiting.calls.values import Arguments, Results

# Batches that it may have yielded before they are written.
_AHEAD = 2
_NEEDS, _YIELDS, _ENDS = "needs", "yields", "ends"


class GeneratorBatches:
    """Runs one task.

    Parameters
    ----------
    arguments : Arguments or None
        What converts columns; None where batches are arrays.
    several : bool
        Each batch is a tuple of columns.
    """

    def __init__(
        self,
        function: Function,
        arguments: Arguments | None,
        results: Results,
        *,
        several: bool,
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._results = results
        self._several = several

    def __call__(self, batches: Iterable[Any]) -> Iterator[pa.Array]:
        loop = event_loop()
        if self._function.setups:
            clients.attend_end()
        events: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        descriptor = watching.connection_to_executor()
        running = asyncio.run_coroutine_threadsafe(self._run(events, TaskPlace.here()), loop)
        source = iter(batches)
        try:
            while True:
                kind, what = self._next(events, descriptor)
                if kind == _ENDS:
                    self._end(running)
                    return
                if kind == _YIELDS:
                    array, room = what
                    yield array
                    loop.call_soon_threadsafe(room.release)
                else:
                    batch = next(source, None)
                    loop.call_soon_threadsafe(_answer, what, batch)
        finally:
            running.cancel()

    def _end(self, running: "Future[None]") -> None:
        try:
            running.result()
        except CancelledError:
            raise TaskEnded("the task was killed: its stage has ended") from None

    def _next(
        self, events: "SimpleQueue[tuple[str, Any]]", descriptor: int | None
    ) -> tuple[str, Any]:
        while True:
            try:
                return events.get(timeout=watching.EVERY_S)
            except Empty:
                if descriptor is not None and watching.has_ended(descriptor):
                    raise TaskEnded(
                        "the task was killed: the executor has closed its connection"
                    ) from None

    async def _run(self, events: "SimpleQueue[tuple[str, Any]]", task: TaskPlace) -> None:
        function = self._function
        given: dict[str, Any] | None = None
        link = None
        try:
            link = await linked(function, task)
            if link is not None:
                link.handlers["cancel"] = partial(_cancel, asyncio.current_task())
                link.start()
            bound = function.function
            if function.setups:
                given = await clients.borrowed(function.key, function.setups)
                bound = partial(bound, **given)
            room = asyncio.Semaphore(_AHEAD)
            async for result in bound(self._batches(events)):
                array = self._array(result)
                await room.acquire()
                events.put((_YIELDS, (array, room)))
        finally:
            if given is not None:
                clients.give_back(function.key, function.setups, asyncio.get_running_loop())
            events.put((_ENDS, None))
            if link is not None:
                await link.close()

    async def _batches(self, events: "SimpleQueue[tuple[str, Any]]") -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        while True:
            needed: asyncio.Future[Any] = loop.create_future()
            events.put((_NEEDS, needed))
            batch = await needed
            if batch is None:
                return
            arrays = batch if isinstance(batch, tuple) else (batch,)
            if self._arguments is not None:
                columns = tuple(self._arguments.column(i, one) for i, one in enumerate(arrays))
            else:
                columns = tuple(arrays)
            yield columns if self._several else columns[0]

    def _array(self, result: Any) -> Any:
        results = self._results
        if isinstance(result, pa.ChunkedArray):
            result = result.combine_chunks()
        if isinstance(result, pa.Array):
            return result if result.type == results.arrow else result.cast(results.arrow)
        return results.array([results.converted(results.internal(value)) for value in result])


def _answer(needed: "asyncio.Future[Any]", batch: Any) -> None:
    if not needed.done():
        needed.set_result(batch)


def _cancel(running: Any, header: dict[str, Any], blob: bytes) -> None:
    running.cancel()
