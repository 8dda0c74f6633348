"""The worker process: stock PySpark's own task loop, with Hydrofoil's data path inside it.

Bytes in: what the JVM sends a worker for one task. Bytes out: what stock's worker would answer.
"""

import os
import runpy
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import BinaryIO

from hydrofoil.process import (
    forked,
    hooks,
    inner,
    preload,
    prompt,
    requirements,
    switch,
    user_modules,
)
from hydrofoil.process.task_main import TaskMain
from hydrofoil.spark.signatures import UnknownPySpark
from hydrofoil.spark.versions import installed_version


@cache
def fast_main() -> TaskMain | None:
    """The main that has the fast paths, or None for a version of Spark that has none.

    Raises
    ------
    ImportError
        If the extension, or what it needs, can't be loaded.
    """
    version = installed_version()
    if version is None:
        return None
    user_modules.remember_stock()
    # Imported here, because it needs the extension, and pyarrow.
    from hydrofoil.spark.plans import planning_worker

    return planning_worker(version).main


@cache
def main_or_stock() -> TaskMain:
    """The fast main where it can be had; otherwise stock's. One line on stderr says what lacks."""
    return told_main() or stock_main()


@cache
def told_main() -> TaskMain | None:
    """The fast main; None where it can't be had. One line on stderr says what lacks."""
    try:
        main = fast_main()
    except UnknownPySpark as error:
        _warn(f"{error.message}, so stock PySpark's worker runs instead; {error.hint}")
    except Exception as error:
        _warn(requirements.why_stock(error))
    else:
        if lacking := requirements.lacking():
            _warn(lacking)
        return main
    return None


def _warn(message: str) -> None:
    print(f"hydrofoil on {socket.gethostname()}: {message}", file=sys.stderr)


def stock_main() -> TaskMain:
    """PySpark's own main, which reads groups from Hydrofoil's operators too."""
    from pyspark import worker

    with suppress(ImportError):  # Without pyarrow there are no groups.
        from hydrofoil.spark.stock import groups

        groups.teach(worker)
    return inner.stock_main()


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
    run = stock_main() if switch.is_off() else main_or_stock()
    run(infile, outfile)


@contextmanager
def connection_to_executor() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Files to and from the JVM that started this process, as the environment tells it."""
    # As stock does it, up to 4.1 in its worker.
    stock = import_module("pyspark.worker")
    connect = (
        getattr(stock, "local_connect_and_auth", None)
        or import_module("pyspark.util").local_connect_and_auth
    )
    # A path since 4.1, where Spark is told to use Unix sockets.
    path = os.environ.get("PYTHON_WORKER_FACTORY_SOCK_PATH")
    file, connection = connect(
        path or int(os.environ["PYTHON_WORKER_FACTORY_PORT"]),
        os.environ.get("PYTHON_WORKER_FACTORY_SECRET"),
    )
    with file:
        # The JVM sends nothing more before it has read this.
        infile = prompt.prompt_socket(connection, file)
        stock.write_int(os.getpid(), file)
        file.flush()
        with infile:
            yield infile, file


def serve_one_task() -> None:
    """Connect back to the JVM that started this process, run its task and end.

    This is how executors use the module where ``spark.python.use.daemon`` is false.
    """
    for name in hooks.named():
        hooks.call(name)
    fast = None
    if not switch.is_off():
        preload.import_installed_pyspark()
        fast = told_main()
    if fast is None:
        runpy.run_module("pyspark.worker", run_name="__main__", alter_sys=True)
        return
    with connection_to_executor() as (infile, outfile):
        forked.connection.use(outfile)
        os.register_at_fork(after_in_child=forked.connection.leave)
        fast(infile, outfile)


if __name__ == "__main__":
    serve_one_task()
elif not switch.is_off():
    # Whoever imports this module is about to run tasks; what can't be loaded is told then.
    with suppress(Exception):
        fast_main()
