"""A failed query's error, as the method raises it whose place a different one took."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def as_of_the_call(called: str) -> Iterator[None]:
    """Raise what a call would have raised, of what the JVM's thread in its place failed of.

    Parameters
    ----------
    called : str
        The call in whose place it was, as py4j names it.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors.exceptions.captured import CapturedException

    try:
        yield
    except (Py4JJavaError, CapturedException) as error:
        java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
        cause = java.getCause() if java is not None else None
        if java is None or cause is None or "awaitResult" not in str(java.getMessage()):
            raise
        made = _raised_of(cause, called)
    else:
        return
    raise made from None


@contextmanager
def named_as(called: str) -> Iterator[None]:
    """Have an error of the JVM name the call in whose place a different one was made."""
    from py4j.protocol import Py4JJavaError

    try:
        yield
    except Py4JJavaError as error:
        made = _as_py4j(called, error.java_exception)
    else:
        return
    raise made from None


def _raised_of(cause: Any, called: str) -> Exception:
    from pyspark.errors.exceptions.captured import UnknownException, convert_exception

    converted = convert_exception(cause)
    if isinstance(converted, UnknownException):
        return _as_py4j(called, cause)
    return converted


def _as_py4j(called: str, java: Any) -> Exception:
    from py4j.protocol import Py4JJavaError

    # In py4j's own words.
    made: Exception = Py4JJavaError(f"An error occurred while calling {called}.\n", java)
    return made
