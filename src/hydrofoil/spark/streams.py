"""What stock's worker takes for a serializer: Hydrofoil's streams between the JVM and a plan."""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from pyspark.errors import PySparkValueError
from pyspark.serializers import SpecialLengths, read_int

from hydrofoil.batch_writer import BatchWriter
from hydrofoil.wire import read_batches, read_cogroups, read_groups, write_batches

# What stands before an Arrow stream to the JVM.
START = struct.pack("!i", SpecialLengths.START_ARROW_STREAM)


class ArrowStream:
    """What stock takes for a serializer: reads frames, writes encoded batches.

    ``_flush_per_batch`` is set by stock where it reads input in a thread of its own.

    Parameters
    ----------
    schema_message : bytes
        Of the answer.
    streams : int
        Arrow streams a group; 0 where the input is one stream and not in groups.
    strict : bool
        As for `write_batches`.
    """

    def __init__(self, schema_message: bytes, streams: int = 0, *, strict: bool = False) -> None:
        self.schema_message = schema_message
        self.streams = streams
        self.strict = strict
        self._flush_per_batch = False

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        return _read(stream, self.streams)

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        write_batches(
            iterator,
            self.schema_message,
            stream,
            start=START,
            flush_each=self._flush_per_batch,
            strict=self.strict,
        )


class BatchStream:
    """As `ArrowStream`, for plans that yield record batches as users made them.

    Parameters
    ----------
    wrap : callable, optional
        Stock's ``wrap_struct``, where the JVM expects the columns in a struct.
    streams : int
        As for `ArrowStream`.
    groups : bool, optional
        Whether batches are groups' results, which may be written together, for the JVM takes their
        rows as they come; by default whether the input is in groups.
    """

    def __init__(
        self, wrap: Callable[[Any], Any] | None, streams: int, groups: bool | None = None
    ) -> None:
        self.wrap = wrap
        self.streams = streams
        self.groups = streams > 0 if groups is None else groups
        self._flush_per_batch = False

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        return _read(stream, self.streams)

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        BatchWriter(
            stream,
            start=START,
            wrap=self.wrap,
            together=self.groups,
            flush_each=self._flush_per_batch,
        ).write(iterator)


def _read(stream: BinaryIO, streams: int) -> Iterator[Any]:
    if streams == 0:
        return read_batches(stream)
    read = read_groups if streams == 1 else read_cogroups
    return read(stream, read_int, _unexpected_streams)


def _unexpected_streams(count: int) -> PySparkValueError:
    return PySparkValueError(
        errorClass="INVALID_NUMBER_OF_DATAFRAMES_IN_GROUP",
        messageParameters={"dataframes_in_group": str(count)},
    )
