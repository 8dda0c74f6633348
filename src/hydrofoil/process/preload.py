"""What the daemon imports before it forks, so that its workers need not.

A process must not fork while it runs threads: the child would have their locks but not them. So
the threads are counted after every import, and one that was started raises ThreadsStarted.
"""

import importlib
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec

from hydrofoil.process import user_modules

TASKS = "/proc/self/task"

# In the order of import: first what stock's worker has, too. What a later one imports itself has to
# stand before it, so that a thread is blamed on the right one. Those that are not installed are
# skipped.
MODULES = (
    "pyspark.worker",
    "numpy",
    "pyarrow",
    "hydrofoil.evals.batched",
    "hydrofoil.evals.pickled",
    "hydrofoil._cext.faults",
    "hydrofoil._cext.place",
    "pyspark.sql.conversion",
)


class ThreadsStarted(Exception):
    """Importing ``module`` left threads running in this process."""

    def __init__(self, module: str, names: list[str]) -> None:
        super().__init__(f"importing {module} started {len(names)} thread(s): {', '.join(names)}")
        self.module = module
        self.names = names


def preload(stop_before: str = "") -> list[str]:
    """Import MODULES and return the names of those that were imported.

    Parameters
    ----------
    stop_before : str
        Import neither this module nor the ones after it.

    Raises
    ------
    ThreadsStarted
        An import left a thread running: this process must not fork any more.
    """
    done: list[str] = []
    if other_threads() is None:
        return done
    import_installed_pyspark()
    for name in MODULES:
        if name == stop_before:
            break
        if find_spec(name.partition(".")[0]) is None:
            continue
        try:
            with environment(import_environment(name)):
                importlib.import_module(name)
        except Exception:
            if name.startswith("hydrofoil"):
                raise
            # Whoever needs it will be told by its own import, as under stock.
            continue
        finally:
            threads = other_threads()
            if threads:
                raise ThreadsStarted(name, threads)
        if name == MODULES[0]:
            user_modules.remember_stock()
        done.append(name)
    return done


def other_threads() -> list[str] | None:
    """Return the names of this process's threads but the first; None where that can't be known."""
    try:
        ids = sorted(int(task) for task in os.listdir(TASKS))
    except OSError:
        return None
    names = []
    for task in ids:
        if task == os.getpid():
            continue
        try:
            with open(f"{TASKS}/{task}/comm", encoding="utf-8", errors="replace") as file:
                names.append(file.read().strip())
        except OSError:
            continue  # It has ended since.
    return names


def import_environment(name: str) -> dict[str, str]:
    """Return the variables that keep ``name`` from starting threads while it is imported.

    They are for the import alone: what the user asked for must reach the workers.
    """
    made = {}
    # Up to Spark 4.1 PySpark's worker imports both.
    if name in ("numpy", "pyspark.worker"):
        # OpenBLAS; hydrofoil.process.blas gives the workers the threads that were asked for.
        made["OPENBLAS_NUM_THREADS"] = "1"
    if name in ("pyarrow", "pyspark.worker") and not jemalloc_chosen():
        # Arrow's jemalloc purges in a thread even when another pool is the default.
        made["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    return made


def jemalloc_chosen() -> bool:
    return (
        "JE_ARROW_MALLOC_CONF" in os.environ
        or os.environ.get("ARROW_DEFAULT_MEMORY_POOL") == "jemalloc"
    )


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the time of the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def import_installed_pyspark() -> None:
    """Import pyspark (and py4j) from their installed folders if those hold what the zips hold.

    Executors put pyspark.zip in front of ``sys.path``, and nothing keeps the bytecode of what is
    imported from a zip. ``sys.path`` itself stays as it is, for the sake of user code.
    """
    for package in ("py4j", "pyspark"):
        source = find_installed(package)
        if source is None or package in sys.modules:
            continue
        archive, folder = source
        spec = PathFinder.find_spec(package, [folder])
        if spec is None or spec.loader is None or spec.submodule_search_locations is None:
            continue
        # What only the archive has is still found in it.
        spec.submodule_search_locations.append(os.path.join(archive, package))
        module = module_from_spec(spec)
        sys.modules[package] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[package]
            raise


def find_installed(package: str) -> tuple[str, str] | None:
    """Return (archive, folder) of ``sys.path`` where ``package`` is in both and is the same."""
    archive = None
    for entry in sys.path:
        if archive is None:
            if os.path.isdir(os.path.join(entry, package)):
                return None  # A folder comes first, as for a driver: nothing to gain.
            if os.path.isfile(entry) and holds(entry, package):
                archive = entry
        elif os.path.isdir(os.path.join(entry, package)):
            return (archive, entry) if is_same(archive, entry, package) else None
    return None


def holds(archive: str, package: str) -> bool:
    if not zipfile.is_zipfile(archive):
        return False
    with zipfile.ZipFile(archive) as file:
        return f"{package}/__init__.py" in file.NameToInfo


def is_same(archive: str, folder: str, package: str) -> bool:
    """Whether both have the same version.py, and every source file of both the same size.

    Sizes tell a vendor's patched release from the published one of the same version.
    """
    with zipfile.ZipFile(archive) as file:
        version = f"{package}/version.py"
        try:
            with open(os.path.join(folder, version), "rb") as installed:
                if installed.read() != file.read(version):
                    return False
        except (OSError, KeyError):
            return False
        for info in file.infolist():
            if not info.filename.endswith(".py"):
                continue
            try:
                size = os.stat(os.path.join(folder, info.filename)).st_size
            except OSError:
                continue  # Published packages leave their tests out.
            if size != info.file_size:
                return False
    return True
