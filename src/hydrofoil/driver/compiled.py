"""What the JVM is told of a plain function, sent along with its pickle.

Pickles are read to their end, and what is behind it is not looked at: workers get what they would.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from hydrofoil.compiling import asked
from hydrofoil.compiling.trailer import trailer
from hydrofoil.compiling.translate import VERSION, translate
from hydrofoil.spark.row_functions import ROW_KINDS

# What belongs to the function that is being pickled in this thread.
_waiting: ContextVar[bytes | None] = ContextVar("hydrofoil_compiled", default=None)


def make_create_judf(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `UserDefinedFunction._create_judf`."""

    def create_judf(self: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        # A profiler's wrapper is to be called, and is another function.
        if func is not self.func or not is_wanted(self, _setting):
            return original(self, func, *args, **kwargs)
        token = _waiting.set(trailer_of(func))
        try:
            return original(self, func, *args, **kwargs)
        finally:
            _waiting.reset(token)

    return create_judf


def make_prepare(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `_prepare_for_python_RDD`, which pickles functions."""

    def prepare(sc: Any, command: Any) -> Any:
        behind = _waiting.get()
        found = original(sc, command)
        if behind is None:
            return found
        pickled, *others = found
        return (pickled + behind, *others)

    return prepare


def make_to_plan(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of a Spark Connect client's `CommonInlineUserDefinedFunction.to_plan`."""

    def to_plan(self: Any, session: Any) -> Any:
        made = original(self, session)
        _add(self, session, made.common_inline_user_defined_function)
        return made

    return to_plan


def make_to_plan_udf(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of a Spark Connect client's `CommonInlineUserDefinedFunction.to_plan_udf`."""

    def to_plan_udf(self: Any, session: Any) -> Any:
        made = original(self, session)
        _add(self, session, made)
        return made

    return to_plan_udf


def is_wanted(function: Any, setting: Callable[[], str | None]) -> bool:
    """Whether a function is one to translate, and the session or its decorator asks for that.

    Parameters
    ----------
    function : UserDefinedFunction
        Or what has its ``func``, ``evalType`` and ``deterministic``.
    setting : callable
        Returns the value of `asked.KEY`.
    """
    if function.evalType not in ROW_KINDS or not function.deterministic:
        return False
    one = asked.asked(function.func)
    return one if one is not None else setting() == "true"


def trailer_of(function: Any) -> bytes:
    """What the JVM is told of a function: its tree, or why there is none, to show that."""
    found = translate(function)
    document = found.document
    if document is None:
        name = getattr(function, "__name__", type(function).__name__)
        document = {"v": VERSION, "name": str(name), "reason": found.reason}
    return trailer({**document, "asked": asked.asked(function) is True})


def _setting() -> str | None:
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession() or SparkSession._instantiatedSession
    if session is None:
        return None
    value: str | None = session.conf.get(asked.KEY, None)
    return value and value.lower()


class _Sent:
    """A function as a client sends it."""

    def __init__(self, inline: Any, python: Any) -> None:
        self.func = python._func
        self.evalType = python._eval_type
        self.deterministic = inline._deterministic


def _add(inline: Any, client: Any, made: Any) -> None:
    python = inline._function
    if not hasattr(python, "_eval_type") or not hasattr(python, "_func"):
        return

    def setting() -> str | None:
        [value] = client.get_config_with_defaults((asked.KEY, None))
        found: str | None = value
        return found and found.lower()

    if is_wanted(_Sent(inline, python), setting):
        made.python_udf.command += trailer_of(python._func)
