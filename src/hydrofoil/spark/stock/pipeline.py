"""What stock's worker runs a task by, and what stands in its place."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Pipeline(NamedTuple):
    """What stock's worker runs a task by.

    Attributes
    ----------
    function : callable
        (split index, items of the input) -> items of the answer.
    deserializer, serializer : object
        What reads the input's items from the JVM, and what writes the answer's.
    """

    function: Callable[..., Any]
    profiler: Any
    deserializer: Any
    serializer: Any


def streaming(plan: Callable[..., Any], stream: Any) -> Pipeline:
    """What runs a task by a plan of ours, which one object of ours reads and writes for."""
    return Pipeline(plan, None, stream, stream)
