"""Record batches of many groups, taken apart: what comes out is what pyarrow slices."""

from array import array

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrofoil._cext.columns import UnsupportedLayout, live_buffers
from hydrofoil._cext.split import PieceSplitter
from hydrofoil.stream.batches import uncompressed

ROWS = 41
NUMBERS = [None if i % 7 == 3 else i for i in range(ROWS)]
TEXTS = [None if i % 5 == 1 else "ä" * (i % 4) for i in range(ROWS)]
LISTS = [None if i % 6 == 2 else list(range(i % 4)) for i in range(ROWS)]
ITEMS = [None if i % 6 == 2 else [{"x": i}, None][: i % 3] for i in range(ROWS)]
PAIRS = [None if i % 9 == 4 else {"x": NUMBERS[i], "y": TEXTS[i]} for i in range(ROWS)]
FLAGS = [[True, False, None][i % 3] for i in range(ROWS)]

COLUMNS = {
    "int64": pa.array(NUMBERS, pa.int64()),
    "int8": pa.array(range(ROWS), pa.int8()),
    "decimal": pa.array(NUMBERS, pa.decimal128(20, 0)),
    "bool": pa.array(FLAGS),
    "string": pa.array(TEXTS),
    "large_string": pa.array(TEXTS, pa.large_string()),
    "list": pa.array(LISTS, pa.list_(pa.int32())),
    "large_list": pa.array(LISTS, pa.large_list(pa.int32())),
    "list of structs": pa.array(ITEMS, pa.list_(pa.struct([("x", pa.int64())]))),
    "map": pa.array([[(str(i), i)] * (i % 3) for i in range(ROWS)], pa.map_("string", "int64")),
    "struct": pa.array(PAIRS, pa.struct([("x", pa.int64()), ("y", pa.string())])),
    "null": pa.nulls(ROWS),
}
BATCH = pa.record_batch(list(COLUMNS.values()), list(COLUMNS))
SCHEMA = BATCH.schema


def lengths_of(pieces: list[tuple[int, bool]]) -> bytes:
    return array("I", [2 * rows + last for rows, last in pieces]).tobytes()


def split(
    batch: pa.RecordBatch, pieces: list[tuple[int, bool]]
) -> list[tuple[pa.RecordBatch, bool]]:
    frame = uncompressed(batch)
    frame.schema_message = batch.schema.serialize().to_pybytes()
    found = []
    for piece, last in PieceSplitter(batch.schema).split(frame, lengths_of(pieces)):
        assert piece.schema_message is frame.schema_message
        read = pa.ipc.read_record_batch(pa.py_buffer(piece.message()), batch.schema)
        read.validate(full=True)
        found.append((read, last))
    return found


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=12))
def test_pieces_are_slices(pieces: list[tuple[int, bool]]) -> None:
    rows = sum(count for count, _ in pieces)
    batch = pa.concat_batches([BATCH] * (rows // ROWS + 1)).slice(0, rows)
    found = split(batch, pieces)
    start = 0
    for (piece, last), (count, wanted) in zip(found, pieces, strict=True):
        assert piece.equals(batch.slice(start, count))
        assert last == wanted
        for column, whole in zip(piece.columns, batch.slice(start, count).columns, strict=True):
            assert column.null_count == whole.null_count
        start += count


def test_a_piece_alone_is_its_record_batch() -> None:
    frame = uncompressed(BATCH)
    [(piece, last)] = PieceSplitter(SCHEMA).split(frame, lengths_of([(ROWS, True)]))
    assert piece is frame
    assert last


def test_offsets_that_do_not_begin_with_zero() -> None:
    [(piece, _), _] = split(BATCH.slice(20), [(5, True), (ROWS - 25, True)])
    assert piece.equals(BATCH.slice(20, 5))


def test_lengths_that_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="pieces have 5 rows and their record batch 41"):
        split(BATCH, [(5, True)])


def test_types_without_a_layout() -> None:
    with pytest.raises(UnsupportedLayout):
        PieceSplitter(pa.schema([("a", pa.dictionary(pa.int8(), pa.string()))]))


def test_nothing_is_left_behind() -> None:
    before = live_buffers()
    split(BATCH, [(1, True)] * ROWS)
    assert live_buffers() == before
