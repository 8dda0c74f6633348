"""`DataStreamWriter.foreach`: the function gets rows of record batches.

The function that PySpark makes of a program's, and Spark's call of it in a task, stay as they are.
Only what a task sends is different, and so it needs a class of Hydrofoil's in the JVM.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from pyspark.serializers import AutoBatchedSerializer, CPickleSerializer

from hydrofoil.bridge.frame_rdd import rows_of_batches
from hydrofoil.driver import paths
from hydrofoil.driver.jvm_classes import operator_class
from hydrofoil.driver.readers import why_stock
from hydrofoil.spark.versions import installed_version

CALL = "writeStream.foreach"


def make_foreach(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `DataStreamWriter.foreach`."""

    def foreach(self: Any, f: Any) -> Any:
        frame = self._df
        reason = why_stock(frame) or ("" if frame.schema.fields else "no columns")
        sinks = None if reason else operator_class(frame._sc, "frames.ArrowForeachWriter")
        if sinks is not None:
            # What is wrong with the object, PySpark says here.
            function = self._construct_foreach_function(f)
            sink = sinks.of(frame._jdf, _wrapped(frame, function))
            if sink is not None:
                paths.took(CALL, paths.FAST)
                self._jwrite.foreach(sink)
                return self
        paths.took(CALL, paths.STOCK, reason or "the JVM's half is off, or does not take a type")
        return original(self, f)

    return foreach


def _wrapped(frame: Any, function: Callable[..., Any]) -> Any:
    """The function for the JVM, with what reads its rows."""
    version = installed_version()
    assert version is not None, "the switch has asked"
    wrap = import_module(version.rdd_module)._wrap_function
    results: Any = AutoBatchedSerializer
    return wrap(frame._sc, function, rows_of_batches(frame), results(CPickleSerializer()))
