"""Any schema, and rows of it, for hypothesis."""

import datetime
import os
from typing import Any

from hypothesis import strategies as st
from pyspark.sql import Row
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from hydrofoil.spark.versions import VERSIONS, installed_minor

# How many tables a test makes: fewer on older versions of Spark, which share most of the code.
# HYDROFOIL_PARITY=full makes all.
_ALL = installed_minor() == next(iter(VERSIONS)) or os.environ.get("HYDROFOIL_PARITY") == "full"
EXAMPLES = 30 if _ALL else 8

SCALARS: dict[DataType, st.SearchStrategy[Any]] = {
    BooleanType(): st.booleans(),
    ByteType(): st.integers(-128, 127),
    ShortType(): st.integers(-(2**15), 2**15 - 1),
    IntegerType(): st.integers(-(2**31), 2**31 - 1),
    LongType(): st.integers(-(2**63), 2**63 - 1),
    FloatType(): st.floats(width=32),
    DoubleType(): st.floats(),
    StringType(): st.text(max_size=8),
    BinaryType(): st.binary(max_size=8),
    DateType(): st.dates(),
    TimestampType(): st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1)),
    TimestampNTZType(): st.datetimes(),
    DayTimeIntervalType(): st.timedeltas(
        datetime.timedelta(-10_000), datetime.timedelta(10_000)
    ).map(lambda value: value - datetime.timedelta(microseconds=value.microseconds)),
    DecimalType(20, 6): st.decimals(-(10**9), 10**9, places=6),
    NullType(): st.none(),
}


def typed() -> st.SearchStrategy[tuple[DataType, st.SearchStrategy[Any]]]:
    """Types, each with values of it."""
    leaves = st.sampled_from(list(SCALARS.items()))
    return st.recursive(leaves, lambda inner: arrays(inner) | structs(inner) | maps(leaves, inner))


def arrays(inner: Any) -> Any:
    return inner.map(
        lambda one: (ArrayType(one[0]), st.lists(st.none() | one[1], max_size=3)),
    )


def structs(inner: Any) -> Any:
    def make(fields: list[Any]) -> Any:
        kind = StructType([StructField(f"f{i}", one[0]) for i, one in enumerate(fields)])
        values = st.tuples(*[st.none() | one[1] for one in fields])
        named = values.map(lambda row: {f"f{i}": value for i, value in enumerate(row)})
        rows = values.map(lambda row: Row(*kind.names)(*row))
        return kind, values | named | rows

    return st.lists(inner, min_size=1, max_size=3).map(make)


def maps(keys: Any, inner: Any) -> Any:
    def make(key: Any, one: Any) -> Any:
        return MapType(key[0], one[0]), st.dictionaries(key[1], st.none() | one[1], max_size=3)

    hashable = keys.filter(lambda key: not isinstance(key[0], (NullType, BinaryType)))
    return st.builds(make, hashable, inner)


@st.composite
def tables(
    draw: st.DrawFn, columns: int = 4, rows: int = 5
) -> tuple[StructType, list[tuple[Any, ...]]]:
    """A schema of so many columns at most, and rows of it."""
    kinds = draw(st.lists(typed(), min_size=1, max_size=columns))
    schema = StructType([StructField(f"c{i}", kind) for i, (kind, _) in enumerate(kinds)])
    row = st.tuples(*[st.none() | values for _, values in kinds])
    return schema, draw(st.lists(row, min_size=1, max_size=rows))
