"""Which of a user's functions an error came from, and where it is written."""

import inspect
from collections.abc import Iterator, Sequence
from functools import partial
from types import CodeType, FunctionType, TracebackType
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
    """The function that a traceback goes through; the only one where there is one; else None.

    PySpark's own functions stand for what they call: a data source's reader is known by the code of
    its first frame.
    """
    if len(functions) == 1:
        return _called_by_pyspark(functions[0], traceback) or functions[0]
    seen = set(codes_in(traceback))
    for function in functions:
        if code_of(function) in seen:
            return function
    return None


def _called_by_pyspark(function: Any, traceback: TracebackType | None) -> CodeType | None:
    if not str(getattr(function, "__module__", None)).startswith("pyspark."):
        return None
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__"))
        if module.partition(".")[0] not in ("hydrofoil", "pyspark"):
            return traceback.tb_frame.f_code
        traceback = traceback.tb_next
    return None


def described(function: Any) -> str:
    """The name of a function, or of its code, and file and line where it is written in Python."""
    if type(function) is FunctionType and not function.__dict__:  # nearly all, and much faster
        own, called = function.__code__, function.__qualname__.rpartition("<locals>.")[2]
        return f"{called} ({own.co_filename}:{own.co_firstlineno})"
    names = ("co_qualname", "co_name", "__qualname__", "__name__")  # the first from Python 3.11 on
    code = function if isinstance(function, CodeType) else code_of(function)
    name = next((getattr(function, n) for n in names if hasattr(function, n)), None)
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
