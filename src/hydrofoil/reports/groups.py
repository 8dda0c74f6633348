"""A function of a group that goes on where it raises: the group is what is left out."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from hydrofoil.reports.policy import Policy
from hydrofoil.reports.skipping import failures_of


def skipping_groups(
    function: Callable[..., Any], policy: Policy | None, nothing: Callable[[], Any]
) -> Callable[..., Any]:
    """A function that leaves out the groups for which the user's raises, for the task that runs.

    Parameters
    ----------
    nothing : callable
        What is returned for such a group.

    Raises
    ------
    UsageError
        As for `hydrofoil.reports.skipping.skipping`.
    """
    failures = failures_of(function, policy)
    if failures is None:
        return function

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        failures.rows += 1
        try:
            return function(*args, **kwargs)
        except Exception as error:
            told = described([*args, *kwargs.values()])
            if not failures.take(error, failures.rows - 1, (), told):
                raise
            return nothing()

    # PySpark counts the function's parameters, to know whether it takes the group's key.
    vars(call)["__signature__"] = inspect.signature(function)
    return call


def described(arguments: Sequence[Any]) -> dict[str, Any]:
    """A group by its key, its rows and the first of them, as far as the function was given that."""
    told: dict[str, Any] = {}
    for one in arguments:
        if isinstance(one, tuple):
            told["key"] = list(one)
            continue
        told["rows"] = told.get("rows", 0) + len(one)
        if len(one) and "first" not in told:
            first = one.iloc[0]
            told["first"] = first.to_dict() if hasattr(first, "to_dict") else first
    return told


def no_rows() -> Any:
    """An empty data frame, which PySpark takes for any schema."""
    import pandas as pd

    return pd.DataFrame()


def no_value() -> None:
    """The null of an aggregate."""
