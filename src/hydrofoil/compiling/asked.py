"""Which functions were asked to be compiled, or not to be, one by one."""

import weakref
from typing import Any

# The setting of a session that says whether all others are.
KEY = "spark.hydrofoil.compile.enabled"

_asked: "weakref.WeakKeyDictionary[Any, bool]" = weakref.WeakKeyDictionary()


def ask(function: Any, compiled: bool | None) -> None:
    """Remember what ``hydrofoil.udf(compile=...)`` said of the function that is sent to workers.

    It counts for all that Spark makes of this function, by ``spark.udf.register`` too.

    Parameters
    ----------
    function : callable
    compiled : bool or None
        None leaves it to the session's setting.
    """
    if compiled is not None:
        _asked[function] = compiled


def asked(function: Any) -> bool | None:
    """What was said of a function, or None."""
    try:
        return _asked.get(function)
    except TypeError:
        # Neither hashed nor referred to weakly: nobody can have asked.
        return None
