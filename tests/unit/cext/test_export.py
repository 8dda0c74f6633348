"""Frames handed to pyarrow, and record batches gathered from it: same values, no leaks."""

import io

import pyarrow as pa
import pytest

from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, live_buffers
from hydrofoil._cext.export import FrameExport, live_exports
from hydrofoil._cext.frames import FrameReader, FrameWriter
from hydrofoil._cext.gather import Gatherer

ROWS = 50
COLUMNS = {
    "null": pa.nulls(ROWS),
    "boolean": pa.array([i % 3 == 0 for i in range(ROWS)]),
    "boolean with nulls": pa.array([None if i % 4 == 1 else i % 3 == 0 for i in range(ROWS)]),
    "long": pa.array(range(ROWS)),
    "int with nulls": pa.array([None if i % 5 == 0 else i for i in range(ROWS)], pa.int32()),
    "nothing but nulls": pa.nulls(ROWS, pa.float64()),
    "string": pa.array([f"é{i}" * (i % 3) for i in range(ROWS)]),
    "large string": pa.array(
        [None if i % 7 == 0 else str(i) for i in range(ROWS)], pa.large_string()
    ),
    "binary": pa.array([bytes(i % 6) for i in range(ROWS)]),
    "decimal": pa.array(range(ROWS)).cast(pa.decimal128(30, 2)),
    "timestamp": pa.array(range(ROWS), pa.timestamp("us", "UTC")),
    "list": pa.array([None if i % 4 == 0 else list(range(i % 5)) for i in range(ROWS)]),
    "map": pa.array(
        [[("a", i), ("b", None)] for i in range(ROWS)], pa.map_(pa.string(), pa.int64())
    ),
    "struct": pa.array(
        [None if i % 6 == 0 else {"x": i, "y": [str(i)]} for i in range(ROWS)],
        pa.struct({"x": pa.int64(), "y": pa.list_(pa.string())}),
    ),
    "list of structs": pa.array([[{"x": [i]}, None] for i in range(ROWS)]),
}


@pytest.fixture(params=COLUMNS)
def column(request: pytest.FixtureRequest) -> pa.Array:
    return COLUMNS[request.param]


@pytest.fixture(autouse=True)
def nothing_leaks():
    before = live_exports(), live_buffers()
    yield
    assert (live_exports(), live_buffers()) == before


def frames(batch):
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(batch)
    return list(FrameReader(io.BytesIO(stream.getvalue())))


def export(frame, schema, columns, in_struct=False, names=None):
    fields = schema.field(0).type if in_struct else schema
    made = pa.schema([fields[i] for i in columns])
    exporter = FrameExport(schema, in_struct)
    return exporter.record_batch(frame, columns, pa.RecordBatch._import_from_c, made)


def gathered(batches, in_struct=False, most_rows=10_000):
    """What is read back of batches that were written through a gatherer."""
    schema = batches[0].schema
    file = io.BytesIO()
    writer = FrameWriter(file)
    sent = pa.schema([("_0", pa.struct(list(schema)))]) if in_struct else schema
    writer.write_message(sent.serialize().to_pybytes())
    gatherer = Gatherer(schema, writer, in_struct, most_rows)
    for batch in batches:
        gatherer.add(batch._export_to_c)
    gatherer.flush()
    writer.write_end()
    read = list(pa.ipc.open_stream(file.getvalue()))
    for batch in read:
        batch.validate(full=True)
    return read


def test_export_gives_the_columns(column):
    batch = pa.record_batch({"a": column, "b": COLUMNS["long"], "c": column})
    (frame,) = frames(batch)
    for wanted in ([0, 1, 2], [2], [1, 0], []):
        made = export(frame, batch.schema, wanted)
        made.validate(full=True)
        assert made.num_rows == ROWS
        assert made.equals(batch.select(wanted))


def test_export_gives_the_fields_of_a_struct(column):
    struct = pa.StructArray.from_arrays([column, COLUMNS["long"]], names=["a", "b"])
    batch = pa.record_batch({"s": struct})
    (frame,) = frames(batch)
    made = export(frame, batch.schema, [1, 0], in_struct=True)
    assert made.to_pydict() == {"b": COLUMNS["long"].to_pylist(), "a": column.to_pylist()}


