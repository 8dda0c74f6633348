"""Columns of a frame that may lie about itself: bound, read in every way, given to pyarrow.

An input's first byte chooses the type that the columns are taken for, and whether values are
compared with those of stock PySpark's conversion; then comes the stream. Compressed frames are
decompressed by pyarrow and bound to its arrays, as the worker does.
"""

import io
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pyspark.sql import types as t
from pyspark.sql.pandas.types import to_arrow_type
from unit.cext.samples import PAIR, SAMPLES, SCALARS
from unit.cext.stock import OPTIONS, exact, to_arrow, to_python

from hydrofoil._cext.arrays.read import (
    ArrayReader,
    BoolReader,
    NumberReader,
    ObjectReader,
    TimestampReader,
)
from hydrofoil._cext.columns import ColumnView, bind_frame
from hydrofoil._cext.export import FrameExport, live_exports
from hydrofoil._cext.frames import CorruptFrame, Frame, FrameReader, IrregularStream
from hydrofoil._cext.objects.base import UndecodableColumn
from hydrofoil._cext.objects.nested import RowWalk, StructDecoder
from hydrofoil._cext.rows import Call, RowLoop
from hydrofoil.stream.batches import record_batch
from hydrofoil.values.type_table import Options, decoder_for

NUMBERS = {"c": "int8", "s": "int16", "i": "int32", "l": "int64", "f": "float32", "g": "float64"}
COMPARE = 0x80
# As many of a row loop's arguments are kept by whom it calls.
HELD = 3
# What garbage is refused with. pyarrow's own errors are stock's.
REFUSED = (CorruptFrame, ValueError, OSError, pa.ArrowException)
# What a value itself is refused with: no such text, no such date.
NO_VALUE = (UndecodableColumn, UnicodeDecodeError, OverflowError, ValueError)


@dataclass(frozen=True)
class Case:
    """A type, in the layout that it comes in, and how it is read."""

    kind: t.DataType
    samples: list[Any]
    options: Options = OPTIONS
    wide: bool = False

    def arrow_type(self) -> pa.DataType:
        return to_arrow_type(self.kind, timezone="UTC", prefers_large_types=self.wide)


def struct(*kinds: t.DataType) -> t.StructType:
    return t.StructType([t.StructField(f"f{i}", kind) for i, kind in enumerate(kinds)])


def several(kind: t.DataType, samples: list[Any]) -> Case:
    return Case(t.ArrayType(kind), [samples, [None, *samples[:1]], samples[::-1]])


TEXT = t.StringType()
FLAT = struct(t.LongType(), t.DoubleType(), t.BooleanType(), t.DateType(), TEXT)
TEXTS = [{"später": "ä", "𝄞": None, "a": ""}, {"später": "ö", "𝄞": "x", "a": "y"}, {"b": "ä" * 80}]
PICKLED = replace(OPTIONS, pickled=True, binary_as_bytes=False)
CASES = [Case(*each) for each in SAMPLES]
CASES += [several(kind, samples) for kind, samples in SCALARS[1:]]
CASES += [
    Case(TEXT, ["", "a", "später", "ascii" * 30], wide=True),
    Case(t.BinaryType(), [b"", b"\0\xff", b"x" * 300], wide=True),
    Case(t.MapType(TEXT, TEXT), TEXTS),
    Case(t.MapType(t.DecimalType(38, 1), t.BinaryType()), [{}]),
    Case(t.ArrayType(t.MapType(TEXT, PAIR)), [[{"ä": (1, "x")}, {}], [{"ä": (2, "y")}, None]]),
    Case(FLAT, [(1, 0.5, True, None, "ä"), (2**40, None, False, None, "row")]),
]
CASES += [
    Case(kind, samples, PICKLED)
    for kind, samples in SAMPLES
    if isinstance(kind, t.BinaryType | t.DecimalType | t.TimestampType | t.StructType)
]

ARROW = [case.arrow_type() for case in CASES]
VIEWS = [ColumnView.of_type(kind) for kind in ARROW]
DECODERS = [
    decoder_for(case.kind, view, case.options) for case, view in zip(CASES, VIEWS, strict=True)
]
ROWS = [
    StructDecoder([decoder], ["c"], t.Row, attributes=i % 2 == 0)
    for i, decoder in enumerate(DECODERS)
]
SCHEMAS = [pa.schema([("c", kind)]) for kind in ARROW]
EXPORTS = [FrameExport(schema) for schema in SCHEMAS]


def one(data: bytes) -> None:
    if not data:
        return
    i = (data[0] & ~COMPARE) % len(CASES)
    with suppress(IrregularStream):
        for frame in FrameReader(io.BytesIO(data[1:])):
            values = read(i, frame)
            batch = export(i, frame)
            if data[0] & COMPARE and batch is not None and values is not None:
                compare(i, values, batch)
            del batch
    VIEWS[i].release()
    # What pyarrow was lent it has given back.
    assert live_exports() == 0


