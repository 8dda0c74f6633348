"""A worker's way to a model that its host shares.

A process keeps its connections for later tasks. Who dies on the other side is replaced once for a
batch, and the batch is run again.
"""

import json
import os
import pickle
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NoReturn, TypeVar

from hydrofoil.holders import names, starting
from hydrofoil.holders.asked import Asked
from hydrofoil.holders.errors import Gone, HolderDied, InHolder, Silent
from hydrofoil.holders.packets import AREAS, Channel

_Answer = TypeVar("_Answer")

# Connections that a process keeps; each is a process of the host.
_KEPT = 16
# Keepers that may end, one after the other, before one has passed a connection on.
_KEEPERS = 3


class Remote:
    """A model, as one function of arrays.

    Parameters
    ----------
    asked : Asked
    load : bytes
        The function that returns the model, pickled.
    key : str
        A hash of ``function``.
    function : bytes
        What takes the model and arrays, pickled; nothing where the model itself takes arrays.
    """

    def __init__(self, asked: Asked, load: bytes, key: str, function: bytes) -> None:
        self._asked = asked
        self._load = load
        self._key = key
        self._function = function
        self._sent: deque[tuple[Sequence[Any], int]] = deque()

    def takes(self) -> int | None:
        """How many arrays it takes; None where there is no one number.

        The model is loaded, if it is not.

        Raises
        ------
        HolderDied
            What holds the model has died twice.
        Exception
            What ``load`` has raised.
        """
        return self._twice(self._takes)

    def _takes(self) -> int | None:
        channel = _channel(self._asked, self._load, self._key, self._function)
        channel.send("function", self._key, self._function)
        [count] = _answer(channel)
        return None if count is None else int(count)

    def send(self, arrays: Sequence[Any], rows: int) -> None:
        """Have a batch run. There may be as many before the first result as there are areas.

        Raises
        ------
        As `takes`.
        """
        assert len(self._sent) < AREAS
        self._sent.append((arrays, rows))
        # If it is gone, the result that is waited for next says so, and tries again.
        with suppress(Gone):
            self._send(arrays, rows)

    def result(self) -> tuple[Any, int]:
        """The result of the first batch that was sent, and of how many rows it is.

        They are fewer than were sent only where the function returned another number. Arrays are
        good until the next batch is sent.

        Raises
        ------
        As `takes`, and what the function has raised.
        """
        try:
            found = self._twice(self._result)
        except BaseException:
            self.abandon()
            raise
        self._sent.popleft()
        return found

    def _result(self) -> tuple[Any, int]:
        value, rows = _answer(self._channel())
        return value, rows

    def call(self, *arrays: Any) -> Any:
        """The result of one batch."""
        self.abandon()
        self.send(arrays, len(arrays[0]))
        return self.result()[0]

    def abandon(self) -> None:
        """Let go of a task's batches whose results nobody waits for any more."""
        if self._sent:
            self._sent.clear()
            _forget(self._asked)

    def _send(self, arrays: Sequence[Any], rows: int) -> None:
        asked = self._asked
        # Without batching it is a batch as it is, wherever it is run.
        size = asked.batch_size if asked.batching else 0
        self._channel().send("call", self._key, arrays, rows, size, asked.max_wait_ms)

    def _channel(self) -> Channel:
        return _channel(self._asked, self._load, self._key, self._function)

    def _twice(self, ask: Callable[[], _Answer]) -> _Answer:
        try:
            return ask()
        except Gone as first:
            # What is known of the first end; the second may be in another way.
            why = str(first)
        _forget(self._asked)
        try:
            self._takes()
            for arrays, rows in self._sent:
                self._send(arrays, rows)
            return ask()
        except Gone as second:
            _forget(self._asked)
            why = str(second) or why or "it was ended from outside"
            raise HolderDied(
                f"the process that runs the model of {self._asked.name}() has died, and once more "
                f"when it was started again: {why}",
                hint="if it is for memory, take a smaller batch_size; if not, the executor's log "
                "may say more",
            ) from None


# This process's connections, by what was asked for; a process that is forked has its own.
_channels: OrderedDict[str, Channel] = OrderedDict()
_process = 0


def _channel(asked: Asked, load: bytes, key: str, function: bytes) -> Channel:
    """The connection of this process to a model, which is loaded first if it is not."""
    global _process
    if _process != os.getpid():
        _process = os.getpid()
        _channels.clear()
    found = _channels.get(asked.key)
    if found is None:
        while len(_channels) >= _KEPT:
            _channels.popitem(last=False)[1].close()
        found = _open(asked, load, key, function)
        _channels[asked.key] = found
    _channels.move_to_end(asked.key)
    return found


def _forget(asked: Asked) -> None:
    found = _channels.pop(asked.key, None)
    if found is not None:
        found.close()


def _open(asked: Asked, load: bytes, key: str, function: bytes) -> Channel:
    channel, message = _introduced(asked)
    try:
        while message[0] != "ready":
            if message[0] == "failed":
                _raise(*message[1:])
            # This worker is the one that has the model loaded.
            channel.send("load", load, key, function, sys.path, os.getcwd())
            message = channel.receive()
        return channel
    except BaseException:
        channel.close()
        raise


def _introduced(asked: Asked) -> tuple[Channel, Any]:
    """A new connection to what holds a model, and the first that it has said.

    A keeper that is killed takes connections until the system has closed its listener, and leaves
    them without a word. So that is no death of the model's, and tried again.
    """
    place = names.here()
    greeting = json.dumps({"daemon": place.daemon, "asked": asdict(asked)}).encode()
    left = _KEEPERS
    while True:
        left -= 1
        channel = Channel(starting.connect(place))
        try:
            try:
                channel.connection.send(greeting)
            except OSError as error:
                raise Silent(str(error)) from None
            return channel, channel.receive()
        except BaseException as error:
            channel.close()
            if not (left and isinstance(error, Silent)):
                raise


def _answer(channel: Channel) -> Any:
    """The values of an answer.

    Raises
    ------
    Gone
        The function is not known there any more: as if its process had been replaced.
    Exception
        If the answer is an error.
    """
    what, *values = channel.receive()
    if what == "unknown":
        raise Gone("its function was forgotten")
    if what == "failed":
        _raise(*values)
    return values


def _raise(pickled: bytes, text: str) -> NoReturn:
    error = pickle.loads(pickled)
    # A note, because Spark leaves causes out.
    if hasattr(error, "add_note"):
        error.add_note(f"In the process that has the model:\n{text}")
        raise error
    raise error from InHolder(text)
