"""The worker process: stock PySpark's own task loop, with Hydrofoil's data path inside it.

Bytes in: what the JVM sends a worker for one task. Bytes out: what stock's worker would answer.
"""

import os
import runpy
import sys
from functools import cache
from importlib import import_module
from typing import BinaryIO, Protocol, cast

from hydrofoil import preload
from hydrofoil.spark.caps import installed_line


class TaskMain(Protocol):
    """Runs one task."""

    def __call__(self, infile: BinaryIO, outfile: BinaryIO) -> None: ...


def turned_off() -> bool:
    """Whether the environment asks for the stock worker (``HYDROFOIL=off``)."""
    return os.environ.get("HYDROFOIL", "").lower() in ("off", "0", "false")


@cache
def fast_main() -> TaskMain | None:
    """The main of the installed Spark's adapter, or None for a Spark that has none."""
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
    run: TaskMain | None = None if turned_off() else fast_main()
    if run is None:
        from pyspark.worker import main as run
    run(infile, outfile)


def serve_one_task() -> None:
    """Connect back to the JVM that started this process, run its task and end.

    This is how executors use the module where ``spark.python.use.daemon`` is false.
    """
    run = None
    try:
        if not turned_off():
            preload.import_installed_pyspark()
            run = fast_main()
    except Exception as error:
        print(
            f"hydrofoil: can't be loaded ({type(error).__name__}: {error}), so stock PySpark's "
            f"worker runs instead; install the driver's version of hydrofoil for {sys.executable}",
            file=sys.stderr,
        )
    if run is None:
        runpy.run_module("pyspark.worker", run_name="__main__", alter_sys=True)
        return
    from pyspark.worker_util import get_sock_file_to_executor

    with get_sock_file_to_executor() as file:
        stream = cast(BinaryIO, file)
        run(stream, stream)


if __name__ == "__main__":
    serve_one_task()
