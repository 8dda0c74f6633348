"""A query's record batches, from the JVM."""

from importlib import import_module
from typing import Any, BinaryIO

from hydrofoil.driver.callsite import CallSite
from hydrofoil.driver.errors import as_of_the_call
from hydrofoil.driver.record_batches import served
from hydrofoil.spark.versions import SparkVersion
from hydrofoil.stream.batches import Schema, read_batches
from hydrofoil.stream.reading import read_int
from hydrofoil.values.rows.reading import len_of


class Collected:
    """The record batches of a query, in their order.

    Attributes
    ----------
    schema_message : bytes
        Their schema; empty if there was none to read.
    batches : list of Frame or pyarrow.RecordBatch
        The latter where the core can't read the stream.
    """

    def __init__(self) -> None:
        self.schema_message = b""
        self.batches: list[Any] = []

    def load_stream(self, stream: BinaryIO) -> "Collected":
        """Read all that the JVM sends: batches as they come, and then their order."""
        schema = Schema()
        batches = list(read_batches(stream, schema))
        self.schema_message = schema.message
        self.batches = [batches[read_int(stream)] for _ in range(read_int(stream))]
        return self

    def count(self) -> int:
        """How many rows there are."""
        return sum(map(len_of, self.batches))


def collect(frame: Any, name: str, version: SparkVersion) -> Collected:
    """Run a query, and take its record batches.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    name : str
        The method that the program called.

    Raises
    ------
    Exception
        What the method itself raises where the query fails.
    """
    with CallSite(frame._sc, name):
        *connection, server = served(frame)
    load = import_module(version.socket_module)._load_from_socket
    collected = Collected()
    try:
        loaded = load(tuple(connection), collected)
        if hasattr(loaded, "__enter__"):
            with loaded:
                pass
    finally:
        # This raises if the query has failed; what the stream was like does not matter then.
        with as_of_the_call(f"{frame._jdf._target_id}.collectToPython"):
            server.getResult()
    return collected
