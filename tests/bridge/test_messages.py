"""What tasks make of an RDD's rows: record batches, and pickles of what these can't hold."""

import datetime
import pickle
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

import pyarrow as pa
import pytest
from pyspark.errors import PySparkTypeError
from pyspark.sql import Row

from hydrofoil.bridge.messages import Conversion, RowMessages
from hydrofoil.decorators.ddl import parse_ddl

BATCH = "record batch"
PICKLE = "pickle"


def conversion(fields: str, **given: Any) -> Conversion:
    struct = parse_ddl(f"struct<{fields}>")
    return Conversion(struct, list(struct.names), **given)


def read(how: Conversion, rows: Iterable[Any], pickled: int | None = 0) -> list[tuple[str, Any]]:
    """The messages of a partition: what each of them is, and the values in it."""
    schema = how.writer().schema
    read = []
    for message in RowMessages(how, pickled)(rows):
        if message[0] == 0xFF:
            batch = pa.ipc.read_record_batch(pa.py_buffer(message), schema)
            batch.validate(full=True)
            columns = [column.to_pylist() for column in batch.columns]
            read.append((BATCH, list(zip(*columns, strict=True))))
        else:
            read.append((PICKLE, pickle.loads(message)))
    return read


def flat(messages: list[tuple[str, Any]]) -> list[Any]:
    return [row for _, rows in messages for row in rows]


# A column's type; values of it; and one that the core leaves in its middle, or at once.
LEFT = [
    ("boolean", [True, None, False], 1),
    ("tinyint", [1, None, -128], 128),
    ("double", [1.5, None, -0.0], 2),
    ("string", ["a", None, "é" * 20], "\ud800"),
    ("binary", [b"a", None, b""], "text"),
    ("date", [datetime.date(2020, 1, 1), None], datetime.datetime(2020, 1, 1)),
    ("array<string>", [["a", None], [], None], ["b", "c", 5]),
    ("array<array<bigint>>", [[[1], None], [], None], [[1, 2], [3, True]]),
    ("map<string,bigint>", [[("a", 1)], [], None], {"b": 1, "c": "x"}),
    ("struct<x:bigint,y:array<string>>", [{"x": 1, "y": ["a"]}, None], (2, ["b", 5])),
    ("struct<x:string,y:struct<z:double>>", [{"x": "a", "y": {"z": 1.5}}], ("b", (2,))),
]


@pytest.mark.parametrize("kind, values, left", LEFT, ids=[kind for kind, _, _ in LEFT])
def test_nothing_stays_of_a_row_that_is_left(kind: str, values: list[Any], left: Any) -> None:
    """Also of columns before the one that was left, whose value may be a null."""
    how = conversion(f"a:{kind},b:{kind},c:bigint", verified=False)

    def row(value: Any, i: int) -> tuple[Any, ...]:
        # Nobody else has it.
        value = deepcopy(value)
        return (dict(value) if kind.startswith("map") and value is not None else value), None, i

    def rows() -> Iterator[Any]:
        for bad in ((None, left, 7), (left, None, 8), None):
            yield from (row(value, i) for i, value in enumerate(values))
            if bad:
                yield bad

    writer, given = how.writer(), rows()
    for bad in ((None, left, 7), (left, None, 8), None):
        left_rows: list[Any] = []
        message, ended = writer.next_frame(given, 100, left_rows)
        batch = pa.ipc.read_record_batch(pa.py_buffer(message), writer.schema)
        batch.validate(full=True)
        assert batch.column(0).to_pylist() == values
        assert batch.column(1).null_count == batch.num_rows == len(values)
        assert batch.column(2).to_pylist() == list(range(len(values)))
        assert left_rows == ([bad] if bad else [])
        assert ended == (bad is None)


def test_rows_are_converted_before_the_next_is_asked_for() -> None:
    log = []

    def rows() -> Iterator[Any]:
        row: list[Any] = [0, "text"]
        for i in range(5):
            row[0] = i
            row[1] = i if i == 2 else f"text {i}"
            log.append(i)
            yield row

    how = conversion("a:bigint,b:string")
    messages = read(how, rows())
    assert flat(messages) == [(0, "text 0"), (1, "text 1"), (2, 2), (3, "text 3"), (4, "text 4")]
    assert [kind for kind, _ in messages][:2] == [BATCH, PICKLE]
    assert log == [0, 1, 2, 3, 4]


