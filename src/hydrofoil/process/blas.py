"""NumPy's OpenBLAS in forked workers: as many threads as the user's environment asks for.

The daemon loads OpenBLAS with one thread because it must not fork with more. This gives a worker
the number that OpenBLAS would have chosen itself at load time, by the same variables.

Where OpenBLAS makes its threads itself, it ends them before a fork, and starts as many at the first
product that a child computes with them. So they are asked for once, in the daemon. A worker that
started them would pay for it, whether it uses them or not: for 0.1 s each thread looks for work
without sleeping.
"""

import ctypes
import os
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

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


# What `openblas_get_parallel` answers where it makes its threads itself, and not by OpenMP.
_OWN_THREADS = 1


class Setter(NamedTuple):
    """How one loaded OpenBLAS is given its threads: the call starts them.

    ``are_inherited`` says that a child has as many as the process that it was forked from.
    """

    call: Callable[[], None]
    are_inherited: bool


def give_threads() -> list[Callable[[], None]]:
    """Ask for the threads of workers, in the daemon; return what each worker has to call itself.

    This process has no more threads afterwards than before: it forks once.
    """
    setters = thread_setters()
    inherited = [setter.call for setter in setters if setter.are_inherited]
    for call in inherited:
        call()
    if inherited:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    return [setter.call for setter in setters if not setter.are_inherited]


def thread_setters() -> list[Setter]:
    """Return one for each loaded OpenBLAS that needs more threads than the one it has."""
    wanted = wanted_threads()
    if wanted == 1:
        return []
    setters: list[Setter] = []
    for path in loaded_libraries():
        try:
            library = ctypes.CDLL(path)
        except OSError:  # It has been replaced since it was loaded.
            continue
        set_threads = find_function(library, "openblas_set_num_threads")
        processors = find_function(library, "openblas_get_num_procs")
        parallel = find_function(library, "openblas_get_parallel")
        if set_threads is None or processors is None:
            continue
        processors.restype = ctypes.c_int
        limit = int(processors())
        threads = limit if wanted is None else min(wanted, limit)
        if threads > 1:
            set_threads.argtypes = [ctypes.c_int]
            set_threads.restype = None
            are_inherited = parallel is not None and parallel() == _OWN_THREADS
            setters.append(Setter(partial(set_threads, threads), are_inherited))
    return setters


def loaded_libraries() -> list[str]:
    """Return the paths of the OpenBLAS libraries in this process (Linux; elsewhere none)."""
    try:
        # Paths of any of the process's files need not be UTF-8.
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
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
