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
from importlib import import_module
from io import BufferedReader
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from hydrofoil.deaths import page
from hydrofoil.deaths.children import Children
from hydrofoil.process import (
    archives,
    forked,
    frozen,
    hooks,
    inner,
    late,
    preload,
    prompt,
    requirements,
    switch,
    waiting,
)
from hydrofoil.spark import signatures
from hydrofoil.spark.versions import VERSIONS

if TYPE_CHECKING:
    from hydrofoil.process.task_main import TaskMain

# Stock's daemon imports, after the fork, the worker module that its command line names, provided
# that the name starts with "pyspark". Under this name it finds Hydrofoil's.
WORKER_ALIAS = "pyspark.hydrofoil_worker"
STOCK_WORKER = "pyspark.worker"

# Tells a daemon that had to start over which import to leave to its workers.
LEFT_TO_WORKERS = "_HYDROFOIL_LEFT_TO_WORKERS"

# Names the module that serves in place of this one: for tools that measure or record programs
# which name this daemon themselves.
IN_PLACE = "_HYDROFOIL_DAEMON"


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
            # Where threads can't be counted, none may be started by an import before a fork.
            unknown = preload.other_threads() is None
            task_main = main_after_fork if left or unknown else fast_main()
        # Workers that import all themselves say it.
        if not (left or unknown) and (lacking := requirements.lacking()):
            warn(lacking)
    except preload.ThreadsStarted as started:
        start_over(started)
    except signatures.UnknownPySpark as error:
        gc.enable()
        run_unknown(error)
        return
    except Exception as error:
        warn(requirements.why_stock(error))
        task_main = None
    if task_main is None:
        gc.enable()
        run_stock()
        return
    forked.prepare()
    # Frozen objects stay out of collections, whose marks would unshare their pages in each worker.
    # Imports leave little garbage; to find it would take longer than all of numpy.
    gc.freeze()
    gc.enable()
    put_off = not (left or unknown)
    if not runs_tasks():
        serve_others(put_off)
        return
    if around is not None:
        task_main = around(task_main)
    serve(for_small_tasks(task_main), put_off, Children(warn))


def run_stock() -> None:
    """Run stock's daemon as if the command line had named it."""
    if not runs_tasks() and inner.named():
        serve_others()
    elif runs_tasks() and (inner.named() or hooks.named()):
        serve(stock_after_fork)
    else:
        if runs_tasks() and sys.argv[1:] and not pyspark_version().startswith("3."):
            sys.modules[WORKER_ALIAS] = worker_module(stock_after_fork, [STOCK_WORKER])
            sys.argv[1:] = [WORKER_ALIAS]
        run_module("pyspark.daemon")


def run_module(name: str) -> None:
    """Run a module as ``python -m`` does."""
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def serve(task_main: "TaskMain", put_off: bool = False, children: Children | None = None) -> None:
    """Serve workers that run tasks by ``task_main``.

    Parameters
    ----------
    put_off : bool
        Whether this daemon does late imports.
    children : Children, optional
        What says why workers have died.
    """
    arguments = [STOCK_WORKER] if sys.argv[1:] else []
    serve_by_alias(hooks.before_first_task(task_main), arguments, put_off, children)


def serve_others(put_off: bool = False) -> None:
    """Serve planner runs and the like: the module that the command line names, as it is."""
    if inner.named():
        # It looks for their main where that of tasks is.
        serve_by_alias(main_of(sys.argv[1]), [sys.argv[1]], put_off)
        return
    from pyspark import daemon as stock

    manage(stock, put_off)


def serve_by_alias(
    main: "TaskMain", arguments: list[str], put_off: bool, children: Children | None = None
) -> None:
    """Serve workers that run ``main``; see `worker_module` for ``arguments``."""
    # Up to 4.1 it takes a worker's main when it is imported: stock's own is to be compared.
    from pyspark import daemon as stock

    version = VERSIONS.get(pyspark_minor())
    try:
        if version is not None:
            signatures.check_daemon(version.published, stock)
    except signatures.UnknownPySpark as error:
        del sys.modules["pyspark.daemon"]
        run_unknown(error)
        return
    sys.modules[WORKER_ALIAS] = alias = worker_module(main, arguments)
    sys.argv[1:] = [WORKER_ALIAS]
    if hasattr(stock, "worker_main"):
        # Its daemon does not look at its command line any more; that of Spark 3.5 never does.
        vars(stock)["worker_main"] = alias.main
    manage(stock, put_off, alias, children)


