"""``on_error``, from a decorator or a setting to the function that a task calls."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.reports import logs, slow
from hydrofoil.reports.columns import skipping_columns
from hydrofoil.reports.groups import no_rows, no_value, skipping_groups
from hydrofoil.reports.policy import ON_ERROR_KEY, RAISE, Policy, chosen
from hydrofoil.reports.skipping import skipping

# An attribute of functions whose decorator has said what becomes of errors.
_DECIDED = "__hydrofoil_on_error__"
# Kinds of functions with a value for each row, and what others return for a group that is left out.
_OF_ROWS = ("row", "columns")
_NOTHING: dict[str, Callable[[], Any]] = {"group": no_rows, "aggregate": no_value}


class Carrying:
    """A user's function on its way to a worker, with what becomes of its errors.

    In a worker it is a function that does that; here it is the function itself.
    """

    def __init__(
        self, function: Callable[..., Any], policy: Policy, kind: str, result: Any
    ) -> None:
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._policy = policy
        self._kind = kind
        self._result = result

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __reduce__(self) -> Any:
        return carried, (self._function, self._policy, self._kind, self._result)


def carrying(
    function: Callable[..., Any], policy: Policy | None, kind: str, result: Any
) -> Callable[..., Any]:
    """What is sent of a function: itself, where the session says what becomes of its errors.

    Parameters
    ----------
    kind : {"row", "columns"}
        What it is called for.
    result : pyspark.sql.types.DataType
        Of its results.
    """
    return function if policy is None else Carrying(function, policy, kind, result)


def carried(
    function: Callable[..., Any], policy: Policy, kind: str, result: Any
) -> Callable[..., Any]:
    """What a worker calls for a function that was carried."""
    if policy.on_error == RAISE:
        # Another object, because a function's attributes are the user's.
        made: Any = functools.update_wrapper(functools.partial(function), function, updated=())
    else:
        made = _made(function, policy, kind, result)
    if made is not function:
        setattr(made, _DECIDED, True)
    return made  # type: ignore[no-any-return]


# What reads a setting of the task that runs in this process, where `ON_ERROR_KEY` is one.
_setting: Callable[[str], str | None] | None = None


def begin_task(properties: Mapping[str, str]) -> None:
    """Follow the settings of the task that begins in this process.

    Parameters
    ----------
    properties : mapping of str
        Those of the driver's thread, as the task has them.
    """
    global _setting
    _setting = properties.get if ON_ERROR_KEY in properties else None
    logs.install(properties.get(logs.LOGS_KEY))
    slow.begin_task()


def is_asked() -> bool:
    """Whether the running task has a setting for `by_setting`."""
    return _setting is not None


def by_setting(command: Any, kind: str) -> Any:
    """What stock's worker has read of a function, as `ON_ERROR_KEY` wants it called.

    Parameters
    ----------
    command : tuple or object
        The function and its declared type; what is in another form stays as it is.
    kind : {"row", "columns", "group", "aggregate", ""}
        What it is called for; empty for functions that can't go on after an error. Those of groups
        do so only where they are named: a group's absence is no null that a program expects.

    Raises
    ------
    UsageError
        The setting can't be followed.
    """
    setting = _setting
    if setting is None or not setting(ON_ERROR_KEY):
        return command
    if isinstance(command, tuple) and len(command) != 2:
        return command
    function, result = command if isinstance(command, tuple) else (command, None)
    # What a decorator has put around it has it as its attribute.
    if any(getattr(f, _DECIDED, False) for f in (function, getattr(function, "function", None))):
        return command
    policy, named = chosen(function, setting)
    if policy is None:
        return command
    if kind not in _OF_ROWS and not named:
        return command
    if not kind:
        raise UsageError(
            f"{ON_ERROR_KEY} names {function.__name__}(), which can't go on after an error: it "
            "takes iterators, or is a table function, or one of Arrow groups or windows",
            hint="it can name functions of rows, of columns and of groups as data frames",
        )
    return _made(function, policy, kind, result), result


def _made(function: Any, policy: Policy, kind: str, result: Any) -> Any:
    if kind == "row":
        return skipping(function, policy)
    if kind in _NOTHING:
        return skipping_groups(function, policy, _NOTHING[kind])
    return skipping_columns(function, policy, result)
