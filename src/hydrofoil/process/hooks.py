"""The user's functions that run in each worker before its first task."""

import os
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

# Names of the form module:function, separated by commas.
VARIABLE = "HYDROFOIL_AFTER_FORK"


def before_first_task(task_main: Callable[..., None]) -> Callable[..., None]:
    """Return the same main, which first calls the user's functions, once a process."""
    # Each worker has a copy of this list, made by the fork.
    pending = list(enumerate(named()))
    if not pending:
        return task_main
    from mmap import mmap

    # All workers share it: what each of them would say is said once.
    said = mmap(-1, len(pending))

    def main(*args: Any, **kwargs: Any) -> None:
        while pending:
            place, name = pending.pop(0)
            said[place] |= call(name, quiet=bool(said[place]))
        task_main(*args, **kwargs)

    return main


def named() -> list[str]:
    """Return what the environment names, in order."""
    names = [name.strip() for name in os.environ.get(VARIABLE, "").split(",")]
    return [name for name in names if name]


def call(name: str, quiet: bool = False) -> bool:
    """Call a function of this name; return whether it is missing or has failed.

    That is said on stderr, unless ``quiet``, and that is all: a job must not be lost because its
    monitoring is.
    """
    module, _, function = name.partition(":")
    try:
        if not function:
            raise ValueError(f"{name!r} is not of the form module:function")
        getattr(import_module(module), function)()
    except (Exception, SystemExit) as error:
        if not quiet:
            print(
                f"hydrofoil on {socket.gethostname()}: {VARIABLE}={name} failed in worker "
                f"{os.getpid()} ({type(error).__name__}: {error}), and tasks run without it, where "
                f"it fails; the module must be one that {sys.executable} finds before a task's "
                "files arrive",
                file=sys.stderr,
                flush=True,
            )
        return True
    return False