def manage(
    stock: ModuleType,
    put_off: bool,
    alias: ModuleType | None = None,
    children: Children | None = None,
) -> None:
    """Run stock's loop, or the inner daemon with what it is to find for a worker."""
    chores: list[waiting.Chore] = []
    if children is not None:
        children.attend(stock)
        chores.append(children)
    if put_off:
        chores.append(late.LateImports(warn))
    if chores:
        waiting.schedule(stock, chores)
    if alias is not None and inner.named():
        inner.serve(inner.named(), stock, alias, warn)
    else:
        stock.manager()


def run_unknown(error: signatures.UnknownPySpark) -> None:
    """Run a daemon of a PySpark that Hydrofoil does not know as the command line would have it.

    The inner daemon or PySpark's; nothing of ours is in it but that it understands our groups.
    """
    left_out = f"; {hooks.VARIABLE} is left out" if hooks.named() else ""
    warn(f"{error.message}, so stock PySpark's worker runs instead{left_out}; {error.hint}")
    worker = sys.modules.get(STOCK_WORKER)
    if worker is not None:
        with suppress(ImportError, TypeError, ValueError):
            from hydrofoil.spark.stock import groups

            groups.teach(worker)
    if inner.named():
        inner.run(inner.named(), warn)
    run_module("pyspark.daemon")


def main_of(module: str) -> "TaskMain":
    """Return the main of a module that is imported when it is called: after the fork."""

    def main(infile: BinaryIO, outfile: BinaryIO) -> None:
        import_module(module).main(infile, outfile)

    return main


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


def stock_after_fork(*args: Any, **kwargs: Any) -> None:
    """Run one task by stock's worker, imported when stock's daemon would import it."""
    from pyspark import worker

    main = inner.stock_main()

    # Who sends groups can't know that stock's worker reads them.
    with suppress(ImportError):
        from hydrofoil.spark.stock import groups

        groups.teach(worker)
    main(*args, **kwargs)


def pyspark_version() -> str:
    from pyspark.version import __version__

    return __version__


def pyspark_minor() -> str:
    return ".".join(pyspark_version().split(".")[:2])


def for_small_tasks(task_main: "TaskMain") -> "TaskMain":
    """The same main, without what a small task notices: waits, and work that is done anew.

    Nor can what user code forks answer in the worker's place.
    """
    unchanging = archives.on_path()
    libraries = frozen.Libraries()

    def main(infile: BinaryIO, outfile: BinaryIO) -> None:
        libraries.freeze()
        archives.keep_listings(unchanging)
        forked.connection.use(infile)
        infile = prompt.prompt(infile)
        begun(infile)
        try:
            task_main(infile, outfile)
        finally:
            page.mine().end_task()

    return main


def begun(infile: BinaryIO) -> None:
    """Wait for a task, and say that it has begun; a reused worker may wait for long."""
    if not isinstance(infile, BufferedReader) or infile.peek(1):
        page.mine().begin_task()


def worker_module(task_main: "Callable[..., None]", arguments: list[str]) -> ModuleType:
    """Wrap a task's main in a module; user code finds stock's command line, with ``arguments``.

    What a daemon that is not the published one looks for beside ``main`` is stock's.
    """

    def main(*args: Any, **kwargs: Any) -> None:
        program = sys.argv[0]
        sys.argv = [program, *arguments]
        try:
            task_main(*args, **kwargs)
        finally:
            # Stock's daemon reads the name again for the next task of a reused worker.
            sys.argv = [program, WORKER_ALIAS]

    module = ModuleType(WORKER_ALIAS)
    module.__dict__["main"] = main
    module.__dict__["__getattr__"] = lambda name: getattr(import_module(STOCK_WORKER), name)
    return module


def start_over(started: preload.ThreadsStarted) -> NoReturn:
    """Replace this process by a daemon that leaves the guilty import to its workers."""
    warn(
        f"{started}; a process must not fork while it runs threads, so this daemon starts over and "
        f"each worker imports {started.module} itself, which makes starting workers slower"
    )
    os.environ[LEFT_TO_WORKERS] = started.module
    os.execv(sys.executable, sys.orig_argv)


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
    if module := os.environ.get(IN_PLACE):
        import_module(module).main()
    else:
        main()
