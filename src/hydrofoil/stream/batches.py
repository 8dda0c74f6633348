"""Streams between the JVM and a task's plan: frames in, encoded columns or record batches out."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa

from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import CorruptFrame, Frame, FrameReader, FrameWriter, IrregularStream
from hydrofoil._cext.gather import Gatherer
from hydrofoil._cext.objects.base import write_batch
from hydrofoil.stream.reading import Prefixed

# Record batches of at least this many bytes are written as they lie.
LARGE = 1 << 20

# Results of small groups are written together until they have this many rows, or the first of them
# are this many seconds old: memory stays flat, and a slow function's results move on.
MOST_ROWS = 10_000
MOST_SECONDS = 0.1

Batch: TypeAlias = "Frame | pa.RecordBatch"
"""What a stream gives: a record batch as `Frame`, or as pyarrow's where it is irregular."""


class Encoded:
    """A record batch whose columns lie in encoders, until the next one is asked for."""

    __slots__ = ("encoders", "rows")

    def __init__(self, encoders: list[Any], rows: int) -> None:
        self.encoders = encoders
        self.rows = rows

    def __len__(self) -> int:
        return self.rows


class Schema:
    """The schema message that a task's streams last began with.

    A grouped task has one stream a group, all with the same schema: it is the same object for all
    their frames, so that whoever prepares something for a schema can tell by identity.
    """

    __slots__ = ("message",)

    def __init__(self) -> None:
        self.message = b""


def read_batches(stream: BinaryIO, schema: Schema | None = None) -> Iterator[Batch]:
    """The record batches of one Arrow stream, as ``pa.RecordBatch`` from where it is irregular.

    What pyarrow would raise at a damaged stream it raises here, for it reads that part itself. What
    it does not look at raises `CorruptFrame`.
    """
    reader = None
    schema = schema or Schema()
    try:
        reader = FrameReader(stream, schema.message)
        schema.message = message = reader.schema_message
        for frame in reader:
            frame.schema_message = message
            yield frame
    except IrregularStream as irregular:
        head = reader.schema_message if reader is not None else b""
        yield from map(sound, pa.ipc.open_stream(Prefixed(head + irregular.consumed, stream)))


def read_groups(
    stream: BinaryIO,
    read_count: Callable[[BinaryIO], int],
    unexpected: Callable[[int], Exception],
    first: int | None = None,
) -> Iterator[Iterator[Batch]]:
    """The batches of each group of a grouped task, group by group.

    A group's batches are read as they are asked for: whoever takes a group must take all its
    batches before the next group.

    Parameters
    ----------
    read_count : callable
        Reads how many data frames the next group has; 0 after the last group.
    unexpected : callable
        Makes the error for a group that has a different number of data frames than one.
    first : int, optional
        The first group's number, if that has been read already.
    """
    schema = Schema()
    count = read_count(stream) if first is None else first
    while count:
        if count == 1:
            yield read_batches(stream, schema)
        else:
            raise unexpected(count)
        count = read_count(stream)


def read_cogroups(
    stream: BinaryIO,
    read_count: Callable[[BinaryIO], int],
    unexpected: Callable[[int], Exception],
    first: int | None = None,
) -> Iterator[tuple[list[Batch], list[Batch]]]:
    """As `read_groups`, for two data frames a group; both are read when the group is."""
    left, right = Schema(), Schema()
    count = read_count(stream) if first is None else first
    while count:
        if count == 2:
            yield list(read_batches(stream, left)), list(read_batches(stream, right))
        else:
            raise unexpected(count)
        count = read_count(stream)


def record_batch(frame: Frame, schema: pa.Schema) -> pa.RecordBatch:
    """A frame as pyarrow reads it, with offsets that can be followed.

    Raises
    ------
    pyarrow.ArrowInvalid, OSError
        If pyarrow finds something wrong.
    CorruptFrame
        If something is wrong that pyarrow does not look for.
    """
    batch = pa.ipc.read_record_batch(pa.py_buffer(frame.message()), schema)
    if frame.compressed:
        return sound(batch)
    try:
        bind_frame(frame, [ColumnView.of_type(kind) for kind in schema.types])
    except (UnsupportedLayout, ValueError):
        return sound(batch)
    return batch


