"""NumPy's OpenBLAS in forked workers: as many threads as the user's environment asks for.

The daemon loads OpenBLAS with one thread because it must not fork with more. This gives a worker
the number that OpenBLAS would have chosen itself at load time, by the same variables.
"""

import ctypes
import os
from collections.abc import Callable
from functools import partial
from typing import Any

# Variables in the order in which OpenBLAS looks at them; 0 or nonsense counts as not set.
VARIABLES = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")

# Builds rename the library's functions: NumPy's wheels put "scipy_" in front, builds with 64-bit
# integers "64_" at the end.
PREFIXES = ("scipy_", "")
SUFFIXES = ("64_", "_64", "")


def wanted_threads() -> int | None:
    """Return the number of threads that the environment asks for; None if it says nothing."""
    for name in VARIABLES:
        value = os.environ.get(name, "")
        if value.strip().isdigit() and int(value) > 0:
            return int(value)
    return None


def thread_setters() -> list[Callable[[], None]]:
    """Return one call for each loaded OpenBLAS that needs more threads than the one it has.

    The calls are for a forked worker: they start threads.
    """
    wanted = wanted_threads()
    if wanted == 1:
        return []
    setters: list[Callable[[], None]] = []
    for path in loaded_libraries():
        library = ctypes.CDLL(path)
        set_threads = find_function(library, "openblas_set_num_threads")
        processors = find_function(library, "openblas_get_num_procs")
        if set_threads is None or processors is None:
            continue
        processors.restype = ctypes.c_int
        limit = int(processors())
        threads = limit if wanted is None else min(wanted, limit)
        if threads > 1:
            set_threads.argtypes = [ctypes.c_int]
            set_threads.restype = None
            setters.append(partial(set_threads, threads))
    return setters


def loaded_libraries() -> list[str]:
    """Return the paths of the OpenBLAS libraries in this process (Linux; elsewhere none)."""
    try:
        with open("/proc/self/maps", encoding="utf-8") as file:
            paths = {line.split(maxsplit=5)[5].strip() for line in file if "openblas" in line}
    except OSError:
        return []
    return sorted(path for path in paths if "openblas" in os.path.basename(path))


def find_function(library: ctypes.CDLL, name: str) -> Any:
    for prefix in PREFIXES:
        for suffix in SUFFIXES:
            function = getattr(library, f"{prefix}{name}{suffix}", None)
            if function is not None:
                return function
    return None
