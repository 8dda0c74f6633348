"""The event loop of this process: a thread that runs it, from the first task to the last."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_known: tuple[int, asyncio.AbstractEventLoop] | None = None


def event_loop() -> asyncio.AbstractEventLoop:
    """The loop, which runs. A process that was forked has one of its own."""
    global _known
    with _lock:
        if _known is None or _known[0] != os.getpid() or _known[1].is_closed():
            loop = asyncio.new_event_loop()
            threading.Thread(
                target=_run, args=(loop,), name="hydrofoil-waiting", daemon=True
            ).start()
            _known = (os.getpid(), loop)
        return _known[1]


def run(coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
    """Run something in the loop, and wait for it."""
    return asyncio.run_coroutine_threadsafe(coroutine, event_loop()).result(timeout)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


def _renew() -> None:
    # Whoever held it in the parent is not here.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew)
