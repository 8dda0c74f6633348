"""Groups that are sent together: what the fast paths and stock's code read of them."""

import io
import struct
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrofoil._cext.frames import CorruptFrame, Frame
from hydrofoil.spark.stock.groups import teach, understanding
from hydrofoil.stream.group_format import MAGIC
from hydrofoil.stream.group_frames import LONE_BATCHES, GroupInput
from hydrofoil.stream.reading import CorruptGroups
from hydrofoil.stream.stock_framing import StockFraming, Understanding

SCHEMA = pa.schema([("k", pa.int64()), ("s", pa.string())])
# A type that only pyarrow takes apart.
ODD = pa.schema([("i", pa.month_day_nano_interval())])

# A group's sides, each in pieces, each a list of numbers.
Group = list[list[list[int]]]


def batch_of(numbers: list[int], schema: pa.Schema) -> pa.RecordBatch:
    if schema is ODD:
        return pa.record_batch([pa.array([(n, 0, 0) for n in numbers], ODD.types[0])], schema=ODD)
    texts = [None if n % 3 else "x" * n for n in numbers]
    return pa.record_batch([pa.array(numbers, pa.int64()), pa.array(texts)], schema=schema)


def integer(value: int) -> bytes:
    return struct.pack(">i", value)


def sent(groups: list[Group], pieces_a_chunk: int, schema: pa.Schema = SCHEMA) -> bytes:
    """What the JVM writes for groups, with the chunks ending wherever they may."""
    sides = len(groups[0]) if groups else 1
    data = MAGIC + integer(sides) + schema.serialize().to_pybytes() * sides
    pieces = [
        (side, piece, i == len(in_pieces) - 1)
        for group in groups
        for side, in_pieces in enumerate(group)
        for i, piece in enumerate(in_pieces)
    ]
    for start in range(0, len(pieces), pieces_a_chunk):
        chunk = pieces[start : start + pieces_a_chunk]
        for side in range(sides):
            mine = [(piece, last) for at, piece, last in chunk if at == side]
            data += integer(len(mine))
            if mine:
                codes = [2 * len(piece) + last for piece, last in mine]
                numbers = [n for piece, _ in mine for n in piece]
                batch = batch_of(numbers, schema).serialize().to_pybytes()
                data += array("I", codes).tobytes() + batch
    return data + integer(-1)


def read_stream(file: Any) -> list[list[int]]:
    return [batch.column(0).to_pylist() for batch in pa.ipc.open_stream(file)]


def as_stock_reads(data: bytes) -> list[Group]:
    """The groups, as stock's serializers take them from the JVM."""
    file = io.BytesIO(data)
    assert file.read(4) == MAGIC
    framing = StockFraming(file, lone_batches=False)
    groups: list[Group] = []
    while count := struct.unpack(">i", framing.read(4))[0]:
        groups.append([read_stream(framing) for _ in range(count)])
    assert file.read() == b"rest"
    return groups


def as_frames(batches: Any) -> list[list[int]]:
    found = []
    for frame in batches:
        assert isinstance(frame, Frame)
        schema = pa.ipc.read_schema(pa.py_buffer(frame.schema_message))
        batch = pa.ipc.read_record_batch(pa.py_buffer(frame.message()), schema)
        found.append(batch.column(0).to_pylist())
    return found


def as_fast_paths_read(data: bytes) -> list[Group]:
    file = io.BytesIO(data)
    groups = GroupInput(file, 1, ValueError)
    found = [
        [as_frames(side) for side in group] if isinstance(group, tuple) else [as_frames(group)]
        for group in groups
    ]
    assert groups.together
    assert file.read() == b"rest"
    return found


def expected(groups: list[Group], schema: pa.Schema = SCHEMA) -> list[Group]:
    return [
        [[batch_of(piece, schema).column(0).to_pylist() for piece in side] for side in group]
        for group in groups
    ]


PIECE = st.lists(st.integers(0, 30), min_size=1, max_size=5)
SIDE = st.lists(PIECE, min_size=1, max_size=3)
PAIR = st.one_of(
    st.tuples(SIDE, SIDE), st.tuples(st.just([[]]), SIDE), st.tuples(SIDE, st.just([[]]))
).map(list)


@pytest.mark.parametrize("read", [as_stock_reads, as_fast_paths_read])
@settings(deadline=None)
@given(
    st.one_of(st.lists(st.lists(SIDE, min_size=1, max_size=1)), st.lists(PAIR)),
    st.integers(1, 7),
)
def test_groups_arrive_as_they_are(
    read: Callable[[bytes], list[Group]], groups: list[Group], pieces_a_chunk: int
) -> None:
    assert read(sent(groups, pieces_a_chunk) + b"rest") == expected(groups)


@pytest.mark.parametrize("read", [as_stock_reads, as_fast_paths_read])
def test_types_that_only_pyarrow_takes_apart(read: Callable[[bytes], list[Group]]) -> None:
    groups: list[Group] = [[[[1, 2, 3], [4]]], [[[5]]]]
    assert read(sent(groups, 2, ODD) + b"rest") == expected(groups, ODD)


