"""Rows whose values' classes change what is being encoded: never a crash, and never half a row.

Run under the sanitizers, too (``make sanitize``): what is read after it was freed may look well.
"""

import datetime
import gc
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)
from unit.cext.stock import OPTIONS

from hydrofoil._cext.records import Unknown, telling_rows
from hydrofoil.values.rows.writing import RowWriter

ROWS = 50
PICKLED = replace(OPTIONS, pickled=True, strict=True)


class Hostile(datetime.tzinfo):
    """Does something whenever it is asked for an offset."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act
        self.calls = 0

    def utcoffset(self, _: datetime.datetime | None) -> datetime.timedelta:
        self.calls += 1
        self.act()
        gc.collect(0)
        return datetime.timedelta(0)

    def dst(self, _: datetime.datetime | None) -> datetime.timedelta:
        return datetime.timedelta(0)


class Falling:
    """Does something when it is freed, or asked for a number."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __del__(self) -> None:
        self.act()

    def __float__(self) -> float:
        self.act()
        return 1.0

    def __index__(self) -> int:
        self.act()
        return 1


class Key(str):
    """Is found in the place of a name, and then does something."""

    __slots__ = ("act",)
    act: Callable[[], Any]

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        if hasattr(self, "act"):
            self.act()
        return str.__eq__(self, other)


def fresh(place: int) -> str:
    """Text that nothing but what it is put into holds."""
    return f"später{place}" * 5


def columns(kind: Any) -> StructType:
    return StructType(
        [StructField("a", StringType()), StructField("t", kind), StructField("z", StringType())]
    )


def at(zone: Hostile) -> datetime.datetime:
    return datetime.datetime(2026, 3, 1, tzinfo=zone)


def written(kind: Any, rows: list[Any]) -> list[dict[str, Any]] | None:
    """The rows as they were encoded; None if one was left to stock, or raised."""
    writer = RowWriter(columns(kind), PICKLED)
    try:
        message = writer.frame(rows, 0, ROWS)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return None
    if message is None:
        return None
    batch = pa.ipc.read_record_batch(pa.py_buffer(message), writer.schema)
    batch.validate(full=True)
    read: list[dict[str, Any]] = batch.to_pylist()
    assert len(read) == ROWS
    return read


# How a row is made of its three values, and what there is of it to be changed.
SHAPES: dict[str, Callable[..., tuple[Any, Any]]] = {
    "list": lambda a, t, z: (row := [a, t, z], row),
    "dict": lambda a, t, z: (row := {"a": a, "t": t, "z": z}, row),
    "object": lambda a, t, z: (row := SimpleNamespace(a=a, t=t, z=z), row.__dict__),
    "tuple": lambda a, t, z: ((a, t, z), []),
}
# How what holds the value is made, its type, and what there is of it to be changed.
HOLDERS: dict[str, tuple[Any, Callable[[Any], tuple[Any, Any]]]] = {
    "value": (TimestampType(), lambda t: (t, [])),
    "array": (ArrayType(TimestampType()), lambda t: (held := [t, t, t], held)),
    "map": (
        MapType(StringType(), TimestampType()),
        lambda t: (held := {fresh(0): t, fresh(1): t}, held),
    ),
    "struct": (
        StructType([StructField("x", TimestampType()), StructField("y", StringType())]),
        lambda t: (held := {"x": t, "y": fresh(2)}, held),
    ),
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("victim", ["rows", "row", "held", "all"])
def test_time_zones_that_empty_what_is_encoded(shape: str, holder: str, victim: str) -> None:
    kind, hold = HOLDERS[holder]
    rows: list[Any] = []
    victims: list[Any] = []
    zone = Hostile(lambda: [each.clear() for each in victims])
    for i in range(ROWS):
        held, inner = hold(at(zone))
        row, outer = SHAPES[shape](fresh(i), held, fresh(i))
        rows.append(row)
        if i == 3:
            chosen = {"rows": [rows], "row": [outer], "held": [inner], "all": [rows, outer, inner]}
            victims += chosen[victim]
    del held, inner, row, outer
    zone.calls = 0
    read = written(kind, rows)
    assert zone.calls
    if victim == "rows" or victim == "all":
        assert read is None
    if read is not None:
        # What was not touched is as it was.
        assert [row["a"] for row in read[4:]] == [fresh(i) for i in range(4, ROWS)]


@pytest.mark.parametrize("kind", [DoubleType(), LongType(), StringType()], ids=str)
def test_values_that_change_their_row_when_they_are_freed(kind: Any) -> None:
    rows: list[Any] = []
    done: list[int] = []

    def act() -> None:
        done.append(len(rows))
        rows[:] = [[] for _ in range(5)]

    zone = Hostile(lambda: rows.pop() if rows else None)
    rows += [[fresh(i), Falling(act), fresh(i)] for i in range(ROWS)]
    assert written(kind, rows) is None
    # The zone frees the last rows, whose values replace the others.
    rows[:] = [[at(zone), Falling(act), fresh(i)] for i in range(ROWS)]
    schema = StructType([StructField("a", TimestampType()), *columns(kind)[1:]])
    assert RowWriter(schema, PICKLED).encoder.take(rows, 0, ROWS) < ROWS
    assert done


@pytest.mark.parametrize("name", ["a", "t", "z"])
def test_keys_that_change_their_row_when_they_are_looked_for(name: str) -> None:
    rows = []
    calls: list[int] = []
    for i in range(ROWS):
        key = Key(name)
        row: dict[str, Any] = {key: fresh(i)}
        row.update((other, fresh(i)) for other in "atz" if other != name)
        key.act = lambda row=row: (calls.append(1), row.clear())
        rows.append(row)
    del row, key
    read = written(StringType(), rows)
    assert calls
    assert read is None or len(read) == ROWS


def test_rows_that_are_changed_while_their_types_are_looked_for() -> None:
    rows: list[Any] = []

    class Names(tuple):
        @property
        def _fields(self) -> tuple[str, ...]:
            rows.clear()
            gc.collect(0)
            return ("a", "b")

    for make in (
        lambda: Names((fresh(1), fresh(2))),
        lambda: [fresh(1), Names((fresh(1), fresh(2)))],
        lambda: {"a": Names((fresh(1), fresh(2))), "b": fresh(3)},
    ):
        rows[:] = [make() for _ in range(ROWS)]
        try:
            telling = telling_rows(rows)
        except Unknown:
            telling = []
        assert not rows
        assert len(telling) <= 1


@pytest.mark.parametrize("kind", [list, dict])
def test_rows_that_lose_the_value_whose_type_is_looked_for(kind: Any) -> None:
    rows: list[Any] = []

    class Names(tuple):
        @property
        def _fields(self) -> tuple[str, ...]:
            # Nothing else had it.
            rows[0].clear()
            gc.collect(0)
            return ("a", "b")

    value = (fresh(1), fresh(2))
    rows.append([Names(value)] if kind is list else {"x": Names(value)})
    telling = telling_rows(rows)
    assert telling == rows == [kind()]
