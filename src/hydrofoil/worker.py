"""The worker process: stock PySpark's own task loop, with Hydrofoil's data path inside it.

Bytes in: what the JVM sends a worker for one task. Bytes out: what stock's worker would answer.
"""

import os
from functools import cache
from importlib import import_module
from typing import BinaryIO, Protocol

from hydrofoil.spark.caps import installed_line


class TaskMain(Protocol):
    """Runs one task."""

    def __call__(self, infile: BinaryIO, outfile: BinaryIO) -> None: ...


def turned_off() -> bool:
    """Whether the environment asks for the stock worker (``HYDROFOIL=off``)."""
    return os.environ.get("HYDROFOIL", "").lower() in ("off", "0", "false")


@cache
def fast_main() -> TaskMain | None:
    """The main of the installed Spark's adapter, made once a process, or None for an unknown Spark."""
    line = installed_line()
    if line is None:
        return None
    worker = import_module(line.adapter).Worker()
    return worker.main  # type: ignore[no-any-return]


def main(infile: BinaryIO, outfile: BinaryIO) -> None:
    """Run one task: read it from ``infile``, answer on ``outfile``, exactly as stock's ``main``.

    Parameters
    ----------
    infile, outfile : binary file objects
        Socket files or in-memory ones; the same object may serve as both.

    Raises
    ------
    SystemExit
        As stock's, when the task has failed; the error has been written to ``outfile``.
    """
    run = None if turned_off() else fast_main()
    if run is None:
        from pyspark.worker import main as run
    run(infile, outfile)
