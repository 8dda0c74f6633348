"""What functions set up once a worker: clients, sessions, pools.

They are made at the first call that needs them, in the event loop, and are kept for later tasks.
They are torn down when they have not been used for half a minute, for Spark kills workers that are
idle for a minute; and when the worker ends, if it is not killed.
"""

import asyncio
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hydrofoil.waiting.calls.loop import event_loop, run

_IDLE_S = 30.0
_END_S = 3.0


class Client:
    """One thing that was set up.

    Parameters
    ----------
    make : callable
        Without parameters: a function, or a generator function whose rest tears down; either may
        be async.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._generator: Any = None
        self._value: asyncio.Future[Any] | None = None
        self.users = 0
        self.timer: asyncio.TimerHandle | None = None

    async def value(self) -> Any:
        """What it is; made the first time, and again after it has failed."""
        if self._value is None:
            future = asyncio.get_running_loop().create_future()
            self._value = future
            try:
                future.set_result(await self._made())
            except BaseException as error:
                self._value = None
                # Those who wait try it themselves, and fail by their own.
                future.set_result(None)
                raise error
            return future.result()
        future = self._value
        if future.done():
            return future.result()
        await asyncio.shield(future)
        return await self.value()

    async def _made(self) -> Any:
        made = self._make()
        if inspect.isasyncgen(made):
            self._generator = made
            return await made.__anext__()
        if inspect.isgenerator(made):
            self._generator = made
            return next(made)
        return await made if inspect.isawaitable(made) else made

    async def tear_down(self) -> None:
        """Run the rest of its generator, if it is one."""
        generator, self._generator, self._value = self._generator, None, None
        if generator is None:
            return
        try:
            if inspect.isasyncgen(generator):
                await generator.__anext__()
            else:
                next(generator)
        except (StopIteration, StopAsyncIteration):
            return
        except Exception as error:
            print(f"hydrofoil: tearing down failed: {error!r}", file=sys.stderr, flush=True)


# By the function's key and the parameter's name.
_clients: dict[tuple[str, str], Client] = {}
_ending: set[asyncio.Task[None]] = set()


async def borrowed(function: str, setups: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """What a task's calls are given, by the parameters' names; to be given back once."""
    loop = asyncio.get_running_loop()
    values: dict[str, Any] = {}
    taken: list[str] = []
    try:
        for name, make in setups.items():
            client = _clients.get((function, name))
            if client is None:
                client = _clients[function, name] = Client(make)
            client.users += 1
            taken.append(name)
            if client.timer is not None:
                client.timer.cancel()
                client.timer = None
            values[name] = await client.value()
    except BaseException:
        give_back(function, taken, loop)
        raise
    return values


def give_back(function: str, names: Any, loop: asyncio.AbstractEventLoop) -> None:
    """A task is over. Called in the loop."""
    for name in names:
        client = _clients.get((function, name))
        if client is None:
            continue
        client.users -= 1
        if not client.users:
            client.timer = loop.call_later(_IDLE_S, _tear_down, function, name)


def _tear_down(function: str, name: str) -> None:
    client = _clients.get((function, name))
    if client is not None and not client.users:
        del _clients[function, name]
        task = asyncio.ensure_future(client.tear_down())
        _ending.add(task)
        task.add_done_callback(_ending.discard)


async def _tear_down_all() -> None:
    clients = list(_clients.values())
    _clients.clear()
    await asyncio.gather(*(client.tear_down() for client in clients))


def tear_down_all(timeout: float = _END_S) -> None:
    """Tear down everything, from outside of the loop; for the end of a process."""
    if _clients:
        with suppress(Exception):
            run(_tear_down_all(), timeout)


_attended = 0


def attend_end() -> None:
    """Have this worker tear down when it ends. Called in its main thread.

    PySpark's workers end by ``os._exit``, which runs nothing, or by the daemon's SIGHUP.
    """
    global _attended
    if _attended == os.getpid() or threading.current_thread() is not threading.main_thread():
        return
    _attended = os.getpid()
    event_loop()
    leave = os._exit

    def end(status: int) -> Any:
        if os.getpid() == _attended:
            tear_down_all()
        leave(status)

    vars(os)["_exit"] = end
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _on_hangup)


def _on_hangup(number: int, frame: Any) -> None:
    if os.getpid() == _attended:
        tear_down_all(1.0)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
