"""`DataFrame.toLocalIterator` by record batches: a job for each partition, as PySpark has it."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO

from hydrofoil._cext.frames import Frame
from hydrofoil.driver import paths
from hydrofoil.driver.callsite import CallSite
from hydrofoil.driver.errors import named_as
from hydrofoil.driver.readers import arrow_schema_of, reader_of, why_stock
from hydrofoil.spark.versions import installed_version
from hydrofoil.stream.reading import exactly, read_int
from hydrofoil.values.rows.reading import RowReader

# How a partition's batches end.
_END_OF_DATA = -1


class Partition:
    """Reads a partition's rows; in the place of PySpark's serializer."""

    def __init__(self, reader: RowReader, call: str) -> None:
        self._reader = reader
        self._call = call

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """The rows of a partition, whose batches are read one by one."""
        slow = self._reader.slow_columns
        while (size := read_int(stream)) != _END_OF_DATA:
            rows = self._reader.rows(Frame.of_message(exactly(stream, size)))
            paths.add_rows(self._call, paths.FAST, slow, len(rows))
            yield from rows


def make_to_local_iterator(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `DataFrame.toLocalIterator`."""

    def toLocalIterator(self: Any, prefetchPartitions: bool = False) -> Iterator[Any]:
        reason = why_stock(self)
        if reason:
            paths.took("toLocalIterator", paths.STOCK, reason)
            return original(self, prefetchPartitions)  # type: ignore[no-any-return]
        return iterate(self, prefetchPartitions, "toLocalIterator")

    return toLocalIterator


def iterate(frame: Any, prefetch: bool, call: str) -> Iterator[Any]:
    """A DataFrame's rows, of one partition after the other.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    prefetch : bool
        Begin with the next partition while one is read.
    call : str
        The method that the program called.
    """
    version = installed_version()
    assert version is not None, "the switch has asked"
    reader = reader_of(frame, arrow_schema_of(frame))
    sc = frame._sc
    with CallSite(sc, call), named_as(f"{frame._jdf._target_id}.toPythonIterator"):
        batches = frame._jdf.toArrowBatchRdd()
        served = sc._jvm.PythonRDD.toLocalIteratorAndServe(batches, prefetch)
    paths.took(call, paths.FAST, reader.slow_columns)
    read = import_module(version.socket_module)._local_iterator_from_socket
    rows: Iterator[Any] = read(served, Partition(reader, call))
    return rows
