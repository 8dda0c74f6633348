"""Results that change while they are encoded, by code that encoding itself runs.

What comes out is not compared: stock's outcome depends on the moment, too. That nothing is read
that is no longer there is what the sanitizers see (``make sanitize``); that nothing hangs, that
sizes add up and that no reference is lost is seen here.
"""

import gc
import io
import os
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from pyspark.sql.types import (
    ArrayType,
    DataType,
    LongType,
    MapType,
    Row,
    StringType,
    StructField,
    StructType,
    TimestampType,
)
from unit.cext.stock import OPTIONS

from hydrofoil._cext.frames import FrameWriter
from hydrofoil._cext.objects.base import write_batch
from hydrofoil._cext.records import RecordsEncoder
from hydrofoil._cext.udtf import RowsEncoder, SourceRowsEncoder
from hydrofoil.values.type_table import encoder_for

# For each seed; `make sanitize` runs more.
EXAMPLES = int(os.environ.get("HYDROFOIL_EXAMPLES", "300"))
EXPECTED = (RuntimeError,)  # A dict that changes while it is walked, as Python has it.


class Hostile(tzinfo):
    """Does something whenever it is asked for the offset."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act

    def utcoffset(self, at: datetime | None) -> timedelta:
        self.act()
        return timedelta(hours=1)

    def dst(self, at: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, at: datetime | None) -> str:
        return "hostile"


class HostileKey(str):
    """A key that is found by a column's name, and does something when it is compared."""

    act: Callable[[], None] = staticmethod(lambda: None)

    def __eq__(self, other: object) -> bool:
        self.act()
        return str.__eq__(self, str(other))

    __hash__ = str.__hash__


def spark_type(choose: random.Random, depth: int = 3) -> DataType:
    """A type of results, mostly with a timestamp somewhere."""
    form = choose.choice(["array", "map", "struct", "scalar"]) if depth else "scalar"
    if form == "scalar":
        return choose.choice([TimestampType(), TimestampType(), StringType(), LongType()])
    if form == "array":
        return ArrayType(spark_type(choose, depth - 1))
    if form == "map":
        return MapType(choose.choice([LongType(), StringType()]), spark_type(choose, depth - 1))
    return struct_of([spark_type(choose, depth - 1) for _ in range(choose.randint(1, 3))])


def struct_of(kinds: list[DataType]) -> StructType:
    return StructType([StructField(f"f{i}", kind) for i, kind in enumerate(kinds)])


class Maker:
    """Makes values of a type, and keeps containers of them that can be changed."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.zone = Hostile(lambda: None)
        self.containers: list[Any] = []
        self.acts: list[HostileKey] = []

    def value(self, kind: DataType) -> Any:
        if isinstance(kind, TimestampType):
            return datetime(2026, 1, 1, tzinfo=self.zone)
        if isinstance(kind, StringType):
            return f"a text that only its container has {self.choose.randrange(10)}"
        if isinstance(kind, LongType):
            return 10**12 + self.choose.randrange(10)
        size = self.choose.randint(0, 3)
        if isinstance(kind, ArrayType):
            return self.kept([self.value(kind.elementType) for _ in range(size)])
        if isinstance(kind, MapType):
            keys = [self.value(kind.keyType) for _ in range(size)]
            return self.kept({key: self.value(kind.valueType) for key in keys})
        assert isinstance(kind, StructType)
        values = [self.value(field.dataType) for field in kind.fields]
        form = self.choose.choice(["tuple", "row", "dict", "hostile"])
        if form == "tuple":
            return tuple(values)
        if form == "row":
            return Row(**dict(zip(kind.names, values, strict=True)))
        return self.kept(self.named(kind.names, values, hostile=form == "hostile"))

    def named(self, names: list[str], values: list[Any], *, hostile: bool) -> dict[str, Any]:
        keys = [HostileKey(name) for name in names] if hostile else names
        self.acts += [key for key in keys if isinstance(key, HostileKey)]
        return dict(zip(keys, values, strict=True))

    def row(self, kind: StructType) -> Any:
        """A row as table functions and sources return them: lists, too."""
        values = [self.value(field.dataType) for field in kind.fields]
        form = self.choose.choice(["list", "tuple", "dict", "hostile"])
        if form == "tuple":
            return tuple(values)
        if form == "list":
            return self.kept(values)
        return self.kept(self.named(kind.names, values, hostile=form == "hostile"))

    def kept(self, container: Any) -> Any:
        """Some of them: what is in a container that is not kept can be freed with it."""
        if self.choose.random() < 0.5:
            self.containers.append(container)
        return container

    def spoil(self) -> None:
        """Empty, shorten, lengthen or refill everything."""
        for container in self.containers:
            how = self.choose.choice(["clear", "clear", "pop", "replace", "grow", "nothing"])
            if how == "clear":
                container.clear()
            elif how == "pop" and container:
                container.pop() if isinstance(container, list) else container.popitem()
            elif how == "replace":
                for key in (
                    list(container) if isinstance(container, dict) else range(len(container))
                ):
                    container[key] = object()
            elif how == "grow" and isinstance(container, list):
                container.extend(container[:100] * 20)
        # What was freed is used for something else.
        self.rubbish = [b"\xff" * size for size in range(16, 200, 8)]

    def arm(self) -> None:
        """Let one of the first calls of the user's code spoil everything."""
        calls = iter(range(10**6))
        at = self.choose.randrange(6)

        def act() -> None:
            if next(calls) == at:
                self.spoil()

        self.zone.act = act
        for key in self.acts:
            key.act = act


