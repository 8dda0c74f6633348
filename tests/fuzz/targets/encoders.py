"""Results of users' functions, and rows of users' programs: objects of any kind, made of an
input's bytes, in every encoder.

Some change what is being encoded while it is. What is taken whole has to be what stock PySpark
makes of the same values, where these are harmless.
"""

import io
from collections import namedtuple
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import partial, reduce
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import (
    ArrayType,
    DataType,
    MapType,
    NullType,
    Row,
    StructField,
    StructType,
    _infer_schema,
    _merge_type,
)
from unit.cext.samples import SAMPLES, SCALARS
from unit.cext.stock import OPTIONS, to_arrow

from fuzz.arrow import same
from fuzz.choices import Choices
from hydrofoil._cext.columns import live_buffers
from hydrofoil._cext.frames import FrameWriter
from hydrofoil._cext.objects.base import write_batch
from hydrofoil._cext.records import RecordsEncoder, Unknown, telling_rows
from hydrofoil._cext.udtf import RowsEncoder, SourceRowsEncoder, is_plain
from hydrofoil.values.arrow_types import arrow_type, without_maps
from hydrofoil.values.rows.writing import java_order
from hydrofoil.values.type_table import Options, encoder_for

KINDS = [kind for kind, _ in SCALARS]
VALUES = [value for _, values in SAMPLES for value in values]
DEPTH = 3
# How encoders are made: for results by Arrow, by pickle, with wide offsets; for a program's rows.
PICKLED = replace(OPTIONS, pickled=True, map_order=partial(java_order, java=17))
WIDE = replace(OPTIONS, large_var_types=True)
STRICT = replace(PICKLED, binary_as_bytes=False, strict=True)
COLUMNS = {0: OPTIONS, 1: PICKLED, 2: WIDE}
ROWS, SOURCE_ROWS, RECORDS, PULLED, TELLING = range(3, 8)
# A dict that changes while it is walked; keys that nobody can hash are stock's to complain about.
REFUSED = (RuntimeError,)


class Numeric:
    """Is no number, but says that it is one."""

    def __init__(self, act: Any) -> None:
        self.act = act

    def __index__(self) -> int:
        self.act()
        return 7

    def __float__(self) -> float:
        self.act()
        return 7.5

    def __len__(self) -> int:
        self.act()
        return 3

    def __str__(self) -> str:
        self.act()
        return "seven"


class Text(str):
    """A string that does something when it is compared."""

    act: Any = staticmethod(lambda: None)

    def __eq__(self, other: object) -> bool:
        self.act()
        return str.__eq__(self, str(other))

    __hash__ = str.__hash__


class Zone(tzinfo):
    """Does something whenever it is asked, and may answer with anything."""

    def __init__(self, act: Any, offset: Any) -> None:
        self.act, self.offset = act, offset

    def utcoffset(self, _: datetime | None) -> Any:
        self.act()
        return self.offset

    def dst(self, _: datetime | None) -> Any:
        return None


class Shifty:
    """A row whose attributes are different ones whenever they are asked for."""

    def __init__(self, values: dict[str, Any], act: Any) -> None:
        self.values, self.act = values, act

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        self.act()
        return dict(self.values)


class Number(int):
    pass


