"""`DataFrame.rdd`, and by it `foreach` and `foreachPartition`: rows of record batches.

The RDD is PySpark's, of pickled rows. Only the functions that begin at it read record batches
instead: ``map``, ``filter``, ``foreachPartition``, ``count`` and all others that PySpark makes of
``mapPartitionsWithIndex``. Whatever takes the RDD of the JVM itself finds pickled rows there:
unions, joins by place, storage, checkpoints, ``toDebugString``, libraries.
"""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any

from hydrofoil.bridge import row_functions
from hydrofoil.bridge.arrow_rows import ArrowRows
from hydrofoil.driver import paths
from hydrofoil.driver.readers import arrow_schema_of, row_options, why_stock
from hydrofoil.driver.record_batches import rdd_of
from hydrofoil.spark.versions import installed_version

# Pickled rows come in batches of a few hundred kilobytes, as the jar's record batches do. Spark's
# own have no bound but rows: of strings, binary and collections, which can be large, fewer.
_MOST_ROWS = 10_000
_MOST_ROWS_OF_ANY_SIZE = 1_000
_OF_ANY_SIZE = frozenset({"StringType", "BinaryType", "ArrayType", "MapType"})


def make_rdd(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `DataFrame.rdd`."""

    def rdd(self: Any) -> Any:
        made = original(self)
        reason = why_stock(self) or ("" if self.schema.fields else "no columns")
        if reason:
            paths.took("rdd", paths.STOCK, reason)
            return made
        if not isinstance(made, _rdd_class()):
            made = _rdd_class()(made, self)
            if "_lazy_rdd" in vars(self):
                # Up to 3.5 it is always the same object.
                self._lazy_rdd = made
        return made

    return rdd


@cache
def _rdd_class() -> Any:
    version = installed_version()
    assert version is not None, "the switch has asked"
    stock: Any = import_module(version.rdd_module)

    class FrameRDD(stock.RDD):  # type: ignore[misc]
        """PySpark's RDD of a DataFrame's rows, whose functions read record batches."""

        def __init__(self, rdd: Any, frame: Any) -> None:
            super().__init__(rdd._jrdd, rdd.ctx, rdd._jrdd_deserializer)
            self._hydrofoil_frame = frame
            self._hydrofoil_batches: Any = None

        def mapPartitionsWithIndex(self, f: Any, preservesPartitioning: bool = False) -> Any:
            if self._is_kept():
                paths.took("rdd", paths.STOCK, "the RDD is stored, or has a resource profile")
            return self._by(super().mapPartitionsWithIndex, f, f, preservesPartitioning)

        def map(self, f: Any, preservesPartitioning: bool = False) -> Any:
            of_rows = partial(row_functions.mapped, f)
            return self._by(super().map, f, of_rows, preservesPartitioning)

        def flatMap(self, f: Any, preservesPartitioning: bool = False) -> Any:
            of_rows = partial(row_functions.flat_mapped, f)
            return self._by(super().flatMap, f, of_rows, preservesPartitioning)

        def filter(self, f: Any) -> Any:
            def usual(f: Any, _: bool) -> Any:
                return stock.RDD.filter(self, f)

            return self._by(usual, f, partial(row_functions.kept, f), True)

        def foreach(self, f: Any) -> None:
            def usual(f: Any, _: bool) -> Any:
                stock.RDD.foreach(self, f)

            made = self._by(usual, f, partial(row_functions.called, f), False)
            if made is not None:
                made.count()

        def _by(self, usual: Any, f: Any, of_rows: Any, preserves: bool) -> Any:
            """What a function makes of the rows: of batches, or in PySpark's usual way."""
            batches = self._of_batches()
            if batches is None:
                return usual(f, preserves)
            return stock.PipelinedRDD(batches, of_rows, preserves)

        def _is_kept(self) -> bool:
            # What is stored is pickled, and a profile belongs to the RDD that it was given to.
            return bool(self.is_cached or self.is_checkpointed or self.has_resource_profile)

        def localCheckpoint(self) -> None:
            self._leave("a local checkpoint")
            super().localCheckpoint()

        def _of_batches(self) -> Any:
            """The same rows as an RDD of record batches; None where this RDD has to be used."""
            if self._is_kept():
                return None
            frame = self._hydrofoil_frame
            if self._hydrofoil_batches is None and frame is not None:
                reason = why_stock(frame)
                try:
                    made = None if reason else batches_of(frame)
                except Exception as error:
                    made = None
                    reason = f"no record batches ({type(error).__name__}: {error})"
                if made is None:
                    self._leave(reason)
                    return None
                jrdd, rows = made
                self._hydrofoil_batches = stock.RDD(jrdd, self.ctx, rows)
            if self._hydrofoil_batches is not None:
                paths.took("rdd", paths.FAST)
            return self._hydrofoil_batches

        def _leave(self, reason: str) -> None:
            paths.took("rdd", paths.STOCK, reason)
            self._hydrofoil_batches = self._hydrofoil_frame = None

    # Programs look at the class's name.
    FrameRDD.__name__ = FrameRDD.__qualname__ = stock.RDD.__qualname__
    FrameRDD.__module__ = stock.RDD.__module__
    return FrameRDD


def batches_of(frame: Any) -> tuple[Any, ArrowRows]:
    """The JVM's RDD of a DataFrame's record batches, and what reads them."""
    any_size = any(map(_is_of_any_size, (field.dataType for field in frame.schema.fields)))
    batches = rdd_of(frame, _MOST_ROWS, _MOST_ROWS_OF_ANY_SIZE if any_size else _MOST_ROWS)
    jconf = frame.sparkSession._jsparkSession.sessionState().conf()
    # As for pickled rows: tasks have the session's settings, as they are now.
    with_settings = frame._sc._jvm.org.apache.spark.sql.execution.SQLExecutionRDD(batches, jconf)
    return with_settings.toJavaRDD(), rows_of_batches(frame)


def rows_of_batches(frame: Any) -> ArrowRows:
    """What reads a DataFrame's record batches in its tasks."""
    schema = arrow_schema_of(frame).serialize().to_pybytes()
    binary_as_bytes = row_options(frame.sparkSession).binary_as_bytes
    return ArrowRows(frame.schema, schema, binary_as_bytes=binary_as_bytes)


def _is_of_any_size(spark_type: Any) -> bool:
    name = type(spark_type).__name__
    if hasattr(spark_type, "sqlType"):
        return _is_of_any_size(spark_type.sqlType())
    if name == "StructType":
        return any(_is_of_any_size(field.dataType) for field in spark_type.fields)
    return name in _OF_ANY_SIZE
