"""How Spark 3.5 to 4.2 put a batch's columns into a struct for the JVM, and take them out of one.

Stock's serializer does it between the stream and the function; here it is given one batch and no
stream.
"""

import io
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas import serializers


def flatten_struct(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The fields of a batch's only column, a struct, as columns."""
    [[flat]] = _structs().load_stream([batch])
    return flat


def wrap_struct(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of one column, a struct whose fields are the columns."""
    [wrapped] = _structs().dump_stream([(batch, None)], io.BytesIO())
    return wrapped


@cache
def _structs() -> Any:
    # Made when it is needed, for later lines have no such serializer.
    stock: Any = serializers

    class NoStream(stock.ArrowStreamSerializer):  # type: ignore[misc]
        """Where stock's serializer expects what reads and writes streams: batches, as they are."""

        def load_stream(self, stream: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return iter(stream)

        def dump_stream(
            self, iterator: Iterable[pa.RecordBatch], stream: Any
        ) -> list[pa.RecordBatch]:
            return list(iterator)

    class Structs(stock.ArrowStreamUDFSerializer, NoStream):  # type: ignore[misc]
        """Stock's serializer over `NoStream`."""

    return Structs()
