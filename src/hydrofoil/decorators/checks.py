"""What is checked when a decorator runs, so that mistakes show on the driver and not in a task."""

import contextlib
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, NewType

from hydrofoil.decorators.spark_types import name_of
from hydrofoil.errors import UsageError


def is_hint(given: Any) -> bool:
    """Whether it is a hint that can be called, such as ``list[int]``, and so looks like more."""
    return typing.get_origin(given) is not None or isinstance(given, NewType)


def is_function(given: Any) -> bool:
    """Whether a decorator was given what it decorates, and no return type or nothing."""
    return callable(given) and not isinstance(given, type) and not is_hint(given)


def signature_of(function: Any) -> inspect.Signature:
    """A function's signature.

    Raises
    ------
    UsageError
        If it is no callable with a signature.
    """
    if not callable(function):
        raise UsageError(
            f"{function!r} is a {type(function).__name__} and can't be called",
            hint="decorate a function",
        )
    try:
        return inspect.signature(function)
    except ValueError:
        raise UsageError(
            f"{name_of(function)}() does not say what its parameters are",
            hint="wrap it: lambda x: function(x)",
        ) from None


def positional(signature: inspect.Signature) -> list[inspect.Parameter]:
    """The parameters that columns can be passed to by position, without ``*args``."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in signature.parameters.values() if p.kind in kinds]


def takes_any(signature: inspect.Signature) -> bool:
    """Whether columns can be passed by ``*args``."""
    return any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())


def is_async(function: Any) -> bool:
    """Whether a function returns what is awaited."""
    plain = function
    while isinstance(plain, functools.partial):
        plain = plain.func
    return inspect.iscoroutinefunction(plain) or inspect.iscoroutinefunction(
        getattr(plain, "__call__", None)  # noqa: B004
    )


def check_is_called(function: Any) -> None:
    """Raise `UsageError` if a call of a function only makes what has to be awaited."""
    if is_async(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{name_of(function)}() is an async function, and nothing would await its results",
            hint="decorate it with @hydrofoil.async_udf, or write def",
        )


def check_takes_columns(function: Any, signature: inspect.Signature, what: str) -> None:
    """Raise `UsageError` if a vectorized function takes no parameter at all."""
    if not signature.parameters:
        raise UsageError(
            f"{name_of(function)}() takes no parameter, and {what} needs one to know how many rows "
            "to return",
            hint="add a parameter, and pass it any column",
        )


def check_takes_one(function: Any, signature: inspect.Signature, instead: str) -> None:
    """Raise `UsageError` if an iterator function does not take exactly the iterator."""
    required = [p for p in positional(signature) if p.default is p.empty]
    if len(required) > 1 or not positional(signature):
        raise UsageError(
            f"{name_of(function)}{signature} takes an iterator and should have one parameter, not "
            f"{len(signature.parameters)}",
            hint=f"for several columns write {instead}",
        )


def check_call(function: Any, signature: inspect.Signature, args: Any, kwargs: Any) -> None:
    """Raise `UsageError` if a call with these columns would fail for their number or names."""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise UsageError(
            f"{name_of(function)}() was called with {len(args) + len(kwargs)} columns: {error}",
            hint=f"its parameters are {signature}; pass a column for each",
        ) from None


def check_picklable(function: Callable[..., Any]) -> None:
    """Raise `UsageError`, naming the variable, if a function can't be sent to workers."""
    from pyspark import cloudpickle

    try:
        cloudpickle.dumps(function)  # type: ignore[no-untyped-call]
        return
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
    for name, value in _variables(function):
        try:
            cloudpickle.dumps(value)  # type: ignore[no-untyped-call]
        except Exception:
            raise UsageError(
                f"{name_of(function)}() can't be sent to workers: it uses {name!r}, a "
                f"{type(value).__name__}, which can't be pickled ({reason})",
                hint=f"make {name!r} inside the function, or pass what it is made from",
            ) from None
    raise UsageError(
        f"{name_of(function)}() can't be sent to workers: {reason}",
        hint="it may only use what can be pickled",
    )


def _variables(function: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(function, types.FunctionType):
        yield from getattr(function, "__dict__", {}).items()
        return
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        # A name that is bound later has none yet: the function's own, while it is decorated.
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents
    known = function.__globals__
    yield from ((name, known[name]) for name in code.co_names if name in known)
    names = reversed(list(inspect.signature(function).parameters))
    yield from zip(names, reversed(function.__defaults__ or ()), strict=False)
