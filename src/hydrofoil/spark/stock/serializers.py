"""Stock's serializers between record batches of ours, where they convert, wrap and take apart.

They read and write streams only, so what they are given goes through one.
"""

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas import serializers

from hydrofoil.spark.stock.pipeline import Pipeline
from hydrofoil.spark.stock.streams import START

# From record batches, or groups of them, to record batches.
Batches = Callable[[int, Iterable[Any]], Iterator[pa.RecordBatch]]


def on_record_batches(stock: Pipeline) -> Batches:
    """Stock's function for a task and its serializer, from one record batch to one."""
    function, serializer = stock.function, stock.deserializer

    def pipeline(split_index: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            source, sink = io.BytesIO(), io.BytesIO()
            with pa.ipc.new_stream(source, batch.schema) as writer:
                writer.write_batch(batch)
            source.seek(0)
            serializer.dump_stream(function(split_index, serializer.load_stream(source)), sink)
            sink.seek(len(START))
            yield pa.ipc.open_stream(sink).read_next_batch()

    return pipeline


def on_lone_batches(stock: Pipeline) -> Batches:
    """As `on_record_batches`, from groups whose batches stock takes for groups of their own."""
    of_batches = on_record_batches(stock)

    def pipeline(split_index: int, groups: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        for group in groups:
            yield from of_batches(split_index, group)

    return pipeline


def on_groups(stock: Pipeline, streams: int) -> Batches:
    """As `on_record_batches`, from groups.

    A group is an iterable of record batches, or as many of them as it has ``streams``.
    """
    function, serializer = stock.function, stock.deserializer

    def pipeline(split_index: int, groups: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        for group in groups:
            source, sink = io.BytesIO(), io.BytesIO()
            source.write(struct.pack("!i", streams))
            for batches in (group,) if streams == 1 else group:
                listed = list(batches)
                # Of a stream without batches nobody asks for the schema.
                schema = listed[0].schema if listed else pa.schema([])
                with pa.ipc.new_stream(source, schema) as writer:
                    for batch in listed:
                        writer.write_batch(batch)
            source.write(struct.pack("!i", 0))
            source.seek(0)
            serializer.dump_stream(function(split_index, serializer.load_stream(source)), sink)
            if sink.tell():
                sink.seek(len(START))
                yield from pa.ipc.open_stream(sink)

    return pipeline


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
    # Made when it is needed, for the newest version has no such serializer.
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
