"""The rows of a table function: which are taken, what they become, and what is left to stock."""

from collections import namedtuple

import pyarrow as pa
import pytest
from pyspark.sql import Row
from pyspark.sql.types import ArrayType, LongType, StringType, StructType
from unit.cext.stock import OPTIONS

from hydrofoil._cext.frames import FrameWriter
from hydrofoil._cext.objects.base import write_batch
from hydrofoil._cext.udtf import PickledRows, RowsEncoder, is_plain
from hydrofoil.values.type_table import encoder_for

TWO = StructType().add("a", LongType()).add("b", StringType())
LISTS = StructType().add("a", LongType()).add("b", ArrayType(LongType()))
ONE = StructType().add("a", LongType())
Named = namedtuple("Named", "b a")


def encoder(declared=TWO):
    fields = [
        encoder_for(field.dataType, OPTIONS, nullable=field.nullable) for field in declared.fields
    ]
    return RowsEncoder(fields, declared.names)


def batch_of(made, rows, declared=TWO):
    """What a reader makes of the encoder's answer."""
    types = {LongType: pa.int64(), StringType: pa.string(), ArrayType: pa.list_(pa.int64())}
    struct = pa.struct([(field.name, types[type(field.dataType)]) for field in declared.fields])
    schema = pa.schema([("_0", struct)])
    sink = pa.BufferOutputStream()
    writer = FrameWriter(sink)
    writer.write_message(schema.serialize().to_pybytes())
    write_batch(writer, [made], rows)
    writer.write_end()
    table = pa.ipc.open_stream(sink.getvalue()).read_all()
    table.validate(full=True)
    return table.column("_0").to_pylist()


@pytest.mark.parametrize("once_more", [False, True])
def test_kinds_of_rows(once_more):
    given = [(1, "x"), Row(2, None), Named(3, "y"), [4, "z"], {"b": "q", "c": 1}, None]
    made, rows = encoder(), []
    assert made.drain(iter(given), rows, once_more)
    assert rows == given
    values = [(1, "x"), (2, None), (3, "y"), (4, "z"), (None, "q"), (None, None)]
    assert batch_of(made, len(rows)) == [{"a": a, "b": b} for a, b in values]


def test_the_only_column_stands_for_itself():
    made, rows = encoder(ONE), []
    assert made.drain(iter([1, None, (2,), (None,)]), rows, True)
    assert [row["a"] for row in batch_of(made, 4, ONE)] == [1, None, 2, None]


def test_no_rows():
    made = encoder()
    assert made.drain(iter(()), [], True)
    assert batch_of(made, 0) == []


class OddTuple(tuple):
    def __iter__(self):
        return iter((8, "odd"))


@pytest.mark.parametrize(
    "row",
    [
        (1,),
        (1, "x", 2),
        [1],
        5,
        "ab",
        ("1", "x"),
        (1, object()),
        OddTuple((1, "x")),
        object(),
        {1, 2},
    ],
)
def test_what_is_left_is_the_last_that_was_taken(row):
    made, rows = encoder(), []
    given = iter([(1, "x"), row, (2, "y")])
    assert not made.drain(given, rows, True)
    assert len(rows) == 2 and rows[1] is row and list(given) == [(2, "y")]


def test_rows_that_change_are_encoded_as_they_end():
    def rows_of():
        row, numbers, fields = [1, [1]], [2], {"a": 3, "b": []}
        yield row
        row[0] = 10
        yield 2, numbers
        numbers.append(20)
        yield fields
        fields["a"] = 30
        yield (4, [4])

    made, rows = encoder(LISTS), []
    assert made.drain(rows_of(), rows, True)
    values = [(10, [1]), (2, [2, 20]), (30, []), (4, [4])]
    assert batch_of(made, 4, LISTS) == [{"a": a, "b": b} for a, b in values]


def test_a_row_that_spoils_is_left():
    def rows_of():
        row = [1, "x"]
        yield row
        row[0] = "spoilt"
        yield 2, "y"

    rows = []
    assert not encoder().drain(rows_of(), rows, True)
    assert rows == [["spoilt", "x"], (2, "y")]


def test_errors_of_the_iterator_pass():
    def rows_of():
        yield 1, "x"
        raise KeyError("mine")

    made = encoder()
    with pytest.raises(KeyError, match="mine"):
        made.drain(rows_of(), [], True)
    assert made.drain(iter([(1, "x")]), [], True)
    assert batch_of(made, 1) == [{"a": 1, "b": "x"}]


def test_columns_and_encoders_must_match():
    with pytest.raises(ValueError, match="0 encoders"):
        RowsEncoder([], [])


class Subclass(int):
    pass


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, True),
        ((1, 1.5, "x", b"y", True, None), True),
        (([1, {"a": (2,)}],), True),
        ((), True),
        (Row(1), False),
        (([Subclass(1)],), False),
        ({Subclass(1): 1}, False),
        ((bytearray(b"x"),), False),
        ((print,), False),
    ],
)
def test_plain_values(value, plain):
    assert is_plain(value) is plain


def test_a_list_in_itself_is_not_plain():
    value = []
    value.append(value)
    assert not is_plain(value)


@pytest.mark.parametrize(
    ("width", "converted"),
    [(2, [Row(1, "x"), (1,), [1, "x"]]), (0, [(1, "x"), Row(1, "x"), (1,), [1, "x"], ()])],
)
def test_rows_that_need_no_conversion_are_passed_on(width, converted):
    given, seen = [(1, "x"), Row(1, "x"), (1,), [1, "x"], ()], []
    rows = tuple(PickledRows(given, lambda row: seen.append(row), width))
    assert seen == converted + [()] * (width > 0)
    assert [row is not None for row in rows] == [width > 0, False, False, False, False]