class Maker:
    """Makes types, and values that more or less fit them."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.containers: list[Any] = []
        self.hostile = False

    def kind(self, depth: int = DEPTH) -> DataType:
        form = self.choices.byte() % (8 if depth else 5)
        if form < 5:
            return self.choices.of(KINDS)
        if form == 5:
            element = self.kind(depth - 1)
            # Nulls alone that must not be null are no type of Arrow's.
            with_nulls = bool(self.choices.byte() & 1) or isinstance(element, NullType)
            return ArrayType(element, with_nulls)
        if form == 6:
            return MapType(self.choices.of(KINDS[1:]), self.kind(depth - 1))
        fields = [self.kind(depth - 1) for _ in range(self.choices.byte() % 3)]
        return StructType([StructField(f"f{i}", each) for i, each in enumerate(fields)])

    def value(self, kind: DataType) -> Any:
        """A value that fits the type, mostly."""
        if self.choices.byte() % 8 == 7:
            return self.anything(DEPTH)
        size = self.choices.byte() % 4
        if isinstance(kind, ArrayType):
            return self.kept([self.value(kind.elementType) for _ in range(size)])
        if isinstance(kind, MapType):
            return self.kept(
                {self.key(kind.keyType): self.value(kind.valueType) for _ in range(size)}
            )
        if isinstance(kind, StructType):
            values = [self.value(field.dataType) for field in kind.fields]
            if size == 0:
                return tuple(values)
            if size == 1:
                return Row(**dict(zip(kind.names, values, strict=True)))
            if size == 2:
                return self.kept(values)
            names = [self.text(name) for name in kind.names]
            return self.kept(dict(zip(names, values, strict=True)))
        for each, values in SCALARS:
            if each == kind:
                return self.choices.of([*values, None])
        return None

    def key(self, kind: DataType) -> Any:
        made = self.value(kind)
        with suppress(TypeError):
            hash(made)
            return made
        return None

    def text(self, name: str) -> str:
        if self.choices.byte() % 4:
            return name
        self.hostile = True
        made = Text(name)
        made.act = self.spoil_after(self.choices.byte() % 4)
        return made

    def row(self, schema: StructType) -> Any:
        """A row as programs have them: an object that has its fields' values, mostly."""
        form = self.choices.byte() % 8
        if form == 7:
            return self.value(schema)
        values = [self.value(field.dataType) for field in schema.fields]
        by_name = dict(zip(schema.names, values, strict=True))
        if form == 0:
            return self.kept(values)
        if form == 1:
            return self.kept(by_name)
        if form == 2:
            return SimpleNamespace(**by_name)
        if form == 3:
            return Row(**by_name)
        if form == 4:
            return namedtuple("Named", schema.names)(*values)
        if form == 5:
            self.hostile = True
            return Shifty(by_name, self.spoil_after(self.choices.byte() % 4))
        return tuple(values)

    def one_by_one(self, made: list[Any]) -> Iterator[Any]:
        """Rows that nobody else has, for the most part, or one that changes from row to row."""
        last = None
        while made:
            row = made.pop(0)
            if self.choices.byte() % 4 == 3 and isinstance(row, list) and isinstance(last, list):
                last[:] = row
                row = last
            yield row
            last = row
            if self.choices.byte() % 8 == 7:
                self.hostile = True
                self.spoil()

    def anything(self, depth: int) -> Any:
        form = self.choices.byte() % 18
        if form < 4:
            return self.choices.of(VALUES)
        size = self.choices.byte()
        if form == 4:
            return self.choices.number(size % 40)
        if form == 5:
            return self.choices.take(size).decode(
                "utf-8", "surrogateescape" if size % 2 else "replace"
            )
        if form == 6:
            return bytearray(self.choices.take(size))
        if form == 7:
            return Decimal(
                (size & 1, [d % 10 for d in self.choices.take(size % 45)], self.choices.number(5))
            )
        if form == 8:
            return timedelta(microseconds=self.choices.number(8) >> 1)
        if form == 9:
            return self.moment()
        if form == 10:
            return date.fromordinal(1 + self.choices.number(3) % 3652059)
        if form == 11:
            return Number(self.choices.number(9))
        if form == 12:
            self.hostile = True
            return Numeric(self.spoil_after(size % 4))
        if form == 13:
            return self.choices.of(
                [float("nan"), -0.0, 1e308, 2**63, -(2**63) - 1, True, Decimal("NaN")]
            )
        if depth == 0:
            return None
        parts = [self.anything(depth - 1) for _ in range(size % 4)]
        if form == 14:
            return self.kept(parts)
        if form == 15:
            return tuple(parts)
        if form == 16:
            return Row(*parts) if parts else Row()
        with suppress(TypeError):
            return self.kept({part: part for part in parts})
        return None

    def moment(self) -> datetime:
        day = date.fromordinal(1 + self.choices.number(3) % 3652059)
        how = self.choices.byte() % 4
        zone: tzinfo | None = None
        if how == 1:
            zone = timezone(timedelta(minutes=self.choices.number(2) % 1440))
        elif how > 1:
            self.hostile = True
            offsets = [timedelta(hours=1), None, timedelta(days=2), "an hour", timedelta(0, 1, 1)]
            zone = Zone(self.spoil_after(self.choices.byte() % 4), self.choices.of(offsets))
        return datetime(day.year, day.month, day.day, self.choices.byte() % 24, tzinfo=zone)

    def kept(self, container: Any) -> Any:
        if self.choices.byte() & 1:
            self.containers.append(container)
        return container

    def spoil_after(self, calls: int) -> Any:
        left = iter([False] * calls + [True])

        def act() -> None:
            if next(left, False):
                self.spoil()

        return act

    def spoil(self) -> None:
        for container in self.containers:
            how = self.choices.byte() % 4
            if how == 0:
                container.clear()
            elif how == 1 and container:
                container.pop() if isinstance(container, list) else container.popitem()
            elif how == 2 and isinstance(container, list):
                container.extend(container[:4] * 20)
            elif how == 3 and isinstance(container, list):
                container[:] = [object() for _ in container]


def one(data: bytes) -> None:
    before = live_buffers()
    choices = Choices(data)
    form = choices.byte() % 8
    maker = Maker(choices)
    try:
        if form in COLUMNS:
            column(maker, COLUMNS[form])
        elif form == TELLING:
            telling(maker)
        else:
            rows(maker, form)
    except REFUSED:
        pass
    except (TypeError, ValueError, OverflowError, AttributeError):
        # Of the user's own objects: an hour that is no timedelta, a digit of no number.
        if not maker.hostile:
            raise
    assert live_buffers() == before


