"""Functions by value, as Spark sends them; its registry of modules to send so counts here, too."""

from importlib import import_module
from types import ModuleType
from typing import Any


def dumps(value: Any) -> bytes:
    """Pickle anything that Spark could send, lambdas and local classes with it."""
    data: bytes = _cloudpickle().dumps(value)
    return data


def loads(data: bytes) -> Any:
    return _cloudpickle().loads(data)


def by_value(module: ModuleType) -> None:
    """Send all of a module's functions and classes whole: the ranks don't have its file."""
    _cloudpickle().register_pickle_by_value(module)


def _cloudpickle() -> Any:
    try:
        return import_module("pyspark.cloudpickle")
    except ImportError:  # Ranks without Spark.
        return import_module("cloudpickle")
