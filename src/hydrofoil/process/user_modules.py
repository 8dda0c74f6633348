"""Modules of the user's that have the name of one that this process imported ahead of stock.

Stock's worker has few modules when it puts a task's files (those of ``addPyFile``) in front of its
path. A `csv.py` among them is then what ``import csv`` finds. A worker of Hydrofoil's daemon starts
with many more modules, and an import finds those first. So what the user's files replace is
forgotten, as if it had not been imported yet. Libraries that have it already keep it.
"""

import os
import sys
from importlib.machinery import PathFinder

from hydrofoil.process import address_space

# These can't be loaded a second time in a process; the ones of the daemon are for all.
KEPT = frozenset(("hydrofoil", "numpy", "pandas", "pyarrow", "pyspark"))


class Ahead:
    """What is imported ahead of stock.

    Parameters
    ----------
    stock : set of str
        The modules that stock's worker has when it puts a task's files on its path.
    path : list of str
        ``sys.path`` before that.
    """

    def __init__(self, stock: set[str], path: list[str]) -> None:
        self._stock = stock
        self._path = frozenset(path)
        # Of this worker, from its first task.
        self._names: list[str] | None = None
        self._looked_at: dict[str, int] = {}

    def forget(self) -> list[str]:
        """Forget the modules that files new on ``sys.path`` replace; return their names.

        To be called when a task's files are on the path, before the task's function is unpickled.
        A folder or archive that has not changed since the last call is not looked at.
        """
        forgotten = []
        for entry in sys.path:
            if entry in self._path:
                continue
            try:
                changed = os.stat(entry).st_mtime_ns
            except (OSError, ValueError):  # ValueError: it holds a null character.
                continue
            if self._looked_at.get(entry) != changed:
                self._looked_at[entry] = changed
                forgotten += [name for name in self._candidates() if is_replaced(name, entry)]
        for name in forgotten:
            forget(name)
        return forgotten

    def _candidates(self) -> list[str]:
        if self._names is None:
            ahead = {name for name in sys.modules if "." not in name} - self._stock - KEPT
            self._names = sorted(ahead.difference(sys.builtin_module_names))
        return self._names


def is_replaced(name: str, entry: str) -> bool:
    """Whether this entry of ``sys.path`` has a module of this name that is not the loaded one."""
    module = sys.modules.get(name)
    if module is None:
        return False
    spec = PathFinder.find_spec(name, [entry])
    # Without a loader it is a folder that any module of the name comes before.
    return spec is not None and spec.loader is not None and spec.origin != _origin(module)


def _origin(module: object) -> object:
    return getattr(getattr(module, "__spec__", None), "origin", None)


def forget(name: str) -> None:
    """Take a module and what is below it out of ``sys.modules``."""
    for loaded in list(sys.modules):
        if loaded == name or loaded.startswith(f"{name}."):
            del sys.modules[loaded]


_ahead: Ahead | None = None


def remember_stock() -> None:
    """Note what stock's worker has when it starts: call this before importing anything else."""
    global _ahead
    if _ahead is None:
        import pyspark.worker  # noqa: F401

        address_space.remember_stock()
        _ahead = Ahead(set(sys.modules), sys.path)


def give_way() -> None:
    """Have imports find the modules of a task's files: see `Ahead.forget`."""
    if _ahead is not None:
        _ahead.forget()
