"""Notes in printed tracebacks, which Python has from 3.11 on."""

import sys
import traceback
from collections.abc import Iterator
from functools import cache
from typing import Any

from hydrofoil.failures.notes import notes_of


@cache
def print_notes() -> None:
    """Have this process print the notes of errors behind their messages, on Python 3.10 too."""
    if sys.version_info >= (3, 11):
        return
    stock = traceback.TracebackException
    make, format_only = stock.__init__, stock.format_exception_only
    notes: str = "__hydrofoil_notes__"

    def __init__(self: Any, exc_type: Any, exc_value: Any, *args: Any, **kwargs: Any) -> None:
        make(self, exc_type, exc_value, *args, **kwargs)
        setattr(self, notes, notes_of(exc_value) if exc_value is not None else [])

    def format_exception_only(self: Any) -> Iterator[str]:
        yield from format_only(self)
        for note in getattr(self, notes, []):
            yield f"{note}\n"

    vars_of: Any = stock
    vars_of.__init__ = __init__
    vars_of.format_exception_only = format_exception_only
