"""Functions that block, in threads: as many as there may be calls at once.

Threads can't be ended from outside. A call that is cancelled goes on in its thread, and nobody
waits for it; the process can end all the same.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any

_Job = tuple[asyncio.Future[Any], Callable[[], Any]]


class Threads:
    """Threads that are started when they are needed, for the calls of one task.

    Parameters
    ----------
    most : int
        As many calls run at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._started = 0
        self._idle = 0
        self._closed = False
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()

    async def call(self, function: Callable[[], Any]) -> Any:
        """Call it in a thread."""
        future: asyncio.Future[Any] = self._loop.create_future()
        with self._lock:
            start = self._idle == 0 and self._started < self._most
            if start:
                self._started += 1
            elif self._idle:
                self._idle -= 1
        self._jobs.put((future, function))
        if start:
            threading.Thread(target=self._run, name="hydrofoil-blocking", daemon=True).start()
        return await future

    def close(self) -> None:
        """Begin no more calls; threads end with theirs."""
        self._closed = True
        for _ in range(self._started):
            self._jobs.put(None)

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            future, function = job
            if not (self._closed or future.cancelled()):
                self._do(future, function)
            with self._lock:
                if self._jobs.empty():
                    self._idle += 1

    def _do(self, future: "asyncio.Future[Any]", function: Callable[[], Any]) -> None:
        try:
            tell = partial(_succeed, future, function())
        except StopIteration:
            # No future takes it.
            error: BaseException = RuntimeError("the function raised StopIteration")
            tell = partial(_fail, future, error)
        except BaseException as raised:
            tell = partial(_fail, future, raised)
        with suppress(RuntimeError):  # The loop is closed.
            self._loop.call_soon_threadsafe(tell)


def _succeed(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