def read(i: int, frame: Frame) -> list[Any] | None:
    """The column's values; None without any."""
    array = None
    try:
        if frame.compressed:
            [array] = record_batch(frame, SCHEMAS[i]).columns
            VIEWS[i].bind(array)
        else:
            bind_frame(frame, [VIEWS[i]])
    except REFUSED:
        return None
    # Lists share what is in them, so the values can be more than the bytes are.
    if frame.length > 1 << 16:
        return None
    values = None
    with suppress(*NO_VALUE):
        values = DECODERS[i].decode(VIEWS[i])
    # NumPy's arrays are views of a frame's body alone.
    if not frame.compressed:
        with suppress(*NO_VALUE):
            array_reader(i).read(VIEWS[i])
    in_other_ways(i, frame.length, values)
    return values


def in_other_ways(i: int, rows: int, values: list[Any] | None) -> None:
    """By row, as arguments and rows: the same values, or none."""
    try:
        DECODERS[i].open(VIEWS[i])
    except NO_VALUE:
        assert values is None
        return
    # What can be read in one way can be read in all.
    refused = NO_VALUE if values is None else ()
    try:
        with suppress(*refused):
            as_arguments(i, rows, values)
        with suppress(*refused):
            loop = RowLoop(Call((len,), (0, 0)))
            taken = loop.arguments([DECODERS[i]], 0, rows)
            assert_same([a for a, _ in taken], values)
        with suppress(*refused):
            assert_same([row[0] for row in ROWS[i].rows(0, rows)], values)
        with suppress(*refused):
            assert_same([row.c for row in RowWalk(ROWS[i], rows)], values)
    finally:
        DECODERS[i].close()


def as_arguments(i: int, rows: int, values: list[Any] | None) -> None:
    """As a row loop makes them, which uses objects again that nobody has kept."""
    held: list[tuple[Any, Any]] = []
    count = 0

    def called(value: Any) -> Any:
        nonlocal count
        count += 1
        seen = exact(value)
        if count % HELD == 0:
            held.append((value, seen))
        return seen

    found = RowLoop(Call((called,), (0,))).collect([DECODERS[i]], 0, rows)
    assert values is None or found == [exact(value) for value in values]
    assert all(exact(value) == seen for value, seen in held)


def assert_same(found: Iterable[Any], values: list[Any] | None) -> None:
    assert values is None or exact([*found]) == exact(values)


def array_reader(i: int) -> ArrayReader:
    kind = VIEWS[i].format
    if kind in NUMBERS:
        return NumberReader(NUMBERS[kind])
    if kind == "b":
        return BoolReader()
    if kind.startswith("tsu:"):
        return TimestampReader()
    return ObjectReader(DECODERS[i])


def export(i: int, frame: Frame) -> pa.RecordBatch | None:
    """The frame as pyarrow's, whose offsets are looked at before anything follows them."""
    if frame.compressed:
        with suppress(*REFUSED):
            return record_batch(frame, SCHEMAS[i])
        return None
    try:
        take = pa.Array._import_from_c
        EXPORTS[i].array(frame, [0], take, ARROW[i]).validate(full=True)
        batch = EXPORTS[i].record_batch(frame, [0], pa.RecordBatch._import_from_c, SCHEMAS[i])
        batch.validate(full=True)
    except REFUSED:
        return None
    return batch


def compare(i: int, values: list[Any], batch: pa.RecordBatch) -> None:
    """Stock's values, where pickle has no rules of its own."""
    if CASES[i].options.pickled:
        return
    try:
        batch.validate(full=True)
    except REFUSED:
        return
    assert exact(values) == exact(to_python(CASES[i].kind, batch.column(0)))


def seeds() -> list[bytes]:
    """Inputs that are in order: each type's samples, with nulls, in two batches and compressed."""
    whole = [bytes([i | COMPARE]) + stream_of(i) for i in range(len(CASES))]
    # Of a type each that is compressed in other ways: bits, numbers, text, lists, structs.
    codecs = {1: "zstd", 5: "zstd", 12: "lz4", 19: "lz4", 24: "zstd"}
    return whole + [bytes([i | COMPARE]) + stream_of(i, codec) for i, codec in codecs.items()]


def stream_of(i: int, codec: str | None = None) -> bytes:
    array = to_arrow(CASES[i].kind, [*CASES[i].samples, None]).cast(ARROW[i])
    batch = pa.record_batch([array], schema=SCHEMAS[i])
    file = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(file, SCHEMAS[i], options=options) as out:
        out.write_batch(batch)
        out.write_batch(batch.slice(1))
    return file.getvalue()
