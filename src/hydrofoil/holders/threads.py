"""Threads of the libraries that compute: none before a holder forks, then as many as asked for.

A pool of threads does not survive a fork: whoever uses it in the child waits for ever.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hydrofoil.process import blas
from hydrofoil.process.preload import environment, import_environment

# Variables that libraries read when they are loaded.
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# OpenMP's libraries, by what their files' names begin with.
_OPENMP = ("libgomp", "libomp", "libiomp5")


@contextmanager
def none_are_started() -> Iterator[None]:
    """Have libraries that are loaded inside the block compute in the thread that calls them."""
    with environment(dict.fromkeys(_VARIABLES, "1") | import_environment("pyarrow")):
        yield


def asked_for() -> int:
    """How many threads a batch may use, by the variables that Spark gives workers."""
    return blas.wanted_threads() or 1


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def use(count: int) -> None:
    """Have the libraries of this process compute with so many threads."""
    for library in _openmp():
        with suppress(AttributeError, OSError):
            ctypes.CDLL(library).omp_set_num_threads(count)
    for path in blas.loaded_libraries():
        set_threads = blas.find_function(ctypes.CDLL(path), "openblas_set_num_threads")
        if set_threads is not None:
            set_threads.argtypes, set_threads.restype = [ctypes.c_int], None
            set_threads(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)


def _openmp() -> list[str]:
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        paths = {line.split(maxsplit=5)[5].strip() for line in file if ".so" in line}
    return sorted(path for path in paths if os.path.basename(path).startswith(_OPENMP))
