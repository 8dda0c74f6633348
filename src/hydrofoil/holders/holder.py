"""The process that has a model: it loads it, and runs batches or forks what runs them."""

import gc
import os
import pickle
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hydrofoil.holders import batching, slots, threads
from hydrofoil.holders.asked import Asked
from hydrofoil.holders.control import Control
from hydrofoil.holders.errors import Gone, ModelTooLarge
from hydrofoil.holders.limits import MEMORY_KEY
from hydrofoil.holders.linux import own_memory
from hydrofoil.holders.packets import Channel
from hydrofoil.holders.page import Page
from hydrofoil.holders.running import Functions, failure
from hydrofoil.process.preload import environment, other_threads

# Libraries of GPUs read it when they are loaded.
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def hold(asked: Asked, control_socket: socket.socket, page: Page) -> None:
    """Load a model and serve it until the keeper ends this process.

    Parameters
    ----------
    asked : Asked
    control_socket : socket.socket
        To the keeper: it sends connections of workers, and is told what becomes of them.
    page : Page
        Where the keeper sees whether the model is in use.
    """
    control = Control(control_socket)
    first = _first(control)
    if first is None:
        return
    number, channel, load, function, path = first
    try:
        functions = Functions(_load(asked, load, path), asked.name)
        # What it imports is imported once. If it fails, it fails again where it is told.
        with suppress(Exception), _quiet_threads(asked):
            functions.add(*function)
        threads_left = other_threads() or []
        gc.collect()
        control.say("loaded", own_memory())
        refused = control.wait_for_go()
        if refused:
            raise ModelTooLarge(
                f"the model of {asked.name}() does not fit on {socket.gethostname()}: {refused}",
                hint=f"raise {MEMORY_KEY}, or use fewer models at a time",
            )
    except (Exception, SystemExit) as error:
        _fail(control, channel, error)
        return
    control.put_back(number, channel)
    if asked.batching or threads_left:
        if not asked.batching:
            _say_threads(asked, threads_left)
        threads.use(asked.threads or threads.cores())
        batching.serve(functions, control, page)
    else:
        # Frozen objects stay out of collections, which would write to their pages in each slot.
        gc.freeze()
        slots.serve(asked, functions, control, page)


def _first(control: Control) -> tuple[int, Channel, bytes, tuple[str, bytes], list[str]] | None:
    """The first worker that says how the model is loaded: its connection, and what it said."""
    while (served := control.next_worker()) is not None:
        number, connection = served
        channel = Channel(connection)
        with suppress(Gone):
            channel.send("load")
            _, load, key, pickled, path, folder = channel.receive()
            with suppress(OSError):
                os.chdir(folder)
            # What is received lies in memory that the next message may take.
            return number, channel, bytes(load), (key, bytes(pickled)), path
    return None


def _load(asked: Asked, load: bytes, path: list[str]) -> Any:
    # Modules that come with the application are where the worker finds them.
    sys.path[:] = path
    if asked.devices:
        os.environ[_VISIBLE] = ",".join(asked.devices)
    with _quiet_threads(asked):
        return pickle.loads(load)()


@contextmanager
def _quiet_threads(asked: Asked) -> Iterator[None]:
    """No threads while a model is loaded that is to be forked."""
    if asked.batching:
        # It has all that the host has, and not the share of one task.
        with environment({"OMP_NUM_THREADS": str(asked.threads or threads.cores())}):
            yield
    else:
        with threads.none_are_started():
            yield


def _fail(control: Control, first: Channel, error: BaseException) -> None:
    """Tell every worker that waits for the model why there is none."""
    told = failure(error)
    control.say("failed")
    with suppress(Gone):
        first.send(*told)
    # The keeper sends no more than it had begun to.
    while (served := control.next_worker()) is not None:
        channel = Channel(served[1])
        with suppress(Gone):
            channel.send(*told)
        channel.close()


def _say_threads(asked: Asked, names: list[str]) -> None:
    print(
        f"hydrofoil: {asked.name}() has left {len(names)} thread(s) running ({', '.join(names)}), "
        "so its process can't be forked, and runs the batches of all tasks itself, as with "
        "batching=True",
        file=sys.stderr,
        flush=True,
    )