def test_an_error_comes_at_its_row() -> None:
    asked = []

    def rows() -> Iterator[Any]:
        for i in range(5):
            asked.append(i)
            yield (i if i != 2 else "two",)

    with pytest.raises(PySparkTypeError, match="LongType"):
        read(conversion("a:bigint"), rows())
    assert asked == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        read(conversion("a:bigint"), ((1 // (3 - i),) for i in range(5)))


def test_few_rows_are_pickled() -> None:
    how = conversion("a:bigint")
    assert {kind for kind, _ in read(how, [(i,) for i in range(100)], pickled=100)} == {PICKLE}
    messages = read(how, [(i,) for i in range(101)], pickled=100)
    assert messages[-1] == (BATCH, [(100,)])
    assert flat(messages) == [(i,) for i in range(101)]
    assert {kind for kind, _ in read(how, [(i,) for i in range(999)], pickled=None)} == {PICKLE}
    assert read(how, []) == []


def test_after_a_row_that_was_left_record_batches_begin_again() -> None:
    messages = read(conversion("a:string"), [(5 if i == 700 else "x",) for i in range(5_000)])
    kinds = [kind for kind, _ in messages]
    assert flat(messages) == [(5 if i == 700 else "x",) for i in range(5_000)]
    assert kinds[0] == kinds[-1] == BATCH and PICKLE in kinds


@pytest.mark.parametrize("size, most", [(1, 10_000), (20_000, 500)])
def test_batches_grow_by_rows_and_bytes(size: int, most: int) -> None:
    rows = (("x" * size,) for _ in range(30_000 if size == 1 else 3_100))
    counts = [len(rows) for _, rows in read(conversion("a:string"), rows)]
    assert max(counts) == most and counts[-1] < most


def test_classes_that_a_program_has_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    class Frozen(datetime.datetime):
        pass

    how = conversion("a:date")
    rows = [(datetime.date(2020, 1, i),) for i in (1, 2)]
    assert [kind for kind, _ in read(how, rows)] == [BATCH]
    monkeypatch.setattr(datetime, "datetime", Frozen)
    assert {kind for kind, _ in read(how, rows)} == {PICKLE}


def test_schemas_that_were_inferred() -> None:
    """Rows have values by the names that were inferred, and not by those that they get."""
    struct = parse_ddl("struct<x:bigint,y:string>")
    how = Conversion(struct, ["a", "b"], inferred=True)
    rows = [{"b": "t", "a": 1}, Row(a=2, b="u"), (3, None), {"a": True}]
    assert flat(read(how, rows)) == [(1, "t"), (2, "u"), (3, None), (True, None)]


def test_what_somebody_else_may_change_is_left() -> None:
    tags = ["a"]
    own = [(i, ["a"]) for i in range(3)]
    how = conversion("a:bigint,b:array<string>")
    assert [kind for kind, _ in read(how, own)] == [BATCH]
    assert {kind for kind, _ in read(how, ((i, tags) for i in range(1_000)))} == {PICKLE}
    mixed = [*own, (3, tags), *own]
    messages = read(how, mixed)
    assert messages[0][0] == BATCH and messages[-1][0] == PICKLE
    assert flat(messages) == mixed
    named = conversion("a:map<string,array<string>>")
    assert {kind for kind, _ in read(named, [{"a": {"x": tags}}])} == {PICKLE}
    assert {kind for kind, _ in read(named, [{"a": {"x": ["b"]}}])} == {BATCH}


def test_bare_values() -> None:
    how = conversion("value:array<bigint>", bare=True)
    assert flat(read(how, [[1, 2], None, []])) == [([1, 2],), (None,), ([],)]
    with pytest.raises(PySparkTypeError, match="accept object"):
        read(how, [[1], 5])
