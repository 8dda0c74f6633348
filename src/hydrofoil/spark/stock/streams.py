"""What stock's worker takes for a serializer: Hydrofoil's streams between the JVM and a plan."""

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from pyspark.errors import PySparkValueError
from pyspark.serializers import SpecialLengths

from hydrofoil.spark.versions import installed_version
from hydrofoil.stream.batch_writer import BatchWriter
from hydrofoil.stream.batches import read_batches, write_batches
from hydrofoil.stream.group_frames import GroupInput

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
        Arrow streams a group, or `LONE_BATCHES`; 0 where the input is one stream and not in groups.
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
    """

    def __init__(self, wrap: Callable[[Any], Any] | None, streams: int) -> None:
        self.wrap = wrap
        self.streams = streams
        self._flush_per_batch = False

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        return _read(stream, self.streams)

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        BatchWriter(
            stream,
            start=START,
            wrap=self.wrap,
            # Of groups' results the JVM takes the rows, whatever batch they come in.
            together=self.streams != 0,
            flush_each=self._flush_per_batch,
        ).write(iterator)


def _read(stream: BinaryIO, streams: int) -> Iterator[Any]:
    return GroupInput(stream, streams, _unexpected_streams) if streams else read_batches(stream)


def _unexpected_streams(count: int) -> ValueError:
    version = installed_version()
    if version is not None and not version.groups_have_an_error_class:
        return ValueError(f"Invalid number of pandas.DataFrames in group {count}")
    return PySparkValueError(
        errorClass="INVALID_NUMBER_OF_DATAFRAMES_IN_GROUP",
        messageParameters={"dataframes_in_group": str(count)},
    )
