"""What workers print whose daemon the JVM has left: it reads only its new daemon's output."""

import fcntl
import os
import select
import stat
import struct
import termios
import threading
import time
from contextlib import suppress

_PIECE = 65536
_LOOK_S = 0.1
# In which what was printed last is written.
_LAST_S = 1.0


class Output:
    """The JVM's ends of this process's stdout and stderr, which its workers share.

    Once the JVM has closed them printing would fail, as nobody could read it. A thread does, since
    this process prints, too; as long as somebody else reads, it takes nothing from them. Only with
    Linux's ``/proc``, and where the two are pipes.
    """

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._heir: int | None = None
        self._over = False
        self._thread: threading.Thread | None = None
        for number in (1, 2):
            with suppress(OSError):
                if stat.S_ISFIFO(os.fstat(number).st_mode):
                    way = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
                    self._ends.append(os.open(f"/proc/self/fd/{number}", way))

    def carry(self, process: int | None) -> None:
        """From now on, write what is printed to a process's stderr; without one, it is lost."""
        self._heir = process
        if self._thread is None and self._ends:
            self._thread = threading.Thread(target=self._carry, daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Write the rest."""
        self._over = True
        if self._thread is not None:
            self._thread.join(_LAST_S)

    def _carry(self) -> None:
        printed = b""
        waits = _Waits(self._ends)
        # A daemon of many workers has more descriptors than select can look at.
        poll = select.poll()
        while True:
            ready = [end for end, _ in poll.poll(0 if self._over else 1000 * _LOOK_S)]
            # What comes before there is an heir waits for it, as far as a pipe would hold it.
            printed = printed[-_PIECE:] + b"".join(map(_read, ready))
            if printed and self._heir is not None:
                _write(self._heir, printed)
                printed = b""
            for end in waits.for_nobody():
                poll.register(end, select.POLLIN)
            if self._over and not ready:
                return


class _Waits:
    """Ends of pipes of which it is not known yet that nobody else reads them."""

    def __init__(self, ends: list[int]) -> None:
        self._since: dict[int, float | None] = dict.fromkeys(ends)

    def for_nobody(self) -> list[int]:
        """Those in which something has waited since the last look but one, and for a while."""
        left = []
        now = time.monotonic()
        for end, since in list(self._since.items()):
            (size,) = struct.unpack("i", fcntl.ioctl(end, termios.FIONREAD, bytes(4)))
            if not size:
                self._since[end] = None
            elif since is None:
                self._since[end] = now
            elif now - since >= _LOOK_S:
                del self._since[end]
                left.append(end)
        return left


def _read(end: int) -> bytes:
    with suppress(BlockingIOError):  # The JVM may have been quicker, the moment before it left.
        return os.read(end, _PIECE)
    return b""


def _write(process: int, printed: bytes) -> None:
    """Write to a process's stderr, if it has one that somebody reads."""
    with suppress(OSError):
        stderr = os.open(f"/proc/{process}/fd/2", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.set_blocking(stderr, True)
            while printed:
                printed = printed[os.write(stderr, printed) :]
        finally:
            os.close(stderr)
