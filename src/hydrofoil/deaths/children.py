"""A daemon's workers: what is kept of each, and what is done when one has ended.

The JVM reads why a worker has died from a file, at the moment that the worker's connection ends.
So the daemon holds a duplicate of each connection, and ends it once the file says why. By that it
knows, too, whether the JVM still waits for a worker when it has told the daemon to end.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from hydrofoil.deaths import limits, page
from hydrofoil.deaths.memory import Kills
from hydrofoil.deaths.output import Output
from hydrofoil.deaths.replaced import Successor
from hydrofoil.deaths.verdict import End, fault_file, verdict
from hydrofoil.deaths.watching import (
    MemoryLimit,
    SlowRows,
    place_for_stacks,
    write_stacks_to,
)

# For how long an ended connection is kept for the JVM to close its side first: data that it still
# sends would make the kernel throw away what the worker has answered.
_LINGER_S = 2.0
_LOOK_S = 0.25
# In which the JVM closes a daemon's stdin after it has sent it SIGTERM.
_STDIN_S = 0.1
# In which a daemon of the JVM's that is in this one's place has to be seen, and between looks.
_SUCCESSOR_S, _SUCCESSOR_LOOK_S = 2.0, 0.1
# In which the kernel counts memory on this system: bytes, or 1024 of them.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass
class Worker:
    """What a daemon keeps of one worker."""

    process: int
    connection: socket.socket | None
    page: page.Page
    over: str = ""
    # A file that it writes its stacks to.
    stacks: int | None = None
    # Whether it was told that the JVM has left it.
    hung_up: bool = False

    def is_awaited(self) -> bool:
        """Whether the JVM has not closed its side of the connection."""
        return self.connection is not None and not _is_left(self.connection)

    def let_go(self) -> None:
        """Close what is the daemon's of it, but for the connection."""
        self.page.close()
        if self.stacks is not None:
            os.close(self.stacks)