def test_groups_that_are_batches_of_one_stream() -> None:
    file = io.BytesIO(sent([[[[1, 2]]], [[[3]]]], 5) + b"rest")
    assert file.read(4) == MAGIC
    assert read_stream(StockFraming(file, lone_batches=True)) == [[1, 2], [3]]
    assert file.read() == b"rest"


class Stock:
    """Stands where stock's deserializer does, and takes what it is given."""

    def load_stream(self, stream: Any) -> bytes:
        taken: bytes = stream.read(6)
        return taken


@pytest.mark.parametrize("data", [b"\0\0\0\1stream", b"\xff\xff\xff\xffstream"])
def test_what_stock_sends_stays(data: bytes) -> None:
    assert Understanding(Stock(), lone_batches=False).load_stream(io.BytesIO(data)) == data[:6]


def test_only_groups_are_looked_at() -> None:
    pipeline = (len, None, Stock(), Stock())
    assert understanding(pipeline, 200, lone_batches=False) is pipeline
    assert isinstance(understanding(pipeline, 201, lone_batches=False)[2], Understanding)


@pytest.mark.parametrize("streams", [1, LONE_BATCHES])
def test_groups_of_stocks_operators_are_not_together(streams: int) -> None:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, SCHEMA) as writer:
        writer.write_batch(batch_of([1], SCHEMA))
        writer.write_batch(batch_of([2], SCHEMA))
    data = file.getvalue()
    if streams == 1:
        data = integer(1) + data + integer(0)
    groups = GroupInput(io.BytesIO(data + b"rest"), streams, ValueError)
    assert [as_frames(group) for group in groups] == (
        [[[1], [2]]] if streams == 1 else [[[1]], [[2]]]
    )
    assert not groups.together


@pytest.mark.parametrize("cut", [2, 10, 300, -3, -40])
def test_data_that_end_early(cut: int) -> None:
    data = sent([[[[1, 2]]], [[[3]]]], 1)
    with pytest.raises(EOFError):
        for group in GroupInput(io.BytesIO(data[:cut]), 1, ValueError):
            list(group)


@pytest.mark.parametrize("read", [as_stock_reads, as_fast_paths_read])
@pytest.mark.parametrize("sides", [0, -1, 3, 2**31 - 1])
def test_groups_of_no_number_of_data_frames(
    read: Callable[[bytes], list[Group]], sides: int
) -> None:
    data = sent([[[[1, 2]]]], 5)
    place = len(MAGIC)
    with pytest.raises(CorruptGroups, match=f"each has {sides} data frames"):
        read(data[:place] + integer(sides) + data[place + 4 :])


@pytest.mark.parametrize("read", [as_stock_reads, as_fast_paths_read])
def test_pieces_of_a_negative_number(read: Callable[[bytes], list[Group]]) -> None:
    """Not all that follows is taken for them, which on a socket would never end."""
    start = MAGIC + integer(1) + SCHEMA.serialize().to_pybytes()
    with pytest.raises(CorruptGroups, match="a record batch of -7 pieces"):
        read(start + integer(-7) + b"rest")


@pytest.mark.parametrize("schema", [SCHEMA, ODD], ids=["known", "odd"])
@pytest.mark.parametrize("rows", [0, 1, 3, 2**30])
@pytest.mark.parametrize("read", [as_stock_reads, as_fast_paths_read])
def test_pieces_that_are_not_the_record_batch(
    read: Callable[[bytes], list[Group]], rows: int, schema: pa.Schema
) -> None:
    start = MAGIC + integer(1) + schema.serialize().to_pybytes() + integer(1)
    batch = batch_of([1, 2], schema).serialize().to_pybytes()
    lengths = array("I", [2 * rows + 1]).tobytes()
    with pytest.raises((CorruptGroups, ValueError), match=f"pieces .*{rows} rows"):
        read(start + lengths + batch + integer(-1) + b"rest")


@pytest.mark.parametrize("read", [as_stock_reads, as_fast_paths_read])
def test_offsets_that_lead_out_of_the_batch(read: Callable[[bytes], list[Group]]) -> None:
    data = sent([[[[3], [6]]], [[[9]]]], 5)
    offsets = struct.pack("<4i", 0, 3, 9, 18)
    assert data.count(offsets) == 1
    with pytest.raises(CorruptFrame, match="offsets"):
        read(data.replace(offsets, struct.pack("<4i", 0, 2**30, 9, 18)) + b"rest")


@pytest.mark.parametrize("read", [as_stock_reads, as_fast_paths_read])
def test_groups_that_begin_with_no_schema(read: Callable[[bytes], list[Group]]) -> None:
    """What pyarrow is told is a schema it takes for one, and reads wherever that leads."""
    message = pa.record_batch([pa.array([], pa.int64())], ["k"]).serialize().to_pybytes()
    with pytest.raises((CorruptGroups, EOFError), match="schema"):
        read(MAGIC + integer(1) + message + integer(-1))


def test_a_compiled_worker_stays_as_it_is() -> None:
    class Compiled:
        # As of a function in C, of which Python can't tell the parameters.
        __signature__ = 0

        def __call__(self, *_: object) -> None:
            raise AssertionError("nobody calls it here")

    worker = ModuleType("worker")
    worker.read_udfs = compiled = Compiled()  # type: ignore[attr-defined]
    teach(worker)
    assert worker.read_udfs is compiled
