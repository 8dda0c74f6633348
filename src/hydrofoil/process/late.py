"""Imports that the daemon puts off until its first workers are under way.

pandas takes about as long to import as all the rest, and plain UDFs do without it: a session's
first query should not wait for it. By the time it is imported the daemon can't start over any more
if that starts a thread (see preload), so a scout tries it first: a fork that tells what came of the
import, and ends.
"""

import gc
import importlib
import math
import os
import select
import time
from collections.abc import Callable, Sequence

from hydrofoil.process import preload

# The last one plans pandas functions, and imports all that runs them. In a worker that had imported
# it itself, the collection after each task would look at all of that.
MODULES = (
    "pandas",
    "pyarrow.pandas_compat",
    "pyspark.sql.pandas.serializers",
    "hydrofoil.spark.families.pandas.plan",
)

# Seconds until the scout leaves, and between looks for its report.
DELAY = 1.0
INTERVAL = 0.25


class LateImports:
    """Imports MODULES between two steps of stock's daemon.

    Parameters
    ----------
    warn : function of a str
        Told why the imports are left to the workers, if they are.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._report: int | None = None
        self._done = False
        self._due = time.monotonic() + DELAY

    def patience(self) -> float:
        """Do what is due; return in how many seconds to ask again."""
        if self._done:
            return math.inf
        now = time.monotonic()
        if now < self._due:
            return self._due - now
        self._due = now + INTERVAL
        # An exception would end stock's loop, and with it every worker.
        try:
            if self._report is None:
                self._report = send_scout()
            elif select.select([self._report], [], [], 0)[0]:
                self._done = True
                self._read_report(self._report)
        except Exception as error:
            self._done = True
            self._warn(f"{MODULES[0]} is left to the workers: {type(error).__name__}: {error}")
        return INTERVAL

    def descriptors(self) -> Sequence[int]:
        return ()

    def _read_report(self, reader: int) -> None:
        with open(reader, encoding="utf-8") as file:
            report = file.read()
        if report == "ok":
            import_all()
            gc.freeze()
        else:
            self._warn(
                f"{report or 'a trial import ended early'}; a process must not fork while it runs "
                f"threads, so each worker imports {MODULES[0]} itself"
            )


def send_scout() -> int:
    """Fork a process that tries the imports; return where its report can be read."""
    reader, writer = os.pipe()
    if os.fork() != 0:
        os.close(writer)
        return reader
    try:
        before = preload.other_threads() or []
        import_all()
        started = (preload.other_threads() or [])[len(before) :]
        report = str(preload.ThreadsStarted(MODULES[0], started)) if started else "ok"
        os.write(writer, report.encode())
    finally:
        os._exit(0)


def import_all() -> None:
    """Import MODULES; a worker that needs one that fails will be told by its own import."""
    gc.disable()
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception:
            break
    gc.enable()