def sound(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same batch, if its offsets can be followed; pyarrow's readers don't look at them.

    Raises
    ------
    CorruptFrame
        If they can't.
    """
    try:
        batch.validate()
        for column in batch.columns:
            _look_at(column)
    except pa.ArrowInvalid as error:
        raise CorruptFrame(str(error)) from None
    return batch


def _look_at(column: pa.Array) -> None:
    try:
        view = ColumnView.of_type(column.type)
    except UnsupportedLayout:
        column.validate(full=True)
    else:
        bind_frame(uncompressed(pa.record_batch([column], [""])), [view])


def uncompressed(batch: pa.RecordBatch) -> Frame:
    """A record batch as a frame whose buffers lie in its body as they are in memory."""
    return Frame.of_message(batch.serialize().to_pybytes())


def write_batches(
    batches: Iterable[Encoded | pa.RecordBatch],
    schema_message: bytes,
    stream: BinaryIO,
    *,
    start: bytes,
    flush_each: bool,
    strict: bool = False,
) -> None:
    """Write one Arrow stream.

    ``start`` precedes it, once the first batch is there; without one nothing is written. The end
    marker is written even when ``batches`` raises, as stock does. ``strict`` is as for `Header`.
    """
    writer = None
    header = Header(schema_message, strict=strict)
    try:
        for batch in batches:
            if writer is None:
                stream.write(start)
                writer = FrameWriter(stream)
                writer.write_message(header.for_first(batch))
            header.check(batch)
            if isinstance(batch, Encoded):
                write_batch(writer, batch.encoders, batch.rows)
            else:
                _write_record_batch(writer, batch)
            if flush_each:
                stream.flush()
    finally:
        if writer is not None:
            writer.write_end()


class Header:
    """The schema that a stream of answers begins with.

    It is the declared one, but for record batches that stock's conversion made of a different type.

    Parameters
    ----------
    strict : bool
        Batches of one stream agree in whether there may be nulls, too.
    """

    def __init__(self, message: bytes, *, strict: bool = False) -> None:
        self.message = message
        self.strict = strict
        self.schema: pa.Schema | None = None
        # The declared schema, where the stream has begun with another.
        self.other: pa.Schema | None = None

    def _fits(self, batch: pa.RecordBatch) -> bool:
        if self.schema is None:
            self.schema = pa.ipc.read_schema(pa.py_buffer(self.message))
        if batch.schema.equals(self.schema):
            return True
        # Whether there may be nulls makes no difference to how values lie.
        return not self.strict and (
            [_with_nulls(kind) for kind in batch.schema.types]
            == [_with_nulls(kind) for kind in self.schema.types]
        )

    def for_first(self, batch: Encoded | pa.RecordBatch) -> bytes:
        """The schema message of a stream whose first batch this is."""
        if isinstance(batch, pa.RecordBatch):
            self.other = None if self._fits(batch) else self.schema
            self.schema = batch.schema
            # Stock's own, for schemas can be equal and name a list's items otherwise.
            self.message = batch.schema.serialize().to_pybytes()
        return self.message

    def check(self, batch: Encoded | pa.RecordBatch) -> None:
        """Raise what pyarrow raises at a batch of a different schema than the stream's."""
        if isinstance(batch, Encoded):
            if self.other is not None:
                self._refuse(pa.RecordBatch.from_pylist([], schema=self.other))
        elif not self._fits(batch):
            self._refuse(batch)

    def _refuse(self, batch: pa.RecordBatch) -> None:
        pa.RecordBatchStreamWriter(pa.BufferOutputStream(), self.schema).write_batch(batch)
        raise pa.ArrowInvalid(f"a batch of {batch.schema} in a stream of {self.schema}")


def _with_nulls(kind: pa.DataType) -> pa.DataType:
    """The same type, but that everything nested in it may be null."""
    if pa.types.is_struct(kind):
        return pa.struct([_field_with_nulls(field) for field in kind])
    if pa.types.is_map(kind):
        # Keys are never null.
        key = kind.key_field.with_type(_with_nulls(kind.key_type))
        return pa.map_(key, _field_with_nulls(kind.item_field), keys_sorted=kind.keys_sorted)
    if pa.types.is_list(kind):
        return pa.list_(_field_with_nulls(kind.value_field))
    if pa.types.is_large_list(kind):
        return pa.large_list(_field_with_nulls(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_field_with_nulls(kind.value_field), kind.list_size)
    return kind


def _field_with_nulls(field: pa.Field) -> pa.Field:
    return field.with_type(_with_nulls(field.type)).with_nullable(True)


def _write_record_batch(writer: FrameWriter, batch: pa.RecordBatch) -> None:
    # A small one is cheapest to serialize; of a large one nothing should be copied.
    if batch.nbytes >= LARGE:
        try:
            Gatherer(batch.schema, writer, False, 0).add(batch._export_to_c)
            return
        except UnsupportedLayout:
            pass
    writer.write_message(batch.serialize().to_pybytes())