def test_an_array_outlives_its_frame(column):
    batch = pa.record_batch({"a": column})
    made = export(frames(batch)[0], batch.schema, [0])
    child = made.column(0)
    del made
    # An array of nulls has no memory to keep.
    assert live_exports() == (0 if pa.types.is_null(child.type) else 1)
    assert child.equals(column)


@pytest.mark.parametrize("wanted", [[2], [-1], [0, 2]])
def test_columns_that_are_not_there(wanted):
    batch = pa.record_batch({"a": COLUMNS["long"], "b": COLUMNS["long"]})
    (frame,) = frames(batch)
    with pytest.raises(IndexError, match="of a schema that has 2"):
        FrameExport(batch.schema).record_batch(frame, wanted, None, batch.schema)


@pytest.mark.parametrize("kind", ["long", "string", "list", "struct"])
def test_views_take_no_array_of_a_different_layout(kind):
    """Whatever lies where values would lie would be read as values, offsets too."""
    arrays = {
        "long": pa.array([1 << 40, 2]),
        "string": pa.array(["a", "bc"]),
        "list": pa.array([[1], [2, 3]]),
        "struct": pa.array([{"a": 1}, {"a": 2}]),
    }
    view = ColumnView.of_type(arrays[kind].type)
    for name, array in arrays.items():
        if name == kind:
            assert view.bind(array) is view
            view.release()
        else:
            with pytest.raises(TypeError, match="for a view of"):
                view.bind(array)
    with pytest.raises(TypeError, match="for a view of"):
        view.bind(pa.array([None, "a"]).dictionary_encode())


def test_export_declines_what_pyarrow_should_read():
    empty = pa.record_batch({"a": COLUMNS["long"].slice(0, 0)})
    struct = pa.array([None, {"x": 1}])
    for batch, in_struct in ((empty, False), (pa.record_batch({"s": struct}), True)):
        with pytest.raises(ValueError):
            export(frames(batch)[0], batch.schema, [0], in_struct)
    other = pa.record_batch({"a": COLUMNS["long"], "b": COLUMNS["long"]})
    with pytest.raises(ValueError):
        export(frames(other)[0], pa.schema([("a", pa.int64())]), [0])
    with pytest.raises(UnsupportedLayout):
        FrameExport(pa.schema([("a", pa.dictionary(pa.int32(), pa.string()))]))


@pytest.mark.parametrize("in_struct", [False, True])
def test_slices_are_gathered(column, in_struct):
    whole = pa.record_batch({"a": column, "b": COLUMNS["long"]})
    parts = [whole.slice(3, 9), whole, whole.slice(0, 0), whole.slice(49), whole.slice(1, 7)]
    (read,) = gathered(parts, in_struct)
    expected = pa.Table.from_batches(parts).combine_chunks().to_batches()[0]
    if in_struct:
        read = pa.RecordBatch.from_struct_array(read.column(0))
    assert read.equals(expected)


@pytest.mark.parametrize("in_struct", [False, True])
def test_large_batches_are_written_by_themselves(column, in_struct):
    large = pa.concat_arrays([column] * 500)
    ones = pa.array([1] * len(large))
    batch = pa.record_batch({"a": large, "b": ones})
    parts = [batch.slice(0, 3), batch, batch.slice(5)]
    read = gathered(parts, in_struct)
    if in_struct:
        read = [pa.RecordBatch.from_struct_array(one.column(0)) for one in read]
    assert [one.num_rows for one in read] == [one.num_rows for one in parts]
    assert all(one.equals(part) for one, part in zip(read, parts, strict=True))


def test_every_batch_by_itself():
    batch = pa.record_batch({"a": COLUMNS["string"]})
    parts = [batch.slice(0, 1), batch.slice(0, 0), batch]
    assert [one.num_rows for one in gathered(parts, most_rows=0)] == [1, 0, ROWS]


def test_memory_that_ends_at_a_buffer_is_not_read_beyond():
    # pyarrow's own buffers are padded; those of others need not be.
    data = b"x" * 100_001
    offsets = pa.array([0, 40_000, 100_001], pa.int32()).buffers()[1]
    column = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(data)])
    (read,) = gathered([pa.record_batch({"a": column})])
    assert read.column(0).equals(column)
