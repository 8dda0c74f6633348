"""`createDataFrame` of pandas and of Arrow's tables: the JVM keeps their record batches.

PySpark sends them, and has Spark make a row of each of their rows at once. The jar does so when
rows are needed, and gives tasks the batches. The rest is PySpark's own code.
"""

from collections.abc import Callable
from typing import Any

from hydrofoil.driver import paths
from hydrofoil.driver.errors import named_as
from hydrofoil.driver.jvm_classes import operator_class

CALL = "createDataFrame"
_NAME = "frames.LocalFrames"
# What it takes the place of, as py4j names it.
_SPARKS = "z:org.apache.spark.sql.api.python.PythonSQLUtils.toDataFrame"


def make_create(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of what makes a frame of pandas, or of Arrow, by record batches."""

    def create(self: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        frames = operator_class(self._sc, _NAME)
        if frames is None:
            made = original(self, data, *args, **kwargs)
            paths.took(CALL, paths.STOCK, "pandas or Arrow without the JVM's half")
            return made
        with named_as(_SPARKS):
            made = original(_session(self, frames), data, *args, **kwargs)
        if frames.keeps(made._jdf):
            paths.took(CALL, paths.FAST, "", len(data))
        else:
            paths.took(CALL, paths.STOCK, "too few rows of pandas or Arrow, or too many bytes")
        frame = type(made)(made._jdf, self)
        frame._schema = made._schema
        return frame

    return create


def _session(session: Any, frames: Any) -> Any:
    """The session, but for what it makes data frames with in the JVM."""
    other = object.__new__(type(session))
    other.__dict__.update(session.__dict__)
    utils = _Over(session._jvm.PythonSQLUtils, toDataFrame=frames.toDataFrame)
    other._jvm = _Over(session._jvm, PythonSQLUtils=utils)
    return other


class _Over:
    """An object of the JVM's with some attributes in the place of its own."""

    def __init__(self, below: Any, **own: Any) -> None:
        self._below = below
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)
