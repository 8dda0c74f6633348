"""The daemon of a profiled run: stock's or Hydrofoil's, with the account around each task.

`hydrofoil.daemon` hands over to it where the environment says so (see its ``IN_PLACE``). With
``HYDROFOIL=off`` it is stock's: nothing is imported before the fork that stock would not import.
"""

import atexit
import os
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

from hydrofoil import daemon, private
from hydrofoil.process import inner, switch
from hydrofoil.tools.profiling.account import FOLDER, Log

if TYPE_CHECKING:
    from hydrofoil.process.task_main import TaskMain


def main() -> None:
    """Serve workers to the JVM until it closes stdin."""
    folder = Path(os.environ[FOLDER])
    if not daemon.runs_tasks():
        daemon.run_stock() if switch.is_off() else daemon.main()
        return
    private.make_folder(folder)
    # Workers end without it.
    atexit.register(_note_daemon, folder)
    if switch.is_off():
        _serve_stock(folder)
    else:
        daemon.main(lambda task_main: _accounted(folder, lambda: task_main, _hydrofoil_module))


def _note_daemon(folder: Path) -> None:
    Log(folder, "daemon").write({"kind": "daemon", "cpu": time.process_time()})


def _serve_stock(folder: Path) -> None:
    daemon.serve(_accounted(folder, inner.stock_main, lambda: import_module(daemon.STOCK_WORKER)))


def _hydrofoil_module() -> ModuleType | None:
    """The private copy of stock's worker that the fast main runs through."""
    from hydrofoil import worker

    fast = worker.fast_main()
    stock: ModuleType | None = getattr(getattr(fast, "__self__", None), "stock", None)
    return stock


def _accounted(
    folder: Path,
    task_main: "Callable[[], TaskMain]",
    module: Callable[[], ModuleType | None],
) -> "TaskMain":
    """A main that runs a task by another and keeps its account; one account a process.

    Both callables are called in the worker: under stock, importing it is a part of the start-up.
    """

    @cache
    def account_of(pid: int) -> "AccountedMain":
        entered = time.process_time()
        from hydrofoil.tools.profiling.worker import AccountedMain

        return AccountedMain(folder, task_main, module, entered)

    def main(infile: BinaryIO, outfile: BinaryIO) -> None:
        account_of(os.getpid())(infile, outfile)

    return main


if TYPE_CHECKING:
    from hydrofoil.tools.profiling.worker import AccountedMain