def write(encoders: list[Any], length: int) -> None:
    file = io.BytesIO()
    write_batch(FrameWriter(file), encoders, length)


@pytest.mark.parametrize("seed", range(8))
def test_columns(seed: int) -> None:
    choose = random.Random(seed)
    for _ in range(EXAMPLES):
        maker, kind = Maker(choose), spark_type(choose)
        values = [maker.value(kind) for _ in range(3)]
        maker.containers.append(values)
        maker.arm()
        encoder = encoder_for(kind, OPTIONS)
        with suppress(*EXPECTED):
            if encoder.encode(values) == encoder.length:
                write([encoder], encoder.length)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("form", ["rows", "source", "records"])
def test_rows(form: str, seed: int) -> None:
    choose = random.Random(seed)
    for _ in range(EXAMPLES // 3):
        kinds = [spark_type(choose) for _ in range(choose.randint(2, 3))]
        schema = struct_of(kinds)
        maker = Maker(choose)
        rows = [maker.row(schema) for _ in range(3)]
        maker.containers.append(rows)
        maker.arm()
        fields = [encoder_for(kind, OPTIONS) for kind in kinds]
        with suppress(*EXPECTED):
            encode_rows(form, fields, schema.names, rows, once_more=choose.random() < 0.5)


def encode_rows(
    form: str, fields: list[Any], names: list[str], rows: list[Any], *, once_more: bool
) -> None:
    if form == "records":
        encoder = RecordsEncoder(fields, names)
        if encoder.take(rows, 0, 3) == 3:
            write(encoder.encoders(), 3)
        return
    made = RowsEncoder(fields, names) if form == "rows" else SourceRowsEncoder(fields, names, Row)
    taken: list[Any] = []
    if made.drain(rows, taken, once_more):
        write([made], len(taken))


def test_references_are_given_back() -> None:
    """Of values in every container, whether they are taken or left."""
    inner = StructType([StructField("t", TimestampType()), StructField("s", StringType())])
    kind = ArrayType(
        StructType(
            [StructField("a", ArrayType(inner)), StructField("m", MapType(StringType(), inner))]
        )
    )
    moment, text = datetime(2026, 1, 1), "only here"
    before = sys.getrefcount(moment), sys.getrefcount(text)
    for last in (moment, "no moment"):
        pair = {"t": moment, "s": text}
        row = Row(a=[pair, (moment, text), Row(t=last, s=text)], m={"k": pair})
        encoder = encoder_for(kind, OPTIONS)
        encoder.encode([[row, row], [row]] * 50)
        rows = RowsEncoder([encoder_for(kind, OPTIONS)], ["c"])
        rows.drain(iter([[[row]]] * 50), [], once_more=True)
        del pair, row, encoder, rows
    gc.collect()
    assert (sys.getrefcount(moment), sys.getrefcount(text)) == before
