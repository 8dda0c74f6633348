"""Record batches to the JVM, where they become a DataFrame: one partition each."""

from typing import Any, BinaryIO

from hydrofoil.driver.for_a_call import set_for_a_call

# Up to this many bytes Spark makes rows of record batches at once, which changes plans; PySpark's
# rows are always read when a query runs.
_LOCAL_KEY = "spark.sql.execution.arrow.localRelationThreshold"
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class _Stream:
    """Writes record batches as an Arrow stream; in the place of PySpark's serializer."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def dump_stream(self, frames: list[bytes], stream: BinaryIO) -> None:
        """Write the stream, and let go of what is written."""
        stream.write(self._schema.serialize().to_pybytes())
        frames.reverse()
        while frames:
            stream.write(frames.pop())
        stream.write(_END_OF_STREAM)


def data_frame(session: Any, frames: list[bytes], schema: Any, struct: Any) -> Any:
    """A DataFrame whose partitions are these record batches.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    frames : list of bytes
        Encapsulated messages; the list is empty afterwards.
    schema : pyarrow.Schema
        Theirs.
    struct : pyspark.sql.types.StructType
        The DataFrame's.
    """
    from pyspark.sql import DataFrame

    context, jvm = session._sc, session._jvm
    batches = context._serialize_to_jvm(
        frames, _Stream(schema), jvm.PythonSQLUtils.readArrowStreamFromFile, jvm.ArrowIteratorServer
    )
    # Spark is to leave record batches as they are until a query needs their rows.
    jconf = session._jsparkSession.sessionState().conf()
    with set_for_a_call(jconf, _LOCAL_KEY, lambda: "0"):
        java = jvm.PythonSQLUtils.toDataFrame(batches, struct.json(), session._jsparkSession)
    made: Any = DataFrame(java, session)
    made._schema = struct
    return made
