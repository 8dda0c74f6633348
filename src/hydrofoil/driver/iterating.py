"""`DataFrame.toLocalIterator` by record batches: a job for each partition, as PySpark has it."""

import sys
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import chain
from typing import Any, BinaryIO

from hydrofoil._cext.frames import Frame
from hydrofoil.driver import paths
from hydrofoil.driver.callsite import CallSite
from hydrofoil.driver.errors import named_as
from hydrofoil.driver.readers import arrow_schema_of, is_connect, reader_of, why_stock
from hydrofoil.driver.record_batches import rdd_of
from hydrofoil.spark.versions import installed_version
from hydrofoil.stream.reading import exactly, read_int
from hydrofoil.values.rows.reading import RowReader

# How a partition's batches end.
_END_OF_DATA = -1

Progress = Callable[[int, int, int], object]
"""Is told of the rows and the partitions that were read, and of how many partitions there are."""


class Partitions:
    """Reads partitions' rows; in the place of PySpark's serializer."""

    def __init__(self, reader: RowReader, call: str, progress: Callable[[int], object]) -> None:
        self._reader = reader
        self._call = call
        self._progress = progress

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        """The rows of the next partition, whose batches are read one by one."""
        # Without a generator of this class, through which each row would pass.
        return chain.from_iterable(self._batches(stream))

    def _batches(self, stream: BinaryIO) -> Iterator[Iterator[Any]]:
        slow = self._reader.slow_columns
        count = 0
        while (size := read_int(stream)) != _END_OF_DATA:
            frame = Frame.of_message(exactly(stream, size))
            count += frame.length
            paths.add_rows(self._call, paths.FAST, slow, frame.length)
            yield self._reader.iterate(frame)
        self._progress(count)


def make_to_local_iterator(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `DataFrame.toLocalIterator`."""

    def toLocalIterator(self: Any, prefetchPartitions: bool = False) -> Iterator[Any]:
        reason = why_stock(self)
        if reason:
            paths.took("toLocalIterator", paths.STOCK, reason)
            return original(self, prefetchPartitions)  # type: ignore[no-any-return]
        batches = batches_of(self, "toLocalIterator")
        return rows_of(self, batches, prefetchPartitions, "toLocalIterator", lambda rows: None)

    return toLocalIterator


def batches_of(frame: Any, call: str) -> Any:
    """The JVM's RDD of a DataFrame's record batches; parts of the query may run already."""
    with CallSite(frame._sc, call), named_as(f"{frame._jdf._target_id}.toPythonIterator"):
        return rdd_of(frame)


def rows_of(
    frame: Any, batches: Any, prefetch: bool, call: str, progress: Callable[[int], object]
) -> Iterator[Any]:
    """A DataFrame's rows, of one partition after the other.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    batches : RDD in the JVM
        As `batches_of` gives it.
    prefetch : bool
        Begin with the next partition while one is read.
    call : str
        The method that the program called.
    progress : callable
        Is told after each partition how many rows it had.
    """
    version = installed_version()
    assert version is not None, "the switch has asked"
    reader = reader_of(frame, arrow_schema_of(frame))
    with CallSite(frame._sc, call):
        served = frame._sc._jvm.PythonRDD.toLocalIteratorAndServe(batches, prefetch)
    paths.took(call, paths.FAST, reader.slow_columns)
    read = import_module(version.socket_module)._local_iterator_from_socket
    rows: Iterator[Any] = read(served, Partitions(reader, call, progress))
    return rows


class _Counted:
    """Adds partitions up, and says so."""

    def __init__(self, progress: "Progress | None", partitions: int) -> None:
        self._progress = progress
        self._all = partitions
        self._rows = self._partitions = 0

    def __call__(self, rows: int) -> None:
        self._rows += rows
        self._partitions += 1
        if self._progress is not None:
            self._progress(self._rows, self._partitions, self._all)


class RowStream(Iterator[Any]):
    """Rows of a DataFrame, a few thousand at a time in memory; closed where it ends.

    Use it in a ``with`` block, or call `close`, where not all rows may be read.
    """

    def __init__(self, frame: Any, prefetch: bool, progress: "Progress | None") -> None:
        self._context: Any = None
        if is_connect(frame):
            # The client has no jobs of its own; the end of its stream ends the query.
            self._rows = frame.toLocalIterator(prefetch)
            return
        self._context = frame._sc
        # All jobs of this iteration have it, so that they can be cancelled.
        self._tag = f"hydrofoil-iterate-{uuid.uuid4()}"
        reason = why_stock(frame)
        self._context.addJobTag(self._tag)
        try:
            if reason:
                paths.took("iterate", paths.STOCK, reason)
                self._rows = frame.toLocalIterator(prefetch)
            else:
                batches = batches_of(frame, "iterate")
                # Nothing that the iterator has refers to this object, whose end is its end.
                counted = _Counted(progress, batches.getNumPartitions())
                self._rows = rows_of(frame, batches, prefetch, "iterate", counted)
        finally:
            self._context.removeJobTag(self._tag)

    def __next__(self) -> Any:
        return next(self._rows)

    def close(self) -> None:
        """End the iteration, and what of the query still runs for it."""
        ended, self._rows = self._rows, iter(())
        if hasattr(ended, "close"):
            ended.close()
            if self._context is not None and self._context._jsc is not None:
                self._context.cancelJobsWithTag(self._tag)

    def __enter__(self) -> "RowStream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_rows"):
            self.close()


def show_progress(rows: int, partitions: int, of: int) -> None:
    """Say on stderr how far an iteration is, in one line that is written over."""
    end = "\n" if partitions == of else ""
    sys.stderr.write(f"\r{rows:,} rows, {partitions:,} of {of:,} partitions{end}")
    sys.stderr.flush()
