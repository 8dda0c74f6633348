"""Stock's worker as a reader of groups from Hydrofoil's operators in the JVM."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.stream.stock_framing import Understanding

# The eval types whose functions are given groups. Of the other's operators, none sends them so.
_FAMILIES = ("grouped map", "cogrouped map", "grouped aggregate")
GROUPED = frozenset(code for code, row in EVAL_TYPES.items() if row.family in _FAMILIES)


def understanding(pipeline: tuple[Any, Any, Any, Any], eval_type: int) -> tuple[Any, Any, Any, Any]:
    """What stock runs a task by, reading groups from Hydrofoil's operators too.

    Parameters
    ----------
    pipeline : tuple
        What stock's ``read_udfs`` returns: (function, profiler, deserializer, serializer).
    """
    if eval_type not in GROUPED:
        return pipeline
    import pyspark

    function, profiler, deserializer, serializer = pipeline
    lone_batches = pyspark.__version__.startswith(("3.", "4.0."))
    understands = Understanding(deserializer, lone_batches=lone_batches)
    return function, profiler, understands, serializer


def teach(worker: Any) -> None:
    """Have a stock worker module read groups from Hydrofoil's operators too.

    One that is not the published one is left as it is where it does not say what it is given.
    """
    original: Callable[..., Any] | None = getattr(worker, "read_udfs", None)
    if original is None or getattr(original, "__hydrofoil__", False):
        return
    taken = inspect.signature(original)

    @wraps(original)
    def read_udfs(*args: Any, **kwargs: Any) -> Any:
        pipeline = original(*args, **kwargs)
        eval_type = taken.bind(*args, **kwargs).arguments.get("eval_type")
        if not isinstance(eval_type, int) or len(pipeline) != 4:
            return pipeline
        return understanding(pipeline, eval_type)

    read_udfs.__hydrofoil__ = True  # type: ignore[attr-defined]
    worker.read_udfs = read_udfs
