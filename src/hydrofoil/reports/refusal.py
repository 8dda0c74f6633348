"""Results that can't be converted, of functions that go on without such rows."""

from collections.abc import Callable
from typing import Any

# An attribute of functions that `hydrofoil.reports.skipping` makes.
REFUSED = "__hydrofoil_refused__"


def refusal_of(function: Any) -> Callable[[Exception, int, Any], bool] | None:
    """What takes a result of a function's that can't be converted; None where that is an error.

    Returns
    -------
    callable or None
        (error, rows that it was called for since, result) -> whether the row is null instead.
    """
    return getattr(function, REFUSED, None)


def guarded(function: Any, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What converts each result of a function right after its call.

    What it returns may be refused in turn, as the function's own results.
    """
    refused = refusal_of(function)
    if refused is None:
        return convert
    taken = refused

    def converted(result: Any) -> Any:
        try:
            return convert(result)
        except Exception as error:
            if not taken(error, 0, result):
                raise
            return None

    setattr(converted, REFUSED, refused)
    return converted
