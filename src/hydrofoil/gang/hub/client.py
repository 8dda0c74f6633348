"""A rank's side: one connection, a thread that reads it and one that says every second "alive"."""

import os
import signal
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

from hydrofoil.gang.channel.link import Link
from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.errors import GangError, PeerGone, StaleAttempt, Tampered
from hydrofoil.gang.hub import frames
from hydrofoil.gang.hub.events import Member
from hydrofoil.gang.hub.frames import Header
from hydrofoil.gang.stacks import stack_of

_BEAT_S = 1.0
_FIRST_BEAT_S = 0.05
_ERROR_S = 5.0
_MAX_VALUE = 64 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")

Answer = tuple[Header, bytes]


class Client:
    """Connects and registers; raises ``GangError`` where the hub can't be reached.

    Parameters
    ----------
    address, secret
        The hub's.
    attempt : int
        The attempt that this rank belongs to.
    main_thread : int, optional
        The thread whose stack the watchdog shows; the caller's unless given.
    connect_timeout : float
        Seconds to try.
    """

    def __init__(
        self,
        address: tuple[str, int],
        secret: Secret,
        attempt: int,
        rank: int,
        main_thread: int | None = None,
        connect_timeout: float = 20.0,
    ) -> None:
        self.rank = rank
        self.attempt = attempt
        self.stopping = False
        self.secret = secret.of("attempt", attempt)  # For the ranks among themselves.
        self.ended: str | None = None  # Why the attempt is over, once it is.
        self._over_now = threading.Event()
        self._told = False
        self._lost = False
        self._tampered = False
        self._main_thread = main_thread or threading.get_ident()
        self._link = _connect(address, secret, rank, connect_timeout)
        self._sending = threading.Lock()
        self._requests: dict[int, SimpleQueue[Answer | None]] = {}
        self._ids = count()
        self._seq = 0
        self._notes: list[str] = []
        self._last_stack = ""
        self._closing = threading.Event()
        _open.add(self)
        self._threads = [
            threading.Thread(target=self._read, name="hydrofoil-gang-reader", daemon=True),
            threading.Thread(target=self._beat, name="hydrofoil-gang-beat", daemon=True),
        ]

    def register(self, member: Member) -> list[Member]:
        """Wait for all ranks; return them in order."""
        reader, beat = self._threads[:2]
        reader.start()
        header = {"kind": "register", "attempt": self.attempt, "member": asdict(member)}
        answer, _ = self._ask(header)
        beat.start()
        return [Member(**entry) for entry in answer["members"]]

    def local_address(self) -> str:
        """The address of this host by which it reaches the driver; mostly others reach it, too."""
        return str(self._link.socket.getsockname()[0])

    # --- Collectives ------------------------------------------------------------------------------

    def barrier(self, timeout: float | None = None) -> None:
        self._meet("barrier", b"", timeout)

    def all_gather(self, blob: bytes) -> list[bytes]:
        header, joined = self._meet("all_gather", blob)
        blobs, start = [], 0
        for length in header["lengths"]:
            blobs.append(joined[start : start + length])
            start += length
        return blobs

    def broadcast(self, blob: bytes, src: int) -> bytes:
        return self._meet("broadcast", blob if self.rank == src else b"", src=src)[1]

    def _meet(self, op: str, blob: bytes, timeout: float | None = None, **more: Any) -> Answer:
        if len(blob) > _MAX_VALUE:
            raise self._too_large(f"{op}: a value of {len(blob):,} bytes", _MAX_VALUE)
        self._seq += 1
        header = {"kind": "collective", "op": op, "seq": self._seq, "timeout": timeout, **more}
        answer = self._ask(header, blob)
        if answer[0]["kind"] == "too large":
            what = f"{op}: the ranks' values have {answer[0]['bytes']:,} bytes together"
            raise self._too_large(what, frames.MOST_BLOB)
        return answer

    def _too_large(self, what: str, most: int) -> GangError:
        return GangError(
            f"{what}; the driver's hub takes {most:,}",
            hint="exchange tensors by ctx.torch, or large data by files",
            rank=self.rank,
        )

    # --- The rest of what a rank says -------------------------------------------------------------

    def check_current(self) -> None:
        self._ask_current({"kind": "fence"})

    @contextmanager
    def note(self, where: str) -> Iterator[None]:
        self._notes.append(where)
        self._send({"kind": "enter", "where": where})
        try:
            yield
        finally:
            self._notes.pop()
            self._send({"kind": "leave", "outer": self._notes[-1] if self._notes else None})

    def log(self, text: str) -> None:
        self._send({"kind": "log", "text": text})

    def report(self, metrics: dict[str, Any]) -> None:
        self._send({"kind": "report", "metrics": metrics})

    def goodbye(self) -> None:
        """Say that the function has returned; ``StaleAttempt`` if its result isn't wanted."""
        self._ask_current({"kind": "goodbye"})

    def error(self, type_name: str, text: str, traceback: str, blob: bytes) -> None:
        """Tell the driver what this rank raised, the first time, and wait until it knows."""
        if self._told or self._lost:
            return
        self._told = True
        header = {"kind": "error", "type": type_name, "text": text, "traceback": traceback}
        request = next(self._ids)
        answers = self._requests[request] = SimpleQueue()
        self._send({**header, "id": request}, blob)
        with suppress(Empty):  # Then the driver only hears of it from Spark.
            answers.get(timeout=_ERROR_S)
        del self._requests[request]

    def wait_for_end(self, timeout: float) -> None:
        """Return once the attempt is over, or after so many seconds."""
        self._over_now.wait(timeout)

    def close(self) -> None:
        """End the threads and the connection; what was sent before arrives."""
        self._closing.set()
        self._link.end()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._link.close()
        _open.discard(self)

    # --- The connection ---------------------------------------------------------------------------

    def _send(self, header: Header, blob: bytes = b"") -> None:
        data = frames.encode(header, blob)
        try:
            with self._sending:
                self._link.send(data)
        except OSError:
            pass  # The reader notices, and knows better what to do.

    def _ask(self, header: Header, blob: bytes = b"") -> Answer:
        request = next(self._ids)
        answers: SimpleQueue[Answer | None] = SimpleQueue()
        self._requests[request] = answers
        try:
            if self.ended is None:
                self._send({**header, "id": request}, blob)
            # The attempt may have ended meanwhile: then the reader has put an answer, perhaps the
            # one that is waited for, or nobody will.
            answer = answers.get(block=self.ended is None)
        except Empty:
            answer = None
        finally:
            del self._requests[request]
        if answer is None:
            kind = Tampered if self._tampered else PeerGone
            raise kind(f"the attempt is over: {self.ended}", rank=self.rank)
        if answer[0]["kind"] == "stale":
            raise self._stale(answer[0]["why"])
        return answer

    def _ask_current(self, header: Header) -> None:
        try:
            self._ask(header)
        except PeerGone:
            raise self._stale(str(self.ended)) from None

    def _stale(self, why: str) -> StaleAttempt:
        error = StaleAttempt(
            f"rank {self.rank} of attempt {self.attempt} is no longer wanted: {why}", rank=self.rank
        )
        error.attempt = self.attempt
        return error

    def _read(self) -> None:
        why = "the driver can't be reached any more"
        try:
            while True:
                self._take(*frames.decode(self._link.receive(frames.MOST)))
        except OSError:
            pass
        except ChannelError as error:
            self._tampered = True
            why = f"over the connection to the driver came {error}"
            self._link.end()  # The driver has to know now, not when it is asked next.
        self._lost = True
        self._over(why)

    def _take(self, header: Header, blob: bytes) -> None:
        kind = header["kind"]
        if "reply" in header:
            answers = self._requests.get(header["reply"])
            if answers is not None:
                answers.put((header, blob))
        elif kind == "stop":
            self.stopping = True
        elif kind == "dump":
            self._tell_stack()
        elif kind == "ended":
            self._over(header["why"])
            if header.get("kill_after") is not None:
                self._die_after(header["kill_after"])

    def _over(self, why: str) -> None:
        self.stopping = True
        if self.ended is None:
            self.ended = why
        for answers in list(self._requests.values()):
            answers.put(None)
        self._over_now.set()

    def _die_after(self, seconds: float) -> None:
        """End this process unless the rank has ended by then."""

        def die() -> None:
            if not self._closing.wait(seconds):
                os.kill(os.getpid(), signal.SIGKILL)

        thread = threading.Thread(target=die, name="hydrofoil-gang-end", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _beat(self) -> None:
        wait = _FIRST_BEAT_S
        while not self._closing.wait(wait):
            self._tell_stack()
            wait = _BEAT_S

    def _tell_stack(self) -> None:
        header: Header = {"kind": "beat", "rss": _resident()}
        stack = stack_of(self._main_thread)
        if stack != self._last_stack:
            self._last_stack = header["stack"] = stack
        self._send(header)


def _connect(address: tuple[str, int], secret: Secret, rank: int, timeout: float) -> Link:
    where = f"{address[0]}:{address[1]}"
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection = socket.create_connection(address, timeout=timeout)
            break
        except OSError as error:
            if time.monotonic() > deadline or not isinstance(error, ConnectionError):
                raise GangError(
                    f"rank {rank} on {socket.gethostname()} can't reach the driver at {where}: "
                    f"{error}",
                    hint="set spark.driver.host to an address that executors reach, and "
                    "spark.hydrofoil.gang.port to a port that is open to them",
                    rank=rank,
                ) from error
            time.sleep(0.2)
    try:
        link = Link.calling(connection, secret)
    except (OSError, ChannelError) as error:
        connection.close()
        raise GangError(
            f"rank {rank}: what answers at {where} is not this gang's driver: {error}", rank=rank
        ) from error
    except BaseException:
        connection.close()
        raise
    connection.settimeout(None)
    return link


def _resident() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


# A child that a rank forks (a data loader's worker) must not keep the connection open: by its end
# the driver learns at once that the rank has died.
_open: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _close_in_child() -> None:
    for client in list(_open):
        os.close(client._link.socket.detach())


os.register_at_fork(after_in_child=_close_in_child)