class Children:
    """The workers of this daemon, as a chore of its loop.

    Stock's daemon accepts connections and forks by its modules ``socket`` and ``os``. What stands
    in their place notes both.

    Parameters
    ----------
    warn : function of a str
        Told of settings that can't be.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._workers: dict[int, Worker] = {}
        self._ended: list[tuple[float, socket.socket]] = []
        # The JVM has asked for the end of these.
        self._killed: set[int] = set()
        self._wakes: tuple[int, int] | None = None
        self._kills = Kills()
        self._executor = os.getppid()
        slow = limits.asked(limits.SLOW_ROW, limits.seconds, warn)
        most = limits.asked(limits.MEMORY, limits.byte_count, warn)
        self._watches: list[MemoryLimit | SlowRows] = []
        if most is not None:
            self._watches.append(MemoryLimit(int(most)))
        if slow is not None:
            self._watches.append(SlowRows(slow))
        self._with_stacks = slow is not None
        # Whether this is not the daemon any more.
        self._left = False
        self.accepted: socket.socket | None = None
        self.listening: socket.socket | None = None

    def attend(self, stock: ModuleType) -> None:
        """Have stock's daemon accept and fork by way of this."""
        vars(stock)["socket"] = _Sockets(self)
        vars(stock)["os"] = _System(self)
        os.register_at_fork(after_in_child=self._leave)

    def fork(self) -> int:
        """As ``os.fork``, for a worker that serves the connection which was accepted last."""
        # Told to end in the midst of it, a daemon would end a worker that it does not know yet.
        with _not_told_to_end():
            return self._fork()

    def _fork(self) -> int:
        made = None
        with suppress(OSError, ValueError):
            made = page.shared()
        stacks = place_for_stacks() if self._with_stacks else None
        try:
            process = os.fork()
        except OSError:
            if stacks is not None:
                os.close(stacks)
            raise
        connection, self.accepted = self.accepted, None
        if process == 0:
            if made is not None:
                made.is_watched = self._with_stacks
                made.executor = self._executor
                page.adopt(made)
            if made is not None and stacks is not None:
                write_stacks_to(stacks)
                made.fields[page.STACKS] = 1
        elif made is not None:
            held = None
            # Without one, for want of descriptors, the JVM may be quicker than the file.
            with suppress(OSError):
                held = connection.dup() if connection is not None else None
            self._workers[process] = Worker(process, held, made, stacks=stacks)
            self._kills.refresh()
        return process

    def kill(self, process: int, number: int) -> None:
        """As ``os.kill``, which the JVM asks for, or stock's daemon: 0 is all, when it ends."""
        if process == 0 and self._workers:
            # The JVM closes its ends after it has sent the signal.
            output = Output()
            if _is_stdin_closed():
                output.carry(None)
                self._see_out(output)
                output.finish()
        if process in self._workers:
            self._killed.add(process)
        os.kill(process, number)

    def _see_out(self, output: Output) -> None:
        """Wait for workers that the JVM waits for, as long as it has another daemon.

        Those that it has left are hung up on, as stock does with all of them.
        """
        again: list[int] = []
        # Who tells it twice does not mean to replace it. Threads can't take signals.
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, lambda number, _: again.append(number))
        if self.listening is not None:
            with suppress(OSError):
                self.listening.shutdown(socket.SHUT_RDWR)
        successor, seen = Successor(), time.monotonic()
        while not again:
            self.patience()
            for worker in self._workers.values():
                if not worker.is_awaited() and not worker.hung_up:
                    worker.hung_up = True
                    with suppress(OSError):
                        os.kill(worker.process, signal.SIGHUP)
            if not any(worker.is_awaited() for worker in self._workers.values()):
                return
            process = successor.process()
            output.carry(process)
            if process is not None:
                seen = time.monotonic()
            elif time.monotonic() - seen > _SUCCESSOR_S:
                return
            with suppress(OSError):
                select.select(self.descriptors(), [], [], _SUCCESSOR_LOOK_S)

    # --- A chore ---------------------------------------------------------------------------------

    def patience(self) -> float:
        """See to workers that have ended."""
        if self._wakes is None:
            self._wakes = _wakes_for_children()
        with suppress(OSError):
            while os.read(self._wakes[0], 512):
                pass
        # Being told to end would do the same in the midst of it.
        with _not_told_to_end():
            self._reap()
            self._forget_ended()
        patience = _LOOK_S if self._ended else float("inf")
        if not self._workers:
            return patience
        return min([patience, *(watch.look(self._workers.values()) for watch in self._watches)])

    def descriptors(self) -> Sequence[int]:
        return () if self._wakes is None else self._wakes[:1]

    def _reap(self) -> None:
        while True:
            try:
                process, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            worker = self._workers.pop(process, None)
            if worker is None:
                continue
            with suppress(Exception):
                self._tell(worker, status, usage.ru_maxrss * _RSS_UNIT)
            self._killed.discard(process)
            worker.let_go()
            if worker.connection is not None:
                with suppress(OSError):
                    worker.connection.shutdown(socket.SHUT_WR)
                self._ended.append((time.monotonic(), worker.connection))

    def _tell(self, worker: Worker, status: int, peak: int) -> None:
        """Say why a worker has ended, in the log and where the JVM reads it."""
        if worker.process in self._killed:
            return
        file, fault, memory = fault_file(worker.process), "", ""
        if file is not None:
            with suppress(OSError):
                fault = file.read_text(encoding="utf-8", errors="replace")
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and not worker.over:
            memory = self._kills.one_more()
        place = worker.page.place()
        awaited = worker.is_awaited()
        end = End(worker.process, status, peak, place, awaited, memory, worker.over, fault)
        said = verdict(end)
        if not said:
            return
        print(said, file=sys.stderr, flush=True)
        if file is not None:
            line_end = "\n" if fault and not fault.endswith("\n") else ""
            with open(file, "a", encoding="utf-8") as appended:
                appended.write(f"{line_end}{said}\n")

    def _forget_ended(self) -> None:
        still = []
        for since, connection in self._ended:
            if time.monotonic() - since < _LINGER_S and not _is_left(connection):
                still.append((since, connection))
            else:
                connection.close()
        self._ended = still

    def _leave(self) -> None:
        """In a process that was forked: let go of what is the daemon's, or else the worker's."""
        if self._left:
            page.leave()
            return
        self._left = True
        for worker in self._workers.values():
            worker.let_go()
            if worker.connection is not None:
                worker.connection.close()
        for _, connection in self._ended:
            connection.close()
        if self._wakes is not None:
            signal.set_wakeup_fd(-1)
            for descriptor in self._wakes:
                os.close(descriptor)
            self._wakes = None
        self._workers.clear()
        self._ended.clear()


def _wakes_for_children() -> tuple[int, int]:
    """A pipe whose end to read wakes a daemon when one of its children has ended.

    Stock ignores the signal, and what has become of its workers with it.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader, writer


def _is_stdin_closed() -> bool:
    """Whether it is the JVM that ends this daemon, and not somebody of whom it knows nothing."""
    poll = select.poll()
    poll.register(0, 0)
    return bool(poll.poll(1000 * _STDIN_S))


@contextmanager
def _not_told_to_end() -> Iterator[None]:
    """Put off what SIGTERM does until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_left(connection: socket.socket) -> bool:
    """Whether the JVM has closed its side."""
    poll = select.poll()
    # Other systems say so once both sides are closed.
    poll.register(connection, getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(0))


class _Sockets:
    """The standard library's ``socket``, whose sockets note what they accept."""

    def __init__(self, children: Children) -> None:
        class Socket(socket.socket):
            __slots__ = ()

            def accept(self) -> tuple[socket.socket, Any]:
                children.listening = self
                accepted = super().accept()
                children.accepted = accepted[0]
                return accepted

        self.socket = Socket

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)


class _System:
    """The standard library's ``os``, as far as stock's daemon forks and kills by it."""

    def __init__(self, children: Children) -> None:
        self.fork = children.fork
        self.kill = children.kill

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)