def column(maker: Maker, options: Options) -> None:
    kind = maker.kind()
    values = [maker.value(kind) for _ in range(3)]
    maker.containers.append(values)
    encoder = encoder_for(kind, options)
    taken = encoder.encode(values)
    for value in values:
        is_plain(value)
    # After a value that is left, stock converts what there is, from what can be restored.
    restored = encoder.restored(taken) if encoder.restores else None
    schema = schema_of(["c"], [kind], wide=options.large_var_types)
    if options.pickled:  # As lists they may have null keys.
        schema = without_maps(pa.schema([("c", arrow_type(kind))]))
    batch = None
    if taken == len(values) == encoder.length:
        batch = written(schema, [encoder], taken)
    # Pickle has rules of its own for maps, and nulls where the type has none.
    if maker.hostile or options.pickled:
        return
    stock = to_arrow(kind, values[:taken])
    assert restored is None or same(to_arrow(kind, restored), stock)
    # pyarrow 26 casts maps of maps of nulls to arrays that are too short, to the same type as well.
    wanted = schema.types[0]
    expected = stock if stock.type == wanted else stock.cast(wanted)
    assert batch is None or same(batch.column(0), expected)


def schema_of(names: list[str], kinds: list[DataType], *, wide: bool = False) -> pa.Schema:
    arrow = [to_arrow_type(kind, timezone="UTC", prefers_large_types=wide) for kind in kinds]
    return pa.schema([*zip(names, arrow, strict=True)])


def rows(maker: Maker, form: int) -> None:
    kinds = [maker.kind(2) for _ in range(1 + maker.choices.byte() % 3)]
    names = [f"f{i}" for i in range(len(kinds))]
    schema = StructType([StructField(*each) for each in zip(names, kinds, strict=True)])
    if form in (RECORDS, PULLED):
        records(maker, schema, pulled=form == PULLED)
        return
    made = [maker.value(schema) for _ in range(3)]
    maker.containers.append(made)
    fields = [encoder_for(kind, OPTIONS) for kind in kinds]
    encoder = RowsEncoder(fields, names) if form == ROWS else SourceRowsEncoder(fields, names, Row)
    taken: list[Any] = []
    if encoder.drain(iter(made), taken, bool(maker.choices.byte() & 1)):
        struct = pa.struct(list(schema_of(names, kinds)))
        written(pa.schema([("_0", struct)]), [encoder], len(taken))


def records(maker: Maker, schema: StructType, *, pulled: bool) -> None:
    """What a program hands to Spark: a list of rows, or an iterator's."""
    bare = len(schema.names) == 1 and bool(maker.choices.byte() & 1)
    options = maker.choices.of([OPTIONS, STRICT])
    fields = [encoder_for(field.dataType, options) for field in schema.fields]
    encoder = RecordsEncoder(fields, schema.names, bare=bare, refused=Number)
    sent = schema_of(schema.names, [field.dataType for field in schema.fields])
    kind = schema.fields[0].dataType if bare else schema
    made = [maker.value(kind) if bare else maker.row(schema) for _ in range(4)]
    maker.containers.append(made)
    if not pulled:
        if encoder.take(made, 0, 3) == 3:
            written(sent, encoder.encoders(), 3)
        return
    source, left, ended = maker.one_by_one(made), [], False
    while not left and not ended:
        ended = encoder.pull(source, 1 + maker.choices.byte() % 3, left)
        written(sent, encoder.encoders(), encoder.length)


def telling(maker: Maker) -> None:
    """The schema that PySpark infers of all rows is that of those which tell something."""
    kinds = [maker.kind(1) for _ in range(maker.choices.byte() % 4)]
    schema = StructType([StructField(f"f{i}", kind) for i, kind in enumerate(kinds)])
    made = [maker.row(schema) for _ in range(1 + maker.choices.byte() % 6)]
    as_structs = bool(maker.choices.byte() & 1)
    maker.containers.append(made)
    try:
        found = telling_rows(made, dicts_are_structs=as_structs)
    except Unknown:
        return
    if not maker.hostile:
        assert inferred(found, as_structs) == inferred(made, as_structs)


def inferred(made: list[Any], as_structs: bool) -> str:
    """PySpark's schema of the rows, or its error."""
    try:
        schemas = [_infer_schema(row, infer_dict_as_struct=as_structs) for row in made]
        merged: DataType = reduce(_merge_type, schemas)
    except Exception as error:
        return repr(error)
    return merged.json()


def written(schema: pa.Schema, encoders: list[Any], length: int) -> pa.RecordBatch:
    """What a reader makes of it, who finds nothing wrong."""
    file = io.BytesIO()
    writer = FrameWriter(file)
    writer.write_message(schema.serialize().to_pybytes())
    write_batch(writer, encoders, length)
    writer.write_end()
    batch = pa.ipc.open_stream(file.getvalue()).read_next_batch()
    batch.validate(full=True)
    return batch


def seeds() -> list[bytes]:
    """Bytes by a fixed rule: what they choose is of no matter, if it differs."""
    return [bytes((i * i * k + k) % 251 for k in range(400)) for i in range(1, 25)]
