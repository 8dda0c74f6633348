"""Cases of plain UDFs: the functions do little, so that the exchange is what is measured."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql.functions import udf

from benchmarks.case import Case, columns


def _row(
    name: str,
    arguments: tuple[str, ...],
    function: Callable[..., Any],
    returns: str,
    arrow: bool = True,
    target: float | None = None,
    floor_target: float | None = None,
) -> Case:
    """``udf(function, returns)`` over the arguments, measured against the bare loop as well."""

    def query(data: DataFrame) -> DataFrame:
        call: Callable[..., Column] = udf(function, returns, useArrow=arrow)
        return data.select(call(*data.columns))

    return Case(
        name,
        data=columns(**{f"c{index}": argument for index, argument in enumerate(arguments)}),
        query=query,
        rows=400_000,
        target=target,
        function=function,
        floor_target=floor_target,
    )


_FLOOR = 1.35
_DAY = timedelta(days=1)

ROWS = (
    _row("long", ("id",), lambda x: x + 1, "long", target=2.7, floor_target=_FLOOR),
    _row(
        "long-nulls",
        ("if(id % 10 = 0, null, id)",),
        lambda x: None if x is None else x + 1,
        "long",
        target=3.0,
    ),
    _row("double", ("id * 0.5D",), lambda x: x + 1.0, "double", target=2.5, floor_target=_FLOOR),
    _row("float", ("cast(id as float)",), lambda x: x * 2.0, "float"),
    _row("two-arguments", ("id", "id * 2"), lambda x, y: x + y, "long", target=2.5),
    _row(
        "string-upper",
        ("concat('name ', id)",),
        lambda s: s.upper(),
        "string",
        target=3.0,
        floor_target=_FLOOR,
    ),
    _row(
        "string-nulls",
        ("if(id % 10 = 0, null, substr(cast(id as string), 1, 3))",),
        lambda s: None if s is None else s.upper(),
        "string",
    ),
    _row(
        "string-to-boolean",
        ("concat('name ', id)",),
        lambda s: s > "name 5",
        "boolean",
        target=3.5,
    ),
    _row("boolean", ("id % 3 = 0",), lambda x: not x, "boolean", floor_target=_FLOOR),
    _row("bytes", ("cast(concat('name ', id) as binary)",), lambda b: b[:6], "binary"),
    _row(
        "date",
        ("date_add(date'2000-01-01', cast(id % 10000 as int))",),
        lambda d: d + _DAY,
        "date",
        target=4.0,
    ),
    _row(
        "timestamp-year",
        ("timestamp_seconds(id * 1000)",),
        lambda t: t.year,
        "int",
        target=10.0,
    ),
    _row(
        "timestamp",
        ("timestamp_seconds(id * 1000)",),
        lambda t: t + _DAY,
        "timestamp",
        target=10.0,
    ),
    _row(
        "decimal",
        ("cast(id / 100 as decimal(18, 2))",),
        lambda d: d + 1,
        "decimal(18, 2)",
        target=1.8,
    ),
    _row(
        "struct-in",
        ("named_struct('a', id, 'b', id * 2)",),
        lambda r: r.a + r.b,
        "long",
        target=4.0,
    ),
    _row("struct-out", ("id",), lambda x: (x, x * 0.5), "a long, b double", target=3.0),
    _row(
        "array",
        ("transform(sequence(0, 7), i -> id + i + 0.5D)",),
        lambda xs: xs[::-1],
        "array<double>",
        target=5.0,
    ),
    _row("map-in", ("map('a', id, 'b', id + 1)",), lambda m: m["a"], "long", target=8.0),
    _row("pickled-long", ("id",), lambda x: x + 1, "long", arrow=False, target=1.8),
)
