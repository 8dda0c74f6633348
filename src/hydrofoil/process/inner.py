"""A daemon of somebody else's, run inside Hydrofoil's: a monitor's, a debugger's, a platform's.

Such a module imports PySpark's daemon, puts its own function around the worker's main, and calls
``pyspark.daemon.manager()``. It finds Hydrofoil's main wherever PySpark has its own, so what it
forks are Hydrofoil's workers inside its wrapper.

This is the one place that gives ``pyspark.worker`` another ``main``. Wrappers look it up there, and
this process is there to run tasks and nothing else. Without an inner daemon nothing is exchanged.
"""

import gc
import os
import runpy
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, cast

from hydrofoil.process import preload

if TYPE_CHECKING:
    from hydrofoil.process.task_main import TaskMain

VARIABLE = "HYDROFOIL_DAEMON_INNER"

# On the main that stands in for stock's: stock's.
_STOCK = "__hydrofoil_stock__"
# They are what runs anyway.
_NOBODY_ELSES = ("", "pyspark.daemon", "hydrofoil.daemon")


def named() -> str:
    """Return the module that the environment names, or ""."""
    name = os.environ.get(VARIABLE, "").strip()
    return "" if name in _NOBODY_ELSES else name


def stock_main() -> "TaskMain":
    """Return PySpark's own main, also where another one stands in for it."""
    from pyspark import worker

    main = getattr(worker, "main", None)
    return cast("TaskMain", getattr(main, _STOCK, main))


def serve(name: str, stock: ModuleType, alias: ModuleType, warn: Callable[[str], None]) -> None:
    """Run the daemon ``name`` as Python would run it, with workers that run ``alias.main``.

    Parameters
    ----------
    name : str
        The module. One that can't be run is told of, and stock's daemon serves instead.
    stock : module
        ``pyspark.daemon``.
    alias : module
        What the command line names as the worker's module.
    warn : function of a str
    """
    own: TaskMain = alias.__dict__["main"]
    _stand_in(stock, alias, own)
    _look_before_first_fork(name, warn)
    run(name, warn)
    _stand_in(stock, alias, own)
    stock.manager()


def run(name: str, warn: Callable[[str], None]) -> None:
    """Run a daemon as ``python -m`` does; return only if it could not serve, once that is told."""
    process = os.getpid()
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
        problem = "ended without a call of pyspark.daemon.manager()"
    except Exception as error:
        if os.getpid() != process:
            raise
        problem = f"failed ({type(error).__name__}: {error})"
    warn(
        f"the daemon {name}, which {VARIABLE} names, {problem}, so workers run without it; "
        f"correct the name or the module, or unset {VARIABLE}"
    )


def _stand_in(stock: ModuleType, alias: ModuleType, own: "TaskMain") -> None:
    """Put ``own`` behind each name by which wrappers and daemons find a worker's main.

    Each looks for the next when it is called, so a wrapper may take the place of any.
    """
    # Stock may not have imported it yet, and pyarrow comes with it.
    with preload.environment(preload.import_environment("pyarrow")):
        from pyspark import worker

    def by_worker(infile: BinaryIO, outfile: BinaryIO) -> None:
        worker.main(infile, outfile)

    def by_daemon(infile: BinaryIO, outfile: BinaryIO) -> None:
        stock.__dict__["worker_main"](infile, outfile)

    vars(own)[_STOCK] = stock_main()
    vars(worker)["main"] = own
    # Since 4.2 stock's daemon has no such name; wrappers that set it would be passed over.
    vars(stock)["worker_main"] = by_worker
    vars(alias)["main"] = by_daemon


def _look_before_first_fork(name: str, warn: Callable[[str], None]) -> None:
    """Tell of threads that the inner daemon has started, which under stock would run as well."""
    pending = [True]

    def before() -> None:
        if not pending:
            return
        pending.clear()
        # See `hydrofoil.daemon`: this is for what the inner daemon has imported.
        gc.freeze()
        threads = preload.other_threads()
        if threads:
            warn(
                f"the daemon {name} has started {len(threads)} thread(s): {', '.join(threads)}; a "
                "process must not fork while it runs threads, and workers that wait for one of "
                "them hang, as they would without hydrofoil"
            )

    os.register_at_fork(before=before)
