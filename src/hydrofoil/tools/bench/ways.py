"""THE table of ways to run a function of one column, and contests made of it."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from hydrofoil.tools.bench.contest import HYDROFOIL, Alone, Contest, Contestant
from hydrofoil.tools.parity.engines import STOCK, Engine

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

Kind = Literal["row", "pandas", "arrow", "numpy"]

# Rows a batch of Spark's Arrow exchange.
_BATCH = 10_000


@dataclass(frozen=True)
class Way:
    """A kind of UDF on an engine; ``use_arrow`` is how rows travel, where there is a choice."""

    kind: Kind
    engine: Engine
    use_arrow: bool | None = None


PICKLED = "row pickled (stock)"
ARROW = "row Arrow (stock)"
OURS = "row (Hydrofoil)"
OURS_PICKLED = "row pickled (Hydrofoil)"

WAYS = {
    PICKLED: Way("row", STOCK, use_arrow=False),
    ARROW: Way("row", STOCK, use_arrow=True),
    "pandas_udf (stock)": Way("pandas", STOCK),
    "arrow_udf (stock)": Way("arrow", STOCK),
    OURS: Way("row", HYDROFOIL, use_arrow=True),
    OURS_PICKLED: Way("row", HYDROFOIL, use_arrow=False),
    "pandas_udf (Hydrofoil)": Way("pandas", HYDROFOIL),
    "arrow_udf (Hydrofoil)": Way("arrow", HYDROFOIL),
    "numpy_udf (Hydrofoil)": Way("numpy", HYDROFOIL),
}


@dataclass(frozen=True)
class Workload:
    """One function, written for each kind of UDF, over one column.

    Attributes
    ----------
    column : str
        A Spark SQL expression over ``id``.
    returns : str
        The declared type of the result.
    forms : dict of Kind to callable
        The function as that kind of UDF takes it.
    rows : int
    shares : dict of Kind to float
        The part of the rows that ways of this kind get.
    tolerance : float
        As for a `Contest`.
    """

    name: str
    column: str
    returns: str
    forms: dict[Kind, Callable[[Any], Any]]
    rows: int = 2_000_000
    shares: Mapping[Kind, float] = field(default_factory=dict)
    tolerance: float = 0.0

    def data(self, spark: "SparkSession", rows: int) -> "DataFrame":
        """One column ``c`` with the session's default number of partitions."""
        return spark.range(rows).selectExpr(f"{self.column} as c")

    def contest(self, ways: Iterable[str], rows: int | None = None) -> Contest:
        """The function in these ways, of those in which it is written."""
        chosen = {
            name: WAYS[name]
            for name in ways
            if WAYS[name].kind in self.forms
            and (WAYS[name].kind != "arrow" or has_arrow_functions())
        }
        contestants = [
            Contestant(
                name,
                way.engine,
                partial(self.query, way),
                alone=way.kind,
                share=self.shares.get(way.kind, 1.0),
            )
            for name, way in chosen.items()
        ]
        functions: dict[str, Alone] = {
            way.kind: Alone(self.forms[way.kind], _ARGUMENTS[way.kind]) for way in chosen.values()
        }
        return Contest(
            self.name,
            self.data,
            rows or self.rows,
            contestants,
            functions=functions,
            tolerance=self.tolerance,
        )

    def query(self, way: Way, data: "DataFrame") -> "DataFrame":
        """The result as column ``r``."""
        return data.select(make_udf(way, self.forms[way.kind], self.returns)("c").alias("r"))


def has_arrow_functions() -> bool:
    """Whether this Spark has arrow_udf, from 4.1 on."""
    from pyspark.sql.pandas import functions

    return hasattr(functions, "arrow_udf")


def make_udf(way: Way, function: Callable[..., Any], returns: str) -> "Callable[..., Column]":
    """A function as Spark's, or Hydrofoil's where Spark has no such kind."""
    from pyspark.sql.functions import udf
    from pyspark.sql.pandas import functions as vectorized

    from hydrofoil.decorators.numpy import numpy_udf

    made: Any
    with warnings.catch_warnings():
        # Spark would rather have type hints, which the functions of a table can't carry.
        warnings.simplefilter("ignore", UserWarning)
        if way.kind == "row":
            made = udf(function, returns, useArrow=way.use_arrow)
        elif way.kind == "pandas":
            made = vectorized.pandas_udf(function, returns, vectorized.PandasUDFType.SCALAR)
        elif way.kind == "arrow":
            made = vectorized.arrow_udf(function, returns, vectorized.ArrowUDFType.SCALAR)
        else:
            made = numpy_udf(function, returnType=returns)
    call: Callable[..., Column] = made
    return call


# --- What functions are given, for measuring them alone -------------------------------------------


def values(table: "pa.Table") -> list[list[Any]]:
    """Python's values, a struct as Spark's Row."""
    from pyspark.sql import Row

    columns = []
    for column in table.columns:
        made = column.to_pylist()
        if made and isinstance(made[0], dict):
            # Of one class, as a worker's are.
            row = Row(*made[0])
            made = [row(*each.values()) for each in made]
        columns.append(made)
    return columns


def _slices(table: "pa.Table") -> "list[pa.Array]":
    column = table.column(0).combine_chunks()
    if hasattr(column, "chunks"):
        column = column.chunk(0)
    return [column.slice(start, _BATCH) for start in range(0, len(column), _BATCH)]


def series(table: "pa.Table") -> list[list[Any]]:
    """A pandas Series for each batch, as pandas_udf hands it over: of a struct, a DataFrame."""
    return [[_as_pandas(batch) for batch in _slices(table)]]


def arrays(table: "pa.Table") -> list[list[Any]]:
    """An Arrow array for each batch."""
    return [list(_slices(table))]


def numpy_arrays(table: "pa.Table") -> list[list[Any]]:
    """A NumPy array for each batch; of a struct, a dict of them."""
    return [[_as_numpy(batch) for batch in _slices(table)]]


def _as_numpy(batch: "pa.Array") -> Any:
    import pyarrow as pa

    if not pa.types.is_struct(batch.type):
        return batch.to_numpy(zero_copy_only=False)
    names = [field.name for field in batch.type]
    return dict(zip(names, (_as_numpy(part) for part in batch.flatten()), strict=True))


def _as_pandas(batch: "pa.Array") -> Any:
    import pandas as pd
    import pyarrow as pa

    if not pa.types.is_struct(batch.type):
        return batch.to_pandas()
    names = [field.name for field in batch.type]
    return pd.DataFrame(dict(zip(names, (f.to_pandas() for f in batch.flatten()), strict=True)))


_ARGUMENTS: dict[Kind, "Callable[[pa.Table], list[list[Any]]]"] = {
    "row": values,
    "pandas": series,
    "arrow": arrays,
    "numpy": numpy_arrays,
}
