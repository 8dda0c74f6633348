"""One process that runs the batches of all workers, each filled from several of them.

What workers have sent waits in the order in which it came. A batch takes rows from the front, of as
many requests as it needs; while it runs, more come. One that is not full waits a little, unless
everybody who could send more is waiting already.
"""

import gc
import select
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from hydrofoil.holders.control import Control
from hydrofoil.holders.errors import Gone
from hydrofoil.holders.packets import AREAS, Channel
from hydrofoil.holders.page import Page
from hydrofoil.holders.running import Functions, answer_to, count, cut, failure, joined, run


class Request:
    """Rows of one worker, of which some may have been taken for a batch.

    Parameters
    ----------
    channel : Channel
    key : str
        Of the function.
    arrays : sequence
    rows : int
    batch_size : int
        Rows of a batch; 0 where these are one by themselves.
    max_wait_ms : float
        For how long a batch that is not full waits.
    """

    def __init__(
        self,
        channel: Channel,
        key: str,
        arrays: Sequence[Any],
        rows: int,
        batch_size: int,
        max_wait_ms: float,
    ) -> None:
        self.channel = channel
        self.key = key
        self.arrays = arrays
        self.rows = rows
        self.batch_size = batch_size or rows
        self._is_whole = not batch_size
        self.wait_s = max_wait_ms / 1000
        self.taken = 0
        # What was returned, and for how many rows.
        self.parts: list[tuple[Any, int]] = []
        self.error: BaseException | None = None

    @property
    def left(self) -> int:
        return self.rows - self.taken

    @property
    def kind(self) -> Any:
        """The same for requests whose rows fit into one batch."""
        shapes = [(str(one.dtype), one.shape[1:]) for one in self.arrays if hasattr(one, "dtype")]
        # Columns that are no arrays are not put together.
        is_alone = self._is_whole or len(shapes) < len(self.arrays)
        return self.key, self.batch_size, id(self) if is_alone else shapes

    def take(self, rows: int) -> list[Any]:
        """The next rows."""
        start, self.taken = self.taken, self.taken + rows
        if rows == self.rows:
            return list(self.arrays)
        return [one[start : self.taken] for one in self.arrays]


def serve(functions: Functions, control: Control, page: Page) -> None:
    """Run batches until the keeper ends this process."""
    gc.freeze()
    server = _Server(functions, control, page)
    # Some have come while the model was loaded.
    server.hear()
    while not control.has_ended:
        server.listen(None)
        while server.waiting:
            server.fill()
            server.run_batch()


class _Server:
    def __init__(self, functions: Functions, control: Control, page: Page) -> None:
        self._functions = functions
        self._control = control
        self._page = page
        self._poll = select.poll()
        self._poll.register(control.fileno(), select.POLLIN)
        self._channels: dict[int, Channel] = {}
        self._numbers: dict[int, int] = {}
        self.waiting: deque[Request] = deque()

    def hear(self) -> None:
        """Take workers that have come, and let go of those that are gone."""
        come, gone = self._control.news()
        for number, channel in come:
            self._channels[channel.fileno()] = channel
            self._numbers[number] = channel.fileno()
            self._poll.register(channel.fileno(), select.POLLIN)
            self._send(channel, ("ready",))
        for number in gone:
            channel_gone = self._channels.get(self._numbers.get(number, -1))
            if channel_gone is not None:
                self._drop(channel_gone)

    def listen(self, seconds: float | None) -> None:
        """Wait for what comes, for so long at most, and take all that is there."""
        timeout = None if seconds is None else max(0.0, seconds) * 1000
        for descriptor, _ in self._poll.poll(timeout):
            if descriptor == self._control.fileno():
                self.hear()
            else:
                self._receive(descriptor)

    def fill(self) -> None:
        """Wait until the next batch is full, for as long as it may wait."""
        self.listen(0.0)
        if not self.waiting:
            return
        until = time.monotonic() + self.waiting[0].wait_s
        while self.waiting and not self._is_full() and time.monotonic() < until:
            if self._all_wait():
                return
            self.listen(until - time.monotonic())

    def run_batch(self) -> None:
        """Run one batch, and answer what is done."""
        if not self.waiting:
            return
        taken = self._next_batch()
        self._page.begin(0)
        try:
            self._run(taken)
        finally:
            self._page.end(0)
        for request, _, _ in taken:
            if not request.left or request.error is not None:
                self._answer(request)

    def _is_full(self) -> bool:
        kind = self.waiting[0].kind
        rows = sum(request.left for request in self.waiting if request.kind == kind)
        return rows >= self.waiting[0].batch_size

    def _all_wait(self) -> bool:
        """Whether each worker has as many requests here as it sends."""
        sent = [request.channel for request in self.waiting]
        return all(sent.count(channel) >= AREAS for channel in self._channels.values())

    def _next_batch(self) -> list[tuple[Request, list[Any], int]]:
        kind, size, rows, taken = self.waiting[0].kind, self.waiting[0].batch_size, 0, []
        for request in list(self.waiting):
            if request.kind != kind:
                continue
            take = min(request.left, size - rows)
            taken.append((request, request.take(take), take))
            rows += take
            if not request.left:
                self.waiting.remove(request)
            if rows == size:
                break
        return taken

    def _run(self, taken: list[tuple[Request, list[Any], int]]) -> None:
        function = self._functions.of(taken[0][0].key)
        assert function is not None
        total = sum(rows for _, _, rows in taken)
        if len(taken) > 1:
            import numpy as np

            try:
                columns = zip(*(arrays for _, arrays, _ in taken), strict=True)
                result = run(function, [np.concatenate(column) for column in columns], total)
                if count(result) == {total}:
                    at = 0
                    for request, _, rows in taken:
                        request.parts.append((cut(result, at, at + rows), rows))
                        at += rows
                    return
            except Exception:
                # Whose rows they are is seen when each is alone.
                pass
        for request, arrays, rows in taken:
            try:
                request.parts.append((run(function, arrays, rows), rows))
            except Exception as error:
                request.error = error
                if request in self.waiting:
                    self.waiting.remove(request)

    def _answer(self, request: Request) -> None:
        error = request.error
        answer = _result(request) if error is None else failure(error)
        self._send(request.channel, answer)
        request.arrays, request.parts = [], []

    def _send(self, channel: Channel, answer: tuple[Any, ...]) -> None:
        try:
            channel.send(*answer)
        except Gone:
            self._drop(channel)

    def _receive(self, descriptor: int) -> None:
        channel = self._channels.get(descriptor)
        if channel is None:
            return
        try:
            message = channel.receive()
        except Gone:
            self._drop(channel)
            return
        if message[0] == "call" and self._functions.of(message[1]) is not None:
            self.waiting.append(Request(channel, *message[1:]))
        else:
            self._send(channel, answer_to(self._functions, *message))

    def _drop(self, channel: Channel) -> None:
        """A worker is gone: what it has asked for is not run any more."""
        descriptor = channel.fileno()
        if self._channels.pop(descriptor, None) is None:
            return
        self._poll.unregister(descriptor)
        self._numbers = {n: one for n, one in self._numbers.items() if one != descriptor}
        self.waiting = deque(r for r in self.waiting if r.channel is not channel)
        channel.close()


def _result(request: Request) -> tuple[Any, ...]:
    """The message with all that was returned for a request; or the part that is of other rows."""
    for part, rows in request.parts:
        if count(part) != {rows}:
            return "result", part, rows
    try:
        return "result", joined([part for part, _ in request.parts]), request.rows
    except Exception as error:
        return failure(error)
