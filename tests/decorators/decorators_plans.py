"""Each of PySpark's kinds of functions by Hydrofoil's decorator and by PySpark's own, and its plan.

As a program it prints the plans that differ, as JSON, in a session of its own with Spark's default
settings. Argument: a master, or "connect" for a client of a server in this process.
"""

import datetime
import decimal
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pandas as pd
import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas import functions as vectorized

import hydrofoil

cloudpickle.register_pickle_by_value(sys.modules[__name__])

Series = Annotated[pd.Series, "double"]
Array = Annotated[pa.Array, "double"]


def integer(x: int) -> int:
    return x + 1


def texts(x: str, y: float | None) -> str | None:
    return f"{x}{y}"


def lists(x: list[int], y: dict[str, int]) -> list[str] | None:
    return [*map(str, x), *y]


def times(x: datetime.date, y: datetime.datetime, z: bytes) -> bool:
    return x < y.date() and bool(z)


def number(x: decimal.Decimal) -> Annotated[decimal.Decimal, "decimal(10, 2)"]:
    return x


def default(x: int, y: int = 2) -> int:
    return x + y


def nothing() -> int:
    return 1


def series(x: pd.Series, y: pd.Series) -> Series:
    return x + y


def frames(x: pd.DataFrame) -> Series:
    return x["a"] * 1.0


def series_iterator(x: Iterator[pd.Series]) -> Iterator[Series]:
    yield from x


def series_iterators(x: Iterator[tuple[pd.Series, pd.Series]]) -> Iterator[Series]:
    for a, b in x:
        yield a + b


def series_aggregate(x: pd.Series) -> float:
    return float(x.sum())


def series_iterator_aggregate(x: Iterator[pd.Series]) -> float:
    return float(sum(one.sum() for one in x))


def arrays(x: pa.Array, y: pa.Array) -> Array:
    return x


def array_iterator(x: Iterator[pa.Array]) -> Iterator[Array]:
    yield from x


def array_iterators(x: Iterator[tuple[pa.Array, pa.Array]]) -> Iterator[Array]:
    for a, _ in x:
        yield a


def array_aggregate(x: pa.Array) -> float:
    return len(x) * 1.0


def array_iterator_aggregate(x: Iterator[pa.Array]) -> float:
    return sum(map(len, x)) * 1.0


# Made before there is a session, as in a module that a program imports.
EARLY = hydrofoil.udf(integer)

ROWS: dict[Callable[..., Any], tuple[str, ...]] = {
    integer: ("id",),
    texts: ("s", "d"),
    lists: ("l", "m"),
    times: ("day", "at", "b"),
    number: ("n",),
    default: ("id",),
    nothing: (),
}
PANDAS = {
    series: ("id", "d"),
    frames: ("r",),
    series_iterator: ("d",),
    series_iterators: ("id", "d"),
}
PANDAS_AGGREGATES = {series_aggregate: ("d",)}
ARROW = {arrays: ("id", "d"), array_iterator: ("d",), array_iterators: ("id", "d")}
ARROW_AGGREGATES = {array_aggregate: ("d",)}
# Aggregates of iterators are of Spark 4.2.
if hasattr(vectorized.PythonEvalType, "SQL_GROUPED_AGG_PANDAS_ITER_UDF"):
    PANDAS_AGGREGATES[series_iterator_aggregate] = ("d",)
    ARROW_AGGREGATES[array_iterator_aggregate] = ("d",)

DATA = """select id, 'a' as s, id * 0.5D as d, array(id) as l, map('a', id) as m,
                 date'2026-03-02' as day, timestamp'2026-03-02 12:00:00' as at, X'01' as b,
                 1.5BD as n, named_struct('a', id) as r, id % 2 as k from range(4)"""


def differences(spark: SparkSession) -> dict[str, list[Any]]:
    """What differs between Hydrofoil's function and PySpark's, by the function's name."""
    found = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Cannot infer the eval type")
        warnings.filterwarnings("ignore", "Arrow optimization for Python UDFs cannot be enabled")
        for name, ours, theirs, build in pairs(spark):
            made = [_properties(ours, build), _properties(theirs, build)]
            if made[0] != made[1]:
                found[name] = made
    return found


def pairs(spark: SparkSession) -> Iterator[tuple[str, Any, Any, Callable[[Any], Any]]]:
    """By name: Hydrofoil's function, PySpark's, and a query of either."""
    data = spark.sql(DATA)

    def selected(columns: tuple[str, ...]) -> Callable[[Any], Any]:
        return lambda f: data.select(f(*columns))

    def aggregated(columns: tuple[str, ...]) -> Callable[[Any], Any]:
        return lambda f: data.groupBy("k").agg(f(*columns))

    for f, columns in ROWS.items():
        for arrow in (None, True, False):
            ours = hydrofoil.udf(f, useArrow=arrow)
            theirs = F.udf(f, ours.returnType, useArrow=arrow)
            yield f"{f.__name__}, useArrow={arrow}", ours, theirs, selected(columns)
    for f, columns in PANDAS.items():
        yield f.__name__, hydrofoil.pandas_udf(f), F.pandas_udf(f, "double"), selected(columns)
    for f, columns in PANDAS_AGGREGATES.items():
        yield f.__name__, hydrofoil.pandas_udf(f), F.pandas_udf(f, "double"), aggregated(columns)
    if not hasattr(vectorized, "arrow_udf"):
        return
    for f, columns in ARROW.items():
        yield f.__name__, hydrofoil.arrow_udf(f), F.arrow_udf(f, "double"), selected(columns)
    for f, columns in ARROW_AGGREGATES.items():
        yield f.__name__, hydrofoil.arrow_udf(f), F.arrow_udf(f, "double"), aggregated(columns)


def _properties(function: Any, build: Callable[[Any], Any]) -> list[Any]:
    return [
        function.evalType,
        function.returnType.simpleString(),
        function.deterministic,
        # A wrapper would cost a call a row.
        f"{function.func.__module__}.{function.func.__qualname__}",
        type(function.func).__name__,
        plan_of(build(function)),
    ]


def plan_of(data: Any) -> str:
    """All of a query's plans, without the numbers of its columns and of the query."""
    if hasattr(data, "_explain_string"):
        text = data._explain_string(extended=True)
    else:
        text = data._jdf.queryExecution().toString()
    return re.sub(r"plan_id=\d+", "plan_id=", re.sub(r"#\d+L?", "#", text))


def main(where: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder
    builder = builder.remote("local[1]") if where == "connect" else builder.master(where)
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    found = differences(spark)
    kinds = [EARLY.evalType, hydrofoil.udf(integer).evalType]
    print("RESULTS", json.dumps({"differences": found, "kinds": kinds}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
