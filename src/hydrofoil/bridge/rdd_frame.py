"""`createDataFrame` of an RDD, and by it `RDD.toDF`: tasks make record batches of the rows.

The rows' function, and what PySpark does with each row, run in the same tasks as ever. Only what
the workers send is different, and so it needs a class of Hydrofoil's in the JVM.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from pyspark.serializers import NoOpSerializer
from pyspark.sql import types

from hydrofoil.bridge.messages import Conversion, RowMessages
from hydrofoil.driver import paths
from hydrofoil.driver.creating import ALWAYS, Left
from hydrofoil.driver.jvm_classes import jvm_class
from hydrofoil.settings.sessions import java_version
from hydrofoil.spark.versions import installed_version
from hydrofoil.values.type_table import NoCodec

CALL = "createDataFrame(rdd)"
# For so many rows a partition, loading Arrow costs more than pickling does. They are PySpark's
# first batches, of 1, 2, 4, ... rows.
_FEW_ROWS = 127


def make_create(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `SparkSession._create_dataframe` for RDDs."""

    def _create_dataframe(
        self: Any,
        data: Any,
        schema: Any,
        samplingRatio: float | None,
        verifySchema: bool,
    ) -> Any:
        version = installed_version()
        assert version is not None, "the switch has asked"
        if not isinstance(data, import_module(version.rdd_module).RDD):
            return original(self, data, schema, samplingRatio, verifySchema)
        try:
            rows_of = _rows_class(self)
            given = _given(schema, verifySchema)
        except (Left, NoCodec) as left:
            paths.took(CALL, paths.STOCK, str(left))
            return original(self, data, schema, samplingRatio, verifySchema)
        reason = ""
        if given is None:
            given = _inferred(self, data, schema, samplingRatio)
            # Nothing is inferred twice: that runs the rows' function.
            reason = _why_pickled(given)
        paths.took(CALL, paths.STOCK if reason else paths.FAST, reason)
        pickled = None if reason else 0 if ALWAYS.get() else _FEW_ROWS
        given = replace(given, java=java_version(self))
        return _data_frame(self, data, RowMessages(given, pickled), rows_of)

    return _create_dataframe


def _given(schema: Any, verify: bool) -> Conversion | None:
    """The conversion to a schema that is given; None if one is to be inferred.

    Raises
    ------
    Left, NoCodec
        If PySpark's own code has to convert all rows, or says what is wrong with the schema.
    """
    if schema is None or isinstance(schema, (list, tuple)):
        return None
    if isinstance(schema, types.StructType):
        conversion = Conversion(schema, schema.names, verified=verify)
    elif isinstance(schema, types.DataType):
        struct = types.StructType().add("value", schema)
        conversion = Conversion(struct, struct.names, bare=True, verified=verify)
    else:
        raise Left("no schema")
    reason = _why_pickled(conversion)
    if reason:
        raise Left(reason)
    return conversion


def _inferred(session: Any, rdd: Any, schema: Any, ratio: float | None) -> Conversion:
    """The conversion to the schema that PySpark infers, with names that are given, if any."""
    struct = session._inferSchema(rdd, ratio, names=schema)
    names = list(struct.names)
    for i, name in enumerate(schema or ()):
        struct.fields[i].name = name
        struct.names[i] = name
    return Conversion(struct, names, inferred=True)


def _why_pickled(conversion: Conversion) -> str:
    """Why no record batches can be made of the rows; empty if they can."""
    if not conversion.struct.fields:
        return "no columns"
    try:
        conversion.writer()
    except NoCodec as missing:
        return str(missing)
    return ""


def _data_frame(session: Any, rdd: Any, messages: RowMessages, rows_of: Any) -> Any:
    from pyspark.sql import DataFrame

    struct = messages.conversion.struct
    made = rdd.mapPartitions(messages)
    made._jrdd_deserializer = NoOpSerializer()
    java_rdd, java_session = made._jrdd, session._jsparkSession
    schema = b""
    if messages.pickled is not None:
        schema = messages.conversion.writer().schema.serialize().to_pybytes()
    java_struct = java_session.parseDataType(struct.json())
    rows = rows_of(java_struct, schema).of(java_rdd)
    frame: Any = DataFrame(java_session.internalCreateDataFrame(rows, java_struct, False), session)
    frame._schema = struct
    return frame


def _rows_class(session: Any) -> Any:
    """The JVM's class that makes the rows.

    Raises
    ------
    Left
        If the JVM has none.
    """
    found = jvm_class(session._sc, "bridge.RowsOfMessages")
    if found is None:
        raise Left("the JVM has no jar of Hydrofoil's")
    return found
