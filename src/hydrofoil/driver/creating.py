"""`SparkSession.createDataFrame` of rows by record batches.

The core verifies the rows' values while it encodes them: it takes what is exactly of the declared
type. At the first value that it does not take, PySpark's own code gets all of the data, and finds
itself what is to be converted, or what is wrong.
"""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from importlib import import_module
from itertools import chain
from typing import Any

from hydrofoil._cext.records import Unknown, telling_rows
from hydrofoil.driver import paths
from hydrofoil.driver.readers import is_wide
from hydrofoil.driver.sending import data_frame
from hydrofoil.settings.sessions import java_version, sql_setting
from hydrofoil.spark.stock.conversion import options
from hydrofoil.spark.versions import installed_version
from hydrofoil.values.replaced import replaced_class
from hydrofoil.values.rows.writing import RowWriter
from hydrofoil.values.type_table import NoCodec

CALL = "createDataFrame"
# With fewer rows, what a call of the JVM costs is most of it all.
LEAST_ROWS = 1000
# For whoever asks for record batches whatever the number of rows.
ALWAYS: ContextVar[bool] = ContextVar("hydrofoil_driver_always", default=False)
# A partition is one record batch, for which the JVM needs memory in one piece.
MOST_BYTES = 1 << 28
_INFERENCE_KEY = "spark.sql.pyspark.inferNestedDictAsStruct.enabled"


class Left(Exception):
    """PySpark's own code has to create the data frame; ``str()`` says why."""


def make_create(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `SparkSession._create_dataframe`, which `createDataFrame` ends in."""

    def _create_dataframe(
        self: Any,
        data: Any,
        schema: Any,
        samplingRatio: float | None,
        verifySchema: bool,
    ) -> Any:
        least = 0 if ALWAYS.get() else LEAST_ROWS
        return create(original, self, data, schema, samplingRatio, verifySchema, least)

    return _create_dataframe


def create(
    original: Callable[..., Any],
    session: Any,
    data: Any,
    schema: Any,
    ratio: float | None,
    verify: bool,
    least: int,
) -> Any:
    """A data frame of rows, by record batches from ``least`` rows on; else by the original."""
    version = installed_version()
    assert version is not None, "the switch has asked"
    if isinstance(data, import_module(version.rdd_module).RDD):
        return original(session, data, schema, ratio, verify)
    taken = _Taken(data)
    try:
        if taken.error is not None:
            raise Left("the data can't be read")
        if len(taken.rows) < least:
            raise Left(f"fewer than {least} rows")
        frame = _create(session, taken.rows, schema)
    except (Left, NoCodec, Unknown) as left:
        paths.took(CALL, paths.STOCK, str(left))
    except Exception as error:
        # PySpark's own code says what is wrong.
        paths.took(CALL, paths.STOCK, type(error).__name__)
    else:
        paths.took(CALL, paths.FAST, "", len(taken.rows))
        return frame
    return original(session, taken.again(), schema, ratio, verify)


class _Taken:
    """Rows of an iterable, which is read once, whatever happens to them then."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.rows: list[Any] = []
        self.error: Exception | None = None
        if type(data) is list:
            self.rows = data
            return
        try:
            for row in data:
                self.rows.append(row)
        except Exception as error:
            self.error = error

    def again(self) -> Any:
        """What gives the same rows, and the same error after them."""
        if self.error is None:
            return self.rows
        return chain(self.rows, self._fail())

    def _fail(self) -> Iterator[Any]:
        assert self.error is not None
        raise self.error
        yield


def _create(session: Any, rows: list[Any], schema: Any) -> Any:
    from pyspark.sql import types

    replaced = replaced_class()
    if replaced is not None:
        raise Left(f"{replaced} is replaced")
    names, bare = None, False
    if isinstance(schema, types.StructType):
        struct = schema
    elif isinstance(schema, types.DataType):
        struct, bare = types.StructType().add("value", schema), True
    else:
        struct = _inferred(session, rows, schema)
        names = list(struct.names)
        if isinstance(schema, (list, tuple)):
            for i, name in enumerate(schema):
                struct.fields[i].name = name
                struct.names[i] = name
    writer = RowWriter(
        struct,
        options(binary_as_bytes=False, wide_offsets=is_wide(session), pickled=True, strict=True),
        names=names,
        bare=bare,
        java=java_version(session),
        refused=getattr(types, "VariantVal", None),
    )
    frames = []
    for first, stop in partitions(session._sc, len(rows)):
        frame = writer.frame(rows, first, stop)
        if frame is None:
            raise Left("a value that is not exactly of its column's type")
        if len(frame) > MOST_BYTES:
            raise Left(f"a partition of more than {MOST_BYTES} bytes")
        frames.append(frame)
    return data_frame(session, frames, writer.schema, struct)


def _inferred(session: Any, rows: list[Any], names: Any) -> Any:
    """The schema that PySpark infers; what differs from no row before can't change it."""
    as_structs = sql_setting(session, _INFERENCE_KEY) == "true"
    telling = telling_rows(rows, dicts_are_structs=as_structs)
    struct = session._inferSchemaFromList(telling, names=names)
    if len(set(struct.names)) != len(struct.names):
        # Types of columns with one name are merged with each other.
        raise Left("several columns of one name")
    return struct


def partitions(context: Any, count: int) -> Iterator[tuple[int, int]]:
    """Where the partitions of a list begin and end, as PySpark and Spark distribute its pickles."""
    slices = context.defaultParallelism
    size = max(1, min(count // slices, context._batchSize or 1024))
    pickles = -(-count // size)
    for i in range(slices):
        first, stop = i * pickles // slices * size, (i + 1) * pickles // slices * size
        yield min(first, count), min(stop, count)
