"""``remember=``: answers in an SQLite file, which one process writes: the driver.

SQLite and not Parquet, because an answer has to be found by its key while others are written, and
be there when the next task asks; Parquet is read whole, and a file of a few rows is all that a task
could add. The driver and not the tasks, because SQLite's locks don't hold on shared file systems.
"""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from hydrofoil import private
from hydrofoil.errors import UsageError

# Seconds in which answers are gathered for one transaction.
_GATHER_S = 0.05
_AT_ONCE = 500


class Memory:
    """A file of answers. One thread of its own writes; `get` may be called by one other.

    Parameters
    ----------
    path : str
        Made where there is none, for its owner alone; its folder too.

    Raises
    ------
    UsageError
        It can't be opened, or is no such file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            private.make_folder(Path(path).parent)
            with open(path, "ab", opener=private.opener):
                pass  # SQLite's own files beside it get its mode.
            self._reading = self._open()
            self._reading.execute(
                "create table if not exists answers "
                "(key blob primary key, answer blob not null, at real not null) without rowid"
            )
            self._reading.commit()
        except (OSError, sqlite3.Error) as error:
            raise UsageError(
                f"remember={path!r} can't be opened: {error}",
                hint="it is a file of SQLite's on the driver, which is made where there is none; "
                "no other program may hold it",
            ) from error
        self._pending: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self.failed: Exception | None = None
        self._thread = threading.Thread(target=self._write, name="hydrofoil-remember", daemon=True)
        self._thread.start()

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The answers that there are."""
        left, found = [], {}
        with self._lock:
            for key in keys:
                answer = self._pending.get(key)
                if answer is None:
                    left.append(key)
                else:
                    found[key] = answer
        for start in range(0, len(left), _AT_ONCE):
            some = left[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._reading.execute(
                f"select key, answer from answers where key in ({marks})", some
            )
            found.update((bytes(key), bytes(answer)) for key, answer in rows)
        return found

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer; it can be got at once, and is in the file soon."""
        with self._lock:
            self._pending[key] = answer
        self._wake.set()

    def close(self) -> None:
        """Write what is left, and end the thread."""
        self._ending.set()
        self._wake.set()
        self._thread.join(30)
        self._reading.close()

    def _open(self) -> sqlite3.Connection:
        opened = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
        # Reading goes on while there is writing; a program that is killed loses nothing written.
        opened.execute("pragma journal_mode=wal")
        opened.execute("pragma synchronous=normal")
        return opened

    def _write(self) -> None:
        writing = self._open()
        try:
            while True:
                if not self._ending.is_set():
                    self._wake.wait()
                    self._ending.wait(_GATHER_S)
                self._wake.clear()
                with self._lock:
                    some = dict(self._pending)
                if some:
                    self._insert(writing, some)
                elif self._ending.is_set():
                    return
        finally:
            writing.close()

    def _insert(self, writing: sqlite3.Connection, some: dict[bytes, bytes]) -> None:
        try:
            with writing:
                writing.executemany(
                    "insert or ignore into answers values (?, ?, unixepoch('subsec'))"
                    if sqlite3.sqlite_version_info >= (3, 42)
                    else "insert or ignore into answers values (?, ?, strftime('%s', 'now'))",
                    some.items(),
                )
        except sqlite3.Error as error:
            # They stay where they can be got, and go on being tried with the next ones.
            self.failed = error
            if self._ending.is_set():
                with self._lock:
                    self._pending.clear()
            return
        self.failed = None
        with self._lock:
            for key, answer in some.items():
                if self._pending.get(key) is answer:
                    del self._pending[key]
