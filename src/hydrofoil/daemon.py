"""The daemon process: stock PySpark's, forking workers that have their imports behind them.

Executors start it as ``python -m hydrofoil.daemon WORKER_MODULE`` and read its port from its
stdout, so nothing else may be written there. It never fails on Hydrofoil's account: where
Hydrofoil can't be loaded it runs stock's daemon and worker and says so in one line on stderr.
"""

import gc
import os
import runpy
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from hydrofoil import archives, forked, late, preload, switch

if TYPE_CHECKING:
    from hydrofoil.worker import TaskMain

# Stock's daemon imports, after the fork, the worker module that its command line names, provided
# that the name starts with "pyspark". Under this name it finds Hydrofoil's.
WORKER_ALIAS = "pyspark.hydrofoil_worker"
STOCK_WORKER = "pyspark.worker"

# Tells a daemon that had to start over which import to leave to its workers.
LEFT_TO_WORKERS = "_HYDROFOIL_LEFT_TO_WORKERS"


# Names the folder that `hydrofoil profile` wants its figures in.
PROFILE = "_HYDROFOIL_PROFILE"

# Names the folder of `hydrofoil record`, for programs that name this daemon themselves.
RECORD = "HYDROFOIL_RECORD_DIR"


def main(around: "Callable[[TaskMain], TaskMain] | None" = None) -> None:
    """Serve workers to the JVM until it closes stdin; ``around`` wraps what runs a task."""
    if switch.is_off():
        run_stock()
        return
    try:
        # What these imports allocate lives for ever: collecting meanwhile finds nothing.
        gc.disable()
        left = os.environ.pop(LEFT_TO_WORKERS, "")
        with stdout_to_stderr():
            preload.preload(stop_before=left)
            task_main = main_after_fork if left else fast_main()
    except preload.ThreadsStarted as started:
        start_over(started)
    except Exception as error:
        warn_of_stock(error)
        task_main = None
    if task_main is None:
        gc.enable()
        run_stock()
        return
    if runs_tasks():
        arguments = [STOCK_WORKER] if sys.argv[1:] else []
        if around is not None:
            task_main = around(task_main)
        sys.modules[WORKER_ALIAS] = worker_module(keeping_archives(task_main), arguments)
        sys.argv[1:] = [WORKER_ALIAS]
    forked.prepare()
    # Frozen objects stay out of collections, whose marks would unshare their pages in each worker.
    # Imports leave little garbage; to find it would take longer than all of numpy.
    gc.freeze()
    gc.enable()

    from pyspark import daemon as stock

    if WORKER_ALIAS in sys.modules and hasattr(stock, "worker_main"):
        # The daemon of Spark 3.5 serves tasks alone, and does not look at its command line.
        vars(stock)["worker_main"] = sys.modules[WORKER_ALIAS].main
    if not left and preload.other_threads() is not None:
        late.LateImports(warn).schedule(stock)
    stock.manager()


def run_stock() -> None:
    """Run stock's daemon as if the command line had named it."""
    if runs_tasks() and sys.argv[1:] and not pyspark_version().startswith("3."):
        sys.modules[WORKER_ALIAS] = worker_module(stock_after_fork, [STOCK_WORKER])
        sys.argv[1:] = [WORKER_ALIAS]
    runpy.run_module("pyspark.daemon", run_name="__main__", alter_sys=True)


def runs_tasks() -> bool:
    """Whether stock would run tasks: planner runs and the like name another pyspark module."""
    named = sys.argv[1] if len(sys.argv) > 1 else STOCK_WORKER
    return named == STOCK_WORKER or not named.startswith("pyspark")


def fast_main() -> "TaskMain | None":
    """Load all that tasks need; None, with a warning, for a Spark that Hydrofoil does not know."""
    from hydrofoil import worker

    return worker.fast_main()


def main_after_fork(infile: BinaryIO, outfile: BinaryIO) -> None:
    """Run one task, importing what the daemon may not: see `start_over`."""
    from hydrofoil import worker

    worker.main(infile, outfile)


def stock_after_fork(infile: BinaryIO, outfile: BinaryIO) -> None:
    """Run one task by stock's worker, imported when stock's daemon would import it."""
    from pyspark import worker

    # Who sends groups can't know that stock's worker reads them.
    with suppress(ImportError):
        from hydrofoil import group_exchange

        group_exchange.teach(worker)
    worker.main(infile, outfile)


def pyspark_version() -> str:
    from pyspark.version import __version__

    return __version__


def keeping_archives(task_main: "TaskMain") -> "TaskMain":
    """The same main, with what the daemon knows of archives on the path."""
    unchanging = archives.on_path()

    def main(infile: BinaryIO, outfile: BinaryIO) -> None:
        archives.keep_listings(unchanging)
        task_main(infile, outfile)

    return main


def worker_module(task_main: "TaskMain", arguments: list[str]) -> ModuleType:
    """Wrap a task's main in a module; user code finds stock's command line, with ``arguments``."""

    def main(infile: BinaryIO, outfile: BinaryIO) -> None:
        program = sys.argv[0]
        sys.argv = [program, *arguments]
        try:
            task_main(infile, outfile)
        finally:
            # Stock's daemon reads the name again for the next task of a reused worker.
            sys.argv = [program, WORKER_ALIAS]

    module = ModuleType(WORKER_ALIAS)
    module.__dict__["main"] = main
    return module


def start_over(started: preload.ThreadsStarted) -> NoReturn:
    """Replace this process by a daemon that leaves the guilty import to its workers."""
    warn(
        f"{started}; a process must not fork while it runs threads, so this daemon starts over and "
        f"each worker imports {started.module} itself, which makes starting workers slower"
    )
    os.environ[LEFT_TO_WORKERS] = started.module
    os.execv(sys.executable, sys.orig_argv)


def warn_of_stock(error: Exception) -> None:
    warn(
        f"can't be loaded ({type(error).__name__}: {error}), so stock PySpark's worker runs "
        f"instead; install the driver's version of hydrofoil for {sys.executable} on this host, "
        f"or set {switch.VARIABLE}=off"
    )


def warn(message: str) -> None:
    print(f"hydrofoil on {socket.gethostname()}: {message}", file=sys.stderr, flush=True)


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what imports print to stderr: the JVM takes the first bytes of stdout for the port."""
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(stdout, 1)
        os.close(stdout)


if __name__ == "__main__":
    if os.environ.get(PROFILE):
        from hydrofoil.profile import daemon

        daemon.main()
    elif os.environ.get(RECORD):
        from hydrofoil.replay import recorder

        recorder.run_daemon()
    else:
        main()
