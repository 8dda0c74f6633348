"""Input of tasks that fail, kept on request for ``hydrofoil debug``.

``HYDROFOIL_KEEP_FAILED_BATCHES`` is how many failures each executor keeps, in the folder that
``HYDROFOIL_FAILURES_FOLDER`` names. A file has what the worker needs to fail again: the task's
description and functions, and the batch that failed. Of grouped tasks it has the whole input, since
many groups may share a batch.
"""

import fcntl
import os
import secrets
import socket
import struct
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hydrofoil import private
from hydrofoil.deaths import page
from hydrofoil.recordings.recording import SUFFIX, encode_header, make_header
from hydrofoil.recordings.tee import Tee, is_ours

if TYPE_CHECKING:
    from hydrofoil._cext.place import Position

VARIABLE = "HYDROFOIL_KEEP_FAILED_BATCHES"
FOLDER_VARIABLE = "HYDROFOIL_FAILURES_FOLDER"

_IN_MEMORY = 16 << 20
_CONTINUATION = b"\xff\xff\xff\xff"
# How a task's input ends: Arrow's end of stream, or the end of the pickled rows; then the task's.
_ARROW_END = _CONTINUATION + struct.pack("!ii", 0, -4)
_PICKLED_END = struct.pack("!ii", -1, -4)

# Of the task that runs in this process.
_present: "list[Keeping]" = []


def begin(infile: BinaryIO) -> "BinaryIO | Keeping":
    """The file to read a task's input from; one that keeps what is read, if that is asked for."""
    _present.clear()
    most = _asked_for()
    if most == 0:
        return infile
    keeping = Keeping(infile, most)
    _present.append(keeping)
    return keeping


@cache
def _asked_for() -> int:
    """How many failures are to be kept; a daemon says it to all its workers."""
    most = os.environ.get(VARIABLE, "").strip()
    if most and not most.isdecimal():
        print(f"hydrofoil: {VARIABLE} is {most!r}; it must be a number", file=sys.stderr)
    return int(most) if most.isdecimal() else 0


def present() -> "Keeping | None":
    """What keeps the input of the running task, or None."""
    return _present[0] if _present else None


def leave_out() -> None:
    """Keep nothing of the running task: what runs it says nothing of its items."""
    if _present:
        _present[-1].stop()


def folder() -> Path:
    """Where failures are kept, on this host."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named or f"{tempfile.gettempdir()}/hydrofoil-failures-{os.getuid()}")


class Keeping(Tee):
    """A task's input, of which the last batch is kept, and all that stands before the first.

    Where there is no room for it nothing is kept, and the task goes on.

    Parameters
    ----------
    most : int
        How many failures the executor's workers keep together.
    """

    def __init__(self, source: BinaryIO, most: int) -> None:
        super().__init__(source)
        self._most = most
        # Its file, if it comes to one, has no name.
        self._spool: Any = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        # Where a thread reads ahead, nobody knows which bytes are whose.
        self._read_ahead = "SPARK_PIPELINED_UDF" in os.environ
        self._begin: int | None = None  # of the first item
        self._head: int | None = None  # the end of what each item needs
        self._left_out = (0, 0)

    def keep(self, chunk: Any) -> None:
        if self._spool is None:
            return
        try:
            self._spool.write(chunk)
        except OSError as error:
            self.stop()
            _tell_once(str(error))

    def stop(self) -> None:
        """Keep nothing, from now on."""
        spool, self._spool = self._spool, None
        # What could not be written is tried again.
        with suppress(OSError, AttributeError):
            spool.close()

    def before(self, position: "Position") -> None:
        """Note that the next item of the input begins here; leave those before it out."""
        if self._spool is None:
            return
        try:
            self._begin_item(position)
        except OSError as error:
            self.stop()
            _tell_once(str(error))

    def _begin_item(self, position: "Position") -> None:
        at = self._spool.tell()
        if self._begin is None:
            self._begin = self._head = at
        elif position.has_rows and not self._read_ahead:
            if position.item == 0:
                self._head = self._begin + len(self._schema(at))
            self._spool.seek(self._head or 0)
            self._spool.truncate()
            self._left_out = (position.item + 1, position.before + position.rows)

    def _schema(self, end: int) -> bytes:
        """The schema message before the first record batch; empty where rows are pickled."""
        begin = self._begin or 0
        self._spool.seek(begin)
        start: bytes = self._spool.read(8)
        if start[:4] != _CONTINUATION:
            return b""
        (length,) = struct.unpack("<i", start[4:])
        rest: bytes = self._spool.read(min(length, end - begin - 8))
        return start + rest

    def save(self, text: str, position: "Position") -> Path | None:
        """Write the file of a failure, unless there are enough.

        Parameters
        ----------
        text : str
            What failed, for the reader.

        Returns
        -------
        pathlib.Path or None
            None where enough failures are kept, the folder is somebody else's, or the input was
            not kept.
        """
        file = None if self._spool is None else self._place()
        if file is None:
            return None
        with file:
            try:
                self._write(file, text, position)
            except BaseException:
                # A part of it would count as one of those that are kept.
                os.unlink(file.name)
                raise
        return Path(file.name)

    def _write(self, file: BinaryIO, text: str, position: "Position") -> None:
        items, rows = self._left_out
        failure = {"text": text, "items": items, "rows": rows}
        end = self._spool.tell()
        self._spool.seek(0)
        file.write(encode_header(make_header(os.environ) | {"failure": failure}))
        while chunk := self._spool.read(1 << 20):
            file.write(chunk)
        if position.has_rows and not self._read_ahead:
            self._spool.seek(self._begin or 0)
            arrow = self._spool.read(4) == _CONTINUATION
            file.write(_ARROW_END if arrow else _PICKLED_END)
        self._spool.seek(end)
        file.flush()

    def _place(self) -> BinaryIO | None:
        """A new file for a failure, unless there are enough; workers may fail at the same time."""
        where = folder()
        private.make_folder(where)
        if not is_ours(where):
            return None
        # An executor may have several daemons, one after the other and side by side; executors in
        # containers that share the folder may have the same process id.
        mine = f"failed-{socket.gethostname()}-{page.mine().executor or os.getppid()}-"
        lock = os.open(where, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if sum(name.startswith(mine) for name in os.listdir(where)) < self._most:
                path = where / f"{mine}{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
                return open(path, "xb", opener=private.opener)
        finally:
            os.close(lock)
        return None


@cache
def _tell_once(why: str) -> None:
    print(
        f"hydrofoil on {socket.gethostname()}: the input of a task is not kept for hydrofoil "
        f"debug: {why}; give TMPDIR a folder with more room, or leave {VARIABLE} out",
        file=sys.stderr,
        flush=True,
    )
