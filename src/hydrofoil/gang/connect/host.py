"""The process beside a server's driver in which the ranks of a client's gang meet.

``python -m hydrofoil.gang.connect.host`` reads a pickled `HostConf`, writes its pickled address,
and ends when it is told to, when nobody has asked for ``lease`` seconds, or with the driver.
"""

import asyncio
import os
import pickle
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty
from typing import Any

from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.hub.events import Event, Logged, Raised, Reported
from hydrofoil.gang.hub.frames import Header
from hydrofoil.gang.hub.listener import Connection
from hydrofoil.gang.hub.meeting import Meeting, Timeouts
from hydrofoil.gang.hub.server import Hub

_LOOK_S = 0.05
_BEGINS_S = 20.0  # Ranks may come before the client has said that their attempt begins.
_PAGE = 4 << 20  # Bytes of events in one answer: it travels in JSON, whose strings are bounded.
_TEXT = 1 << 19  # Characters of one text, which a page has to have room for.
_MOST_EVENTS = 100_000  # Kept for a client that doesn't ask; then lines and reports are left out.
_GRACE_S = 2.0  # Ranks have so long to return when their client is gone, as Spark gives its tasks.
_LAST_S = 5.0
_ANSWERED_S = 0.3  # In which the last answers are sent.


@dataclass(frozen=True)
class HostConf:
    """What a hub is started with.

    Attributes
    ----------
    bind, host, port
        As in `Listener`.
    secret : Secret
    lease : float
        Seconds without a question after which the client counts as gone.
    """

    bind: str
    host: str
    port: int
    secret: Secret
    lease: float


class HostedHub(Hub):
    """A hub whose driver is elsewhere, and asks what has happened."""

    def __init__(self, conf: HostConf) -> None:
        self._events: deque[tuple[int, Event]] = deque()
        self._first = 0  # The number of the oldest event that is kept.
        self._lease = conf.lease
        self._asked_at = time.monotonic()
        self.closing = threading.Event()
        super().__init__(conf.bind, conf.host, conf.port, conf.secret.encrypt, conf.secret.strict)
        self.secret = conf.secret  # Nobody knows the address yet.

    async def serve(self, connection: Connection, header: Header) -> None:
        if header["kind"] == "driver":
            await self._answer(connection, header)
            return
        until = time.monotonic() + _BEGINS_S
        while not self._begun(header["attempt"]) and time.monotonic() < until:
            await asyncio.sleep(_LOOK_S)
        await super().serve(connection, header)

    def _begun(self, attempt: int) -> bool:
        return self._meeting is not None and self._meeting.attempt >= attempt

    # --- What the client asks ---------------------------------------------------------------------

    async def _answer(self, connection: Connection, header: Header) -> None:
        for name, *arguments in header["do"]:
            _COMMANDS[name](self, *arguments)
        self._asked_at = time.monotonic()
        seen = header["seen"]
        if seen is None:
            connection.send({"kind": "done"})
            return
        until = self._asked_at + min(header["wait"], self._lease)
        self._forget(seen)
        while not self._news(seen, header["there"]) and time.monotonic() < until:
            if self.closing.is_set():
                break
            await asyncio.sleep(_LOOK_S)
            self._asked_at = time.monotonic()
        events = self._page()
        answer = {"kind": "told", "next": self._first + len(events), "there": self._there()}
        connection.send(answer, pickle.dumps(events))

    def _news(self, seen: int, there: list[int]) -> bool:
        self._collect()
        return self._first + len(self._events) > seen or self._there() != there

    def _there(self) -> list[int]:
        meeting = self._meeting
        if meeting is None:
            return []
        return sorted(rank for rank, seat in meeting.seats.items() if not seat.gone)

    def _collect(self) -> None:
        meeting = self._meeting
        while meeting is not None:
            try:
                event = meeting.events.get_nowait()
            except Empty:
                break
            self._events.append((meeting.attempt, _bounded(event)))
        if len(self._events) > _MOST_EVENTS:
            self._shorten()

    def _shorten(self) -> None:
        """Leave out the older lines and reports; the client's count of events stays right."""
        kept: deque[tuple[int, Event]] = deque()
        spare = len(self._events) - _MOST_EVENTS // 2
        for attempt, event in self._events:
            if spare and isinstance(event, Logged | Reported):
                spare -= 1
                continue
            kept.append((attempt, event))
        self._first += len(self._events) - len(kept)
        self._events = kept

    def _forget(self, seen: int) -> None:
        while self._events and self._first < seen:
            self._events.popleft()
            self._first += 1

    def _page(self) -> list[tuple[int, Event]]:
        self._collect()
        page: list[tuple[int, Event]] = []
        size = 0
        for entry in self._events:
            size += len(pickle.dumps(entry))
            if page and size > _PAGE:
                break
            page.append(entry)
        return page

    def _begin(self, attempt: int, world_size: int, timeout: float, progress: float | None) -> None:
        if self._begun(attempt):
            return
        self._collect()
        self._replace(Meeting(attempt, world_size, Timeouts(timeout, progress)))

    def _end(self, attempt: int, why: str) -> None:
        if self._meeting is not None and self._meeting.attempt == attempt:
            self._meeting.end(why)

    def _stop(self, attempt: int) -> None:
        if self._meeting is not None and self._meeting.attempt == attempt:
            self._meeting.ask_to_stop()

    def _close(self) -> None:
        self.closing.set()

    # --- The client's presence --------------------------------------------------------------------

    async def watch(self) -> None:
        watching = asyncio.ensure_future(super().watch())
        try:
            while time.monotonic() - self._asked_at < self._lease:
                await asyncio.sleep(_LOOK_S * 4)
            if self._meeting is not None:
                self._meeting.end("the client has gone away", kill_after=_GRACE_S)
                until = time.monotonic() + _LAST_S
                while self._there() and time.monotonic() < until:
                    await asyncio.sleep(_LOOK_S)
            self.closing.set()
            await watching
        finally:
            watching.cancel()


