"""The process that knows the models of an application on a host, and starts and ends their holders.

It has no model itself and computes nothing, so that it lives. All holders end
with it. It keeps a duplicate of each connection that it hands on: so a worker's end is seen, and a
worker can be told why its model died.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import NoReturn

from hydrofoil.deaths.memory import Kills, size, sizes
from hydrofoil.deaths.verdict import by_signal
from hydrofoil.holders.asked import Asked
from hydrofoil.holders.errors import Gone
from hydrofoil.holders.linux import call_it, die_with, peer_user, start_time
from hydrofoil.holders.packets import Channel
from hydrofoil.holders.page import Page

# Between looks at the application's daemons and at models that are not used.
_LOOK_S = 0.5
# What a connection has to say what it wants, and how many may be about to.
_GREETING_S = 10.0
_STRANGERS = 256
# Seconds after which a model counts as not used where memory is short, and for how long a model
# that has been loaded waits for that.
_UNUSED_S = 2.0
_PATIENCE_S = 10.0
_PACKET = 16 << 10
_RSS_UNIT = 1024


@dataclass
class Holder:
    """A model's process, as its keeper knows it.

    Attributes
    ----------
    workers : dict of int to socket.socket
        Duplicates of the connections that it has, by their numbers.
    memory : int
        Bytes that it has for itself; -1 while it loads.
    """

    asked: Asked
    process: int
    control: socket.socket
    page: Page
    workers: dict[int, socket.socket]
    memory: int = -1
    keep_s: float = 0.0
    # Why the keeper has ended it.
    ended: str = ""


class Keeper:
    """Serves workers until the application has ended.

    Parameters
    ----------
    listener : socket.socket
    most : int, optional
        Bytes that all models may have.
    linger_s : float
        For how long to wait for further executors when the last one has ended.
    """

    def __init__(self, listener: socket.socket, most: int | None, linger_s: float) -> None:
        self._listener = listener
        self._most = most
        self._linger_s = linger_s
        self._daemons: set[tuple[int, str]] = set()
        self._last_seen = time.monotonic()
        self._holders: dict[str, Holder] = {}
        # Those that have failed or are being ended, which workers ask for no more.
        self._old: list[Holder] = []
        self._number = 0
        # Those whose models are loaded and wait for memory, and since when.
        self._waiting: list[tuple[Holder, float]] = []
        self._kills = Kills()
        self._poll = select.poll()
        self._when: dict[int, Callable[[], None]] = {}
        self._strangers: dict[int, tuple[socket.socket, float]] = {}
        self._printed: tuple[int, int] = os.pipe()

    def serve(self) -> None:
        """Serve until there is no daemon any more, and end all holders."""
        self._listener.setblocking(False)
        self._attend(self._listener.fileno(), select.POLLIN, self._accept)
        self._attend(self._printed[0], select.POLLIN, self._pass_on)
        wakes = _wakes_for_children()
        self._attend(wakes, select.POLLIN, lambda: _drain(wakes))
        looked = 0.0
        while True:
            for descriptor, _ in self._poll.poll(_LOOK_S * 1000):
                if descriptor in self._when:
                    self._when[descriptor]()
            self._reap()
            if time.monotonic() - looked >= _LOOK_S:
                looked = time.monotonic()
                if not self._is_needed():
                    break
                self._end_unused()
                waiting, self._waiting = self._waiting, []
                for holder, since in waiting:
                    self._admit(holder, since)
                self._end_strangers()
        self._listener.close()
        for holder in [*self._holders.values(), *self._old]:
            _kill(holder)
            with suppress(OSError):
                os.waitpid(holder.process, 0)

    # --- Descriptors -----------------------------------------------------------------------------

    def _attend(self, descriptor: int, events: int, do: Callable[[], None]) -> None:
        self._when[descriptor] = do
        self._poll.register(descriptor, events)

    def _leave(self, descriptor: int) -> None:
        if self._when.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def _pass_on(self) -> None:
        """Print what models have printed. The executor whose log that is may have ended."""
        text = os.read(self._printed[0], 1 << 16)
        with suppress(OSError):
            os.write(2, text)

    # --- Workers ---------------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if peer_user(connection) != os.geteuid() or len(self._strangers) >= _STRANGERS:
            connection.close()
            return
        connection.setblocking(False)
        descriptor = connection.fileno()
        self._strangers[descriptor] = connection, time.monotonic()
        self._attend(descriptor, select.POLLIN, lambda: self._greet(connection))

    def _end_strangers(self) -> None:
        for descriptor, (connection, since) in [*self._strangers.items()]:
            if time.monotonic() - since > _GREETING_S:
                self._leave(descriptor)
                del self._strangers[descriptor]
                connection.close()

    def _greet(self, connection: socket.socket) -> None:
        """Read which model a worker wants, and hand it to that model's holder."""
        self._leave(connection.fileno())
        self._strangers.pop(connection.fileno(), None)
        try:
            greeting = json.loads(connection.recv(_PACKET))
            process, started = greeting["daemon"]
            asked = Asked.of(greeting["asked"])
        except (OSError, ValueError, KeyError, TypeError):
            connection.close()
            return
        self._daemons.add((int(process), str(started)))
        holder = self._holders.get(asked.key) or self._start(asked)
        holder.keep_s = asked.keep_s
        self._number += 1
        number = self._number
        connection.setblocking(True)
        holder.workers[number] = connection
        self._attend(connection.fileno(), 0, lambda: self._left(holder, number))
        with suppress(OSError):  # It has ended, which is seen to in a moment.
            message = json.dumps(["serve", number]).encode()
            socket.send_fds(holder.control, [message], [connection.fileno()])

    def _left(self, holder: Holder, number: int) -> None:
        """A worker has closed its connection, or has ended: so does what ran its batch."""
        self._close(holder, number)
        with suppress(OSError):
            holder.control.send(json.dumps(["gone", number]).encode())

    def _close(self, holder: Holder, number: int, why: str | None = None) -> None:
        connection = holder.workers.pop(number, None)
        if connection is None:
            return
        self._leave(connection.fileno())
        if why is not None:
            connection.setblocking(False)
            with suppress(Gone):
                Channel(connection).send("died", why)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    # --- Holders ---------------------------------------------------------------------------------

    def _start(self, asked: Asked) -> Holder:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        page = Page()
        self._kills.refresh()
        _import_what_pickles_need()
        keeper = os.getpid()
        process = os.fork()
        if process == 0:
            self._become(asked, theirs, page, keeper)
        theirs.close()
        holder = Holder(asked, process, mine, page, {}, keep_s=asked.keep_s)
        self._holders[asked.key] = holder
        self._attend(mine.fileno(), select.POLLIN, lambda: self._hear(holder))
        return holder

    def _become(self, asked: Asked, control: socket.socket, page: Page, keeper: int) -> NoReturn:
        """In the process that was forked: be the holder."""
        status = 1
        try:
            die_with(keeper)
            # What the model starts is ended with it.
            os.setpgid(0, 0)
            call_it("hydrofoil-model")
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(self._printed[1], 1)
            os.dup2(self._printed[1], 2)
            control.set_inheritable(True)
            kept = control.detach()
            os.closerange(3, kept)
            os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
            # Imported here: the keeper itself does without.
            from hydrofoil.holders.holder import hold

            hold(asked, socket.socket(fileno=kept), page)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _hear(self, holder: Holder) -> None:
        """Read what a holder says of itself and its slots."""
        try:
            said = holder.control.recv(_PACKET)
        except OSError:
            said = b""
        if not said:
            # It ends.
            self._leave(holder.control.fileno())
            return
        what, *values = json.loads(said)
        if what == "loaded":
            holder.memory = values[0]
            self._admit(holder, time.monotonic())
        elif what == "failed":
            self._retire(holder)
        elif what == "ended":
            number, status, peak = values
            self._close(holder, number, self._why(status, peak))

    def _admit(self, holder: Holder, since: float) -> None:
        """Say whether a model that is loaded may stay; end idle ones that are in its way.

        Those that were used a moment ago may be about to be used again, or not: that is waited for.
        """
        if holder not in self._holders.values():
            return
        most = self._most
        others = [h for h in self._holders.values() if h is not holder and h.memory >= 0]
        for other in sorted(others, key=lambda other: -other.page.idle_s()):
            if most is not None and self._total() > most and other.page.idle_s() > _UNUSED_S:
                self._end(other, "its memory was needed for another model")
        said = ["go"]
        if most is not None and self._total() > most:
            if time.monotonic() - since < _PATIENCE_S:
                self._waiting.append((holder, since))
                return
            used = ", ".join(f"{h.asked.name}() {size(h.memory)}" for h in self._holders.values())
            said = ["refused", f"models in use would have {sizes(self._total(), most)}: {used}"]
        with suppress(OSError):
            holder.control.send(json.dumps(said).encode())

    def _total(self) -> int:
        return sum(max(0, holder.memory) for holder in self._holders.values())

    def _retire(self, holder: Holder) -> None:
        """Give a holder no further workers, and let it end when it has told those it has."""
        if self._holders.get(holder.asked.key) is holder:
            del self._holders[holder.asked.key]
            self._old.append(holder)
        with suppress(OSError):
            holder.control.shutdown(socket.SHUT_WR)

    def _end(self, holder: Holder, why: str) -> None:
        holder.ended = why
        self._retire(holder)
        _kill(holder)

    def _end_unused(self) -> None:
        for holder in [*self._holders.values()]:
            if holder.memory >= 0 and 0 < holder.keep_s < holder.page.idle_s():
                self._end(holder, "nobody used it for long")

    def _reap(self) -> None:
        for holder in [*self._holders.values(), *self._old]:
            try:
                process, status, usage = os.wait4(holder.process, os.WNOHANG)
            except ChildProcessError:
                process, status, usage = holder.process, 0, None
            if process == 0:
                continue
            peak = usage.ru_maxrss * _RSS_UNIT if usage else 0
            if holder in self._old:
                self._old.remove(holder)
            else:
                del self._holders[holder.asked.key]
            why = holder.ended or self._why(status, peak)
            if not holder.ended and os.WIFSIGNALED(status):
                name = holder.asked.name
                print(f"hydrofoil: the holder of {name}() died: {why}", file=sys.stderr, flush=True)
            for number in [*holder.workers]:
                self._close(holder, number, why)
            self._leave(holder.control.fileno())
            holder.control.close()

    def _why(self, status: int, peak: int) -> str:
        if os.WIFEXITED(status):
            return f"it ended with exit status {os.WEXITSTATUS(status)} (os._exit)"
        number = os.WTERMSIG(status)
        memory = self._kills.one_more() if number == signal.SIGKILL else ""
        return by_signal(number, peak, memory)

    # --- The application -------------------------------------------------------------------------

    def _is_needed(self) -> bool:
        """Whether a daemon of the application runs, or one may come yet."""
        now = time.monotonic()
        gone = {daemon for daemon in self._daemons if start_time(daemon[0]) != daemon[1]}
        if self._daemons - gone or self._strangers:
            self._last_seen = now
        elif self._daemons:
            # Those that were seen a moment ago have ended.
            return now - self._last_seen <= self._linger_s
        return now - self._last_seen <= max(self._linger_s, _GREETING_S)


@cache
def _import_what_pickles_need() -> None:
    """Import once what every holder imports, to unpickle its functions: no more than PySpark.

    It starts no threads, which would be lost in holders.
    """
    with suppress(ImportError):
        import_module("pyspark.cloudpickle")


def _kill(holder: Holder) -> None:
    """End a holder, its slots and what the model has started."""
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(holder.process, signal.SIGKILL)


def _wakes_for_children() -> int:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _drain(descriptor: int) -> None:
    with suppress(OSError):
        while os.read(descriptor, 512):
            pass
