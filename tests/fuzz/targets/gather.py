"""Record batches that users return: sliced, with nulls, of every layout.

Only what pyarrow itself finds in order is given to the core, as pyarrow's own readers don't look
either; what comes out is what went in.
"""

import io

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_type
from unit.cext.samples import SAMPLES

from fuzz.arrow import same
from fuzz.choices import Choices
from hydrofoil._cext.columns import ColumnView, live_buffers
from hydrofoil._cext.frames import FrameReader, FrameWriter
from hydrofoil._cext.gather import Gatherer

KINDS = [to_arrow_type(kind, timezone="UTC") for kind, _ in SAMPLES]
KINDS += [pa.large_string(), pa.large_binary(), pa.large_list(pa.int16()), pa.list_(pa.bool_())]
LAYOUTS = {kind: ColumnView.of_type(kind) for kind in KINDS}
MOST = 64
# From here on, a byte for a batch's size says that it is large.
WHOLE = 240


def one(data: bytes) -> None:
    before = live_buffers()
    choices = Choices(data)
    kinds = [choices.of(KINDS) for _ in range(1 + choices.byte() % 2)]
    schema = pa.schema([(f"c{i}", kind) for i, kind in enumerate(kinds)])
    in_struct, most = bool(choices.byte() & 1), choices.byte() % 8
    file = io.BytesIO()
    writer = FrameWriter(file)
    sent = pa.schema([("_0", pa.struct(list(schema)))]) if in_struct else schema
    writer.write_message(sent.serialize().to_pybytes())
    gatherer = Gatherer(schema, writer, in_struct, most)
    given = []
    for _ in range(1 + choices.byte() % 4):
        size = choices.byte()
        rows = size % 12
        try:
            columns = [array(choices, kind, rows) for kind in kinds]
            batch = pa.record_batch(columns, schema=schema)
            batch.validate(full=True)
        except (pa.ArrowException, ValueError):
            continue
        if size >= WHOLE:
            batch = large(batch)
        if choices.byte() & 1:
            batch = batch.slice(choices.byte() % 4, choices.byte() % 8)
        gatherer.add(batch._export_to_c)
        given.append(batch)
    gatherer.flush()
    writer.write_end()
    look(file.getvalue(), schema, given, in_struct)
    del gatherer, writer
    assert live_buffers() == before


def large(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Its rows so often that they are written as they lie, where their buffers allow that."""
    if not batch.num_rows or not batch.get_total_buffer_size():
        return batch
    times = 1 + (1 << 16) // max(1, batch.nbytes)
    table = pa.Table.from_batches([batch] * min(times, 1 << 13)).combine_chunks()
    [whole] = table.to_batches() or [batch]
    return whole


def array(choices: Choices, kind: pa.DataType, rows: int) -> pa.Array:
    """An array over buffers of any bytes, and of the right sizes at least."""
    offset = choices.byte() % 5
    buffers: list[pa.Buffer | None] = [None]
    nulls = choices.byte() % 3
    if nulls and kind.num_buffers:
        buffers = [pa.py_buffer(choices.take((rows + offset + 7) // 8).ljust(8, b"\xaa"))]
    children = []
    if pa.types.is_null(kind):
        return pa.nulls(rows)
    if pa.types.is_struct(kind):
        children = [array(choices, field.type, rows + offset) for field in kind]
    elif kind.num_fields:
        size, ends = offsets(choices, kind, rows + offset)
        buffers.append(ends)
        children = [array(choices, kind.field(0).type, size)]
        if pa.types.is_map(kind):
            entries = pa.struct([kind.key_field, kind.item_field])
            parts = [array(choices, field.type, size) for field in entries]
            if parts[0].null_count:
                raise ValueError("pyarrow ends the process if a map's keys have nulls")
            children = [pa.Array.from_buffers(entries, size, [None], children=parts)]
    elif kind.num_buffers == 3:
        size, ends = offsets(choices, kind, rows + offset)
        buffers += [ends, pa.py_buffer(bytes(32 + b % 90 for b in choices.take(size)).ljust(size))]
    else:
        size = ((rows + offset) * kind.bit_width + 7) // 8
        buffers.append(pa.py_buffer(choices.take(size).ljust(size, b"\0")))
    return pa.Array.from_buffers(kind, rows, buffers, -1, offset, children)


def offsets(choices: Choices, kind: pa.DataType, rows: int) -> tuple[int, pa.Buffer]:
    width = 8 if str(kind).startswith("large") else 4
    at, ends = choices.byte() % 3, b""
    for _ in range(rows + 1):
        ends += at.to_bytes(width, "little")
        at = min(MOST, at + choices.byte() % 4)
    return MOST, pa.py_buffer(ends)


def look(stream: bytes, schema: pa.Schema, given: list[pa.RecordBatch], in_struct: bool) -> None:
    for _ in FrameReader(io.BytesIO(stream)):
        pass
    table = pa.ipc.open_stream(stream).read_all()
    table.validate(full=True)
    columns = table.column(0).combine_chunks().flatten() if in_struct else table.columns
    expected = pa.Table.from_batches(given, schema)
    for ours, theirs in zip(columns, expected.columns, strict=True):
        whole = ours.combine_chunks() if isinstance(ours, pa.ChunkedArray) else ours
        assert same(whole, theirs.combine_chunks())


def seeds() -> list[bytes]:
    """Bytes by a fixed rule, for each type."""
    return [
        bytes([0, i]) + bytes((j * j * (i + 1) + 5 * j) % 249 for j in range(300))
        for i in range(len(KINDS))
    ]
