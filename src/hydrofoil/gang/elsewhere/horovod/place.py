"""The rank that a process is, for functions that get no context."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hydrofoil.errors import UsageError

if TYPE_CHECKING:
    from hydrofoil.gang.context import Context


class _Place:
    context: "Context | None" = None
    initialized = False


@contextmanager
def within(context: "Context") -> Iterator[None]:
    """Have `current` find a rank's context for as long as its function runs."""
    _Place.context = context
    try:
        yield
    finally:
        _Place.context = None
        _Place.initialized = False


def initialize() -> "Context":
    """What ``hvd.init()`` does: from now on `current` answers.

    Raises
    ------
    UsageError
        Outside of ``horovod.spark.run``.
    """
    if _Place.context is None:
        raise UsageError(
            "hvd.init() was called outside of a rank",
            hint="pass the function to hydrofoil.gang.elsewhere.horovod.spark.run",
        )
    _Place.initialized = True
    return _Place.context


def is_initialized() -> bool:
    """Whether ``hvd.init()`` was called in this rank."""
    return _Place.initialized


def leave() -> None:
    """What ``hvd.shutdown()`` does: nothing more is answered until the next ``hvd.init()``."""
    _Place.initialized = False


def current() -> "Context":
    """This rank's context.

    Raises
    ------
    UsageError
        Before ``hvd.init()``, as Horovod itself has it.
    """
    if _Place.context is None or not _Place.initialized:
        raise UsageError("Horovod's calls need hvd.init() first", hint="call it as the first thing")
    return _Place.context