_COMMANDS: dict[str, Any] = {
    "begin": HostedHub._begin,
    "end": HostedHub._end,
    "stop": HostedHub._stop,
    "close": HostedHub._close,
}


def _bounded(event: Event) -> Event:
    """The event, without what no answer has room for."""
    if isinstance(event, Logged):
        return replace(event, text=_shortened(event.text))
    if not isinstance(event, Raised):
        return event
    blob = event.blob if len(event.blob) <= _PAGE else b""  # The text says all.
    text, traceback = _shortened(event.text), _shortened(event.traceback)
    return replace(event, text=text, traceback=traceback, blob=blob)


def _shortened(text: str) -> str:
    """The text, or its beginning and end."""
    if len(text) <= _TEXT:
        return text
    half = _TEXT // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters ...\n{text[-half:]}"


def main() -> None:
    conf = pickle.loads(sys.stdin.buffer.read())
    driver = _driver(os.getppid())
    if os.fork():  # Whoever has started this can wait for its end, which is now.
        os._exit(0)
    try:
        hub = HostedHub(conf)
    except OSError as error:
        sys.stdout.buffer.write(pickle.dumps(OSError(*error.args)))
        return
    with hub:
        sys.stdout.buffer.write(pickle.dumps(hub.address))
        sys.stdout.buffer.flush()
        os.close(1)  # Who has started this waits for the end of it.
        os.open(os.devnull, os.O_WRONLY)
        while not hub.closing.wait(1.0):
            if driver is not None and _started(driver[0]) != driver[1]:
                break
        time.sleep(_ANSWERED_S)


def _driver(process: int) -> tuple[int, str] | None:
    """The server's JVM, by its number and start, among those that this process comes from."""
    while process > 1:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return None
        name, _, rest = stat.partition("(")[2].rpartition(")")
        if name == "java":
            return process, _started(process)
        process = int(rest.split()[1])
    return None


def _started(process: int) -> str:
    """When a process was started; empty once it has ended, whether its parent knows or not."""
    try:
        rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if rest[0] in "ZX" else rest[19]


if __name__ == "__main__":
    main()
