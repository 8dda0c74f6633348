"""Which of a user's functions an error came from, and where it is written."""

import inspect
from collections.abc import Iterator, Sequence
from functools import partial
from types import CodeType, TracebackType
from typing import Any


def code_of(function: Any) -> CodeType | None:
    """The code that a user wrote: of what decorators, methods and partial objects are around."""
    for _ in range(16):
        code = getattr(function, "__code__", None)
        inner = getattr(function, "__wrapped__", None)
        if inner is not None:
            function = inner
        elif isinstance(function, partial):
            function = function.func
        elif isinstance(code, CodeType):
            return code
        elif inspect.ismethod(function):
            function = function.__func__
        elif not isinstance(function, type) and callable(function):
            function = type(function).__call__
        else:
            return None
    return None


def codes_in(traceback: TracebackType | None) -> Iterator[CodeType]:
    """The code of each frame of a traceback."""
    while traceback is not None:
        yield traceback.tb_frame.f_code
        traceback = traceback.tb_next


def running(functions: Sequence[Any], traceback: TracebackType | None) -> Any:
    """The function that a traceback goes through; the only one where there is one; else None."""
    if len(functions) == 1:
        return functions[0]
    seen = set(codes_in(traceback))
    for function in functions:
        if code_of(function) in seen:
            return function
    return None


def described(function: Any) -> str:
    """A function's name, and its file and line where it is written in Python."""
    code = code_of(function)
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    # Of what is defined inside of a function, and of instances that can be called.
    name = name.rpartition("<locals>.")[2] if isinstance(name, str) else type(function).__name__
    return name if code is None else f"{name} ({code.co_filename}:{code.co_firstlineno})"


def parameters_of(function: Any, count: int, keywords: Sequence[str]) -> list[str]:
    """A name for each of ``count`` arguments, the last of which are given by ``keywords``."""
    positional = count - len(keywords)
    code = code_of(function)
    names: list[str] = []
    if code is not None:
        names = list(code.co_varnames[: code.co_argcount])
        if names and (inspect.ismethod(function) or not inspect.isfunction(function)):
            names = names[1:] if names[0] == "self" else names
    names = names[:positional] + [""] * (positional - len(names))
    return [*names, *keywords]
