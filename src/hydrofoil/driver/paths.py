"""Which path each call took, counted for `hydrofoil.last_query` and ``hydrofoil explain``.

With a folder in ``HYDROFOIL_TRACE`` they are also written there when the process ends.
"""

import atexit
import json
import os
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hydrofoil.counts.task_trace import VARIABLE

FAST = "fast"
STOCK = "stock"
# Workers' records are in the same folder.
SUFFIX = ".driver.json"


@dataclass(frozen=True)
class Taken:
    """A way that calls took.

    Attributes
    ----------
    call : str
        The method.
    path : str
        `FAST` or `STOCK`.
    reason : str
        Why it was stock's; for a fast path what of it was done by Python code, if anything.
    """

    call: str
    path: str
    reason: str = ""


_lock = threading.Lock()
_calls: Counter[Taken] = Counter()
_rows: Counter[Taken] = Counter()
_writes = False


def took(call: str, path: str, reason: str = "", rows: int = 0) -> None:
    """Count a call, and the rows that it is known to have had."""
    global _writes
    taken = Taken(call, path, reason)
    with _lock:
        _calls[taken] += 1
        _rows[taken] += rows
        if not _writes and os.environ.get(VARIABLE):
            _writes = True
            atexit.register(_write, os.getpid())


def add_rows(call: str, path: str, reason: str, rows: int) -> None:
    """Count more rows of a call that has been counted."""
    with _lock:
        _rows[Taken(call, path, reason)] += rows


def taken() -> list[dict[str, object]]:
    """All ways that were taken in this process: call, path, reason, calls and rows."""
    with _lock:
        return [{**vars(one), "calls": n, "rows": _rows[one]} for one, n in _calls.items()]


def forget() -> None:
    """Begin to count anew."""
    with _lock:
        _calls.clear()
        _rows.clear()


def _write(pid: int) -> None:
    folder = os.environ.get(VARIABLE)
    if folder and os.getpid() == pid and Path(folder).is_dir():
        Path(folder, f"{pid}{SUFFIX}").write_text(json.dumps(taken()), encoding="utf-8")
