"""Drawn schemas and data through drawn functions.

``--hypothesis-profile=thorough`` draws more; a failure prints how to draw it again.
"""

import datetime
from decimal import Context, Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.harness import Parity
from hydrofoil.tools.parity.probes import describe, identity


def rebuilt(value: Any) -> Any:
    """The same value, made of new objects, rows as plain tuples."""
    if isinstance(value, tuple):
        return tuple(map(rebuilt, value))
    if isinstance(value, list):
        return [rebuilt(item) for item in value]
    if isinstance(value, dict):
        return {rebuilt(key): rebuilt(item) for key, item in value.items()}
    return value


def as_dicts(value: Any) -> Any:
    """The same value, rows as dicts."""
    if isinstance(value, T.Row):
        return {name: as_dicts(getattr(value, name)) for name in value.__fields__}
    if isinstance(value, list):
        return [as_dicts(item) for item in value]
    if isinstance(value, dict):
        return {key: as_dicts(item) for key, item in value.items()}
    return value


FUNCTIONS = [identity, rebuilt, as_dicts]

Typed = tuple[T.DataType, st.SearchStrategy[Any]]


def decimals(precision: int, scale: int) -> Typed:
    most = 10**precision - 1
    digits = st.integers(-most, most)
    context = st.builds(lambda n: Decimal(n).scaleb(-scale, _WIDE), digits)
    return T.DecimalType(precision, scale), context


_WIDE = Context(prec=60)

# Far enough from the ends for every zone. Times that a zone skips are in `test_timezones`.
_TIMES = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1))

KEYS: list[Typed] = [
    (T.StringType(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
    (T.LongType(), st.integers(-(2**63), 2**63 - 1)),
    (T.IntegerType(), st.integers(-(2**31), 2**31 - 1)),
    (T.BooleanType(), st.booleans()),
    (T.DateType(), st.dates()),
    decimals(18, 4),
]

LEAVES: list[Typed] = [
    *KEYS,
    (T.ByteType(), st.integers(-128, 127)),
    (T.ShortType(), st.integers(-(2**15), 2**15 - 1)),
    (T.FloatType(), st.floats(width=32)),
    (T.DoubleType(), st.floats()),
    (T.BinaryType(), st.binary(max_size=20)),
    (T.TimestampType(), _TIMES),
    (T.TimestampNTZType(), _TIMES),
    (
        T.DayTimeIntervalType(),
        st.timedeltas(datetime.timedelta(-(10**6)), datetime.timedelta(10**6)),
    ),
    decimals(38, 10),
    decimals(1, 0),
]


def nullable(typed: Typed) -> st.SearchStrategy[Any]:
    return st.none() | typed[1]


def arrays(element: Typed) -> Typed:
    return T.ArrayType(element[0]), st.lists(nullable(element), max_size=4)


def maps(key: Typed, value: Typed) -> Typed:
    kind = T.MapType(key[0], value[0])
    return kind, st.dictionaries(key[1], nullable(value), max_size=3)


def structs(fields: list[Typed]) -> Typed:
    names = [f"f{i}" for i in range(len(fields))]
    kind = T.StructType([T.StructField(n, f[0]) for n, f in zip(names, fields, strict=True)])
    return kind, st.tuples(*map(nullable, fields))


def containers(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    return st.one_of(
        inner.map(arrays),
        st.builds(maps, st.sampled_from(KEYS), inner),
        st.lists(inner, max_size=3).map(structs),
    )


typed_values = st.recursive(st.sampled_from(LEAVES), containers, max_leaves=4)


@st.composite
def tables(draw: st.DrawFn) -> tuple[T.StructType, list[tuple[Any, ...]]]:
    columns = draw(st.lists(typed_values, min_size=1, max_size=5))
    schema, row = structs(columns)
    assert isinstance(schema, T.StructType)
    return schema, draw(st.lists(row, max_size=12))


@given(
    table=tables(),
    function=st.sampled_from(FUNCTIONS),
    arrow=st.sampled_from([True, True, False]),
    batch=st.sampled_from(["1", "5", "10000"]),
    large=st.booleans(),
)
def test_drawn_data(
    parity: Parity,
    table: tuple[T.StructType, list[tuple[Any, ...]]],
    function: Any,
    arrow: bool,
    batch: str,
    large: bool,
) -> None:
    schema, rows = table

    def build(spark: SparkSession) -> DataFrame:
        frame = spark.createDataFrame(rows, schema).coalesce(1)
        seen = udf(describe, "string", useArrow=arrow)
        together = udf(lambda *values: describe(values), "string", useArrow=arrow)
        returned = [
            udf(function, field.dataType, useArrow=arrow)(field.name).alias(field.name)
            for field in schema
        ]
        described = [seen(field.name).alias(f"seen_{field.name}") for field in schema]
        return frame.select(*returned, *described, together(*schema.names).alias("together"))

    conf = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": batch,
        "spark.sql.execution.arrow.useLargeVarTypes": str(large).lower(),
    }
    with parity.under(conf=conf):
        parity.same(build)
