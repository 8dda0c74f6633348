"""THE table of benchmark cases: data made by Spark expressions over ``id``, a UDF, its targets.

The functions do little, so that the exchange and not the function is what a case measures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.functions import udf


@dataclass(frozen=True)
class Case:
    """One UDF on one kind of data.

    ``target`` is the least ratio of stock's CPU time to Hydrofoil's, ``floor_target`` the largest
    ratio of Hydrofoil's to that of the bare loop; None where the project has set none.
    """

    name: str
    columns: tuple[str, ...]
    function: Callable[..., Any]
    returns: str
    arrow: bool = True
    target: float | None = None
    floor_target: float | None = None

    def make_data(self, spark: SparkSession, rows: int) -> DataFrame:
        """One partition of ``rows`` rows with the arguments of the UDF."""
        named = [f"{column} as c{index}" for index, column in enumerate(self.columns)]
        return spark.range(0, rows, 1, 1).selectExpr(*named)

    def apply(self, data: DataFrame) -> DataFrame:
        """The query to measure."""
        call: Callable[..., Column] = udf(self.function, self.returns, useArrow=self.arrow)
        return data.select(call(*data.columns))


_FLOOR = 1.35
_DAY = timedelta(days=1)

CASES = {
    case.name: case
    for case in (
        Case("long", ("id",), lambda x: x + 1, "long", target=2.7, floor_target=_FLOOR),
        Case(
            "long-nulls",
            ("if(id % 10 = 0, null, id)",),
            lambda x: None if x is None else x + 1,
            "long",
            target=3.0,
        ),
        Case(
            "double", ("id * 0.5D",), lambda x: x + 1.0, "double", target=2.5, floor_target=_FLOOR
        ),
        Case("float", ("cast(id as float)",), lambda x: x * 2.0, "float"),
        Case("two-arguments", ("id", "id * 2"), lambda x, y: x + y, "long", target=2.5),
        Case(
            "string-upper",
            ("concat('name ', id)",),
            lambda s: s.upper(),
            "string",
            target=3.0,
            floor_target=_FLOOR,
        ),
        Case(
            "string-nulls",
            ("if(id % 10 = 0, null, substr(cast(id as string), 1, 3))",),
            lambda s: None if s is None else s.upper(),
            "string",
        ),
        Case(
            "string-to-boolean",
            ("concat('name ', id)",),
            lambda s: s > "name 5",
            "boolean",
            target=3.5,
        ),
        Case("boolean", ("id % 3 = 0",), lambda x: not x, "boolean", floor_target=_FLOOR),
        Case("bytes", ("cast(concat('name ', id) as binary)",), lambda b: b[:6], "binary"),
        Case(
            "date",
            ("date_add(date'2000-01-01', cast(id % 10000 as int))",),
            lambda d: d + _DAY,
            "date",
            target=4.0,
        ),
        Case(
            "timestamp-year",
            ("timestamp_seconds(id * 1000)",),
            lambda t: t.year,
            "int",
            target=10.0,
        ),
        Case(
            "timestamp",
            ("timestamp_seconds(id * 1000)",),
            lambda t: t + _DAY,
            "timestamp",
            target=10.0,
        ),
        Case(
            "decimal",
            ("cast(id / 100 as decimal(18, 2))",),
            lambda d: d + 1,
            "decimal(18, 2)",
            target=1.8,
        ),
        Case(
            "struct-in",
            ("named_struct('a', id, 'b', id * 2)",),
            lambda r: r.a + r.b,
            "long",
            target=4.0,
        ),
        Case("struct-out", ("id",), lambda x: (x, x * 0.5), "a long, b double", target=3.0),
        Case(
            "array",
            ("transform(sequence(0, 7), i -> id + i + 0.5D)",),
            lambda xs: xs[::-1],
            "array<double>",
            target=5.0,
        ),
        Case("map-in", ("map('a', id, 'b', id + 1)",), lambda m: m["a"], "long", target=8.0),
        Case("pickled-long", ("id",), lambda x: x + 1, "long", arrow=False, target=1.8),
    )
}
