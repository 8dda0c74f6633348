"""Stock's worker as a reader of groups from Hydrofoil's operators in the JVM."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from hydrofoil.evals.eval_types import EVAL_TYPES
from hydrofoil.spark.stock.pipeline import Pipeline
from hydrofoil.spark.versions import VERSIONS, installed_minor
from hydrofoil.stream.stock_framing import Understanding

# The eval types whose functions are given groups. Of the other's operators, none sends them so.
_FAMILIES = ("grouped map", "cogrouped map", "grouped aggregate")
GROUPED = frozenset(code for code, row in EVAL_TYPES.items() if row.family in _FAMILIES)


def understanding(
    pipeline: tuple[Any, ...], eval_type: int, *, lone_batches: bool
) -> tuple[Any, ...]:
    """What stock runs a task by, reading groups from Hydrofoil's operators too.

    Parameters
    ----------
    pipeline : tuple
        What stock's ``read_udfs`` returns; one that is not the published form stays as it is.
    lone_batches : bool
        As in the version's record.
    """
    if eval_type not in GROUPED or len(pipeline) != len(Pipeline._fields):
        return pipeline
    stock = Pipeline(*pipeline)
    return stock._replace(deserializer=Understanding(stock.deserializer, lone_batches=lone_batches))


def teach(worker: Any) -> None:
    """Have a stock worker module read groups from Hydrofoil's operators too.

    One that is not the published one is left as it is where it does not say what it is given.
    """
    original: Callable[..., Any] | None = getattr(worker, "read_udfs", None)
    if original is None or getattr(original, "__hydrofoil__", False):
        return
    try:
        taken = inspect.signature(original)
    except (TypeError, ValueError):  # It is compiled.
        return
    version = VERSIONS.get(installed_minor())
    lone_batches = version is not None and version.lone_batches

    @wraps(original)
    def read_udfs(*args: Any, **kwargs: Any) -> Any:
        pipeline = original(*args, **kwargs)
        eval_type = taken.bind(*args, **kwargs).arguments.get("eval_type")
        if not isinstance(eval_type, int):
            return pipeline
        return understanding(pipeline, eval_type, lone_batches=lone_batches)

    read_udfs.__hydrofoil__ = True  # type: ignore[attr-defined]
    worker.read_udfs = read_udfs
