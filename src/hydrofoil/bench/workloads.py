"""THE tables of the end-to-end benchmark: what is computed, and by which engine."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

Kind = Literal["row", "pandas", "arrow"]


@dataclass(frozen=True)
class Engine:
    """A way to run a function: the kind of UDF, and the daemon whose workers run it.

    ``use_arrow`` is how rows travel; None where the kind of UDF leaves no choice.
    """

    name: str
    kind: Kind
    daemon: str
    use_arrow: bool | None = None


STOCK = "pyspark.daemon"
PICKLED = "row pickled (stock)"
ARROW = "row Arrow (stock)"

ENGINES = (
    Engine(PICKLED, "row", STOCK, use_arrow=False),
    Engine(ARROW, "row", STOCK, use_arrow=True),
    Engine("row (Hydrofoil)", "row", "hydrofoil.daemon", use_arrow=True),
    Engine("pandas_udf (stock)", "pandas", STOCK),
    Engine("arrow_udf (stock)", "arrow", STOCK),
)


@dataclass(frozen=True)
class Workload:
    """One function, written for each kind of UDF, over one column.

    ``column`` is a Spark SQL expression over ``id``, ``returns`` the declared type of the result.
    """

    name: str
    column: str
    returns: str
    row: Callable[[Any], Any]
    pandas: Callable[[Any], Any]
    arrow: Callable[["pa.Array"], "pa.Array"]

    def data(self, spark: "SparkSession", rows: int) -> "DataFrame":
        """One column ``c`` with the session's default number of partitions."""
        return spark.range(rows).selectExpr(f"{self.column} as c")

    def function(self, kind: Kind) -> Callable[[Any], Any]:
        """The function as this kind of UDF takes it."""
        return {"row": self.row, "pandas": self.pandas, "arrow": self.arrow}[kind]

    def query(self, engine: Engine, data: "DataFrame") -> "DataFrame":
        """The result as column ``r``."""
        return data.select(self._udf(engine)("c").alias("r"))

    def _udf(self, engine: Engine) -> "Callable[[str], Column]":
        from pyspark.sql.functions import udf
        from pyspark.sql.pandas.functions import (
            ArrowUDFType,
            PandasUDFType,
            arrow_udf,
            pandas_udf,
        )

        function = self.function(engine.kind)
        call: Callable[[str], Column]
        with warnings.catch_warnings():
            # Spark would rather have type hints, which the functions of a table can't carry.
            warnings.simplefilter("ignore", UserWarning)
            if engine.kind == "row":
                call = udf(function, self.returns, useArrow=engine.use_arrow)
            elif engine.kind == "pandas":
                call = pandas_udf(function, self.returns, PandasUDFType.SCALAR)
            else:
                call = arrow_udf(function, self.returns, ArrowUDFType.SCALAR)
        return call


def _add_one(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.add(array, 1)


def _upper(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.utf8_upper(array)


def _field_plus_one(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.add(pc.struct_field(array, "a"), 1)


def _year(array: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.year(array).cast("int32")


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("long", "id", "long", lambda x: x + 1, lambda s: s + 1, _add_one),
        Workload(
            "string",
            "concat('name ', id)",
            "string",
            lambda s: s.upper(),
            lambda s: s.str.upper(),
            _upper,
        ),
        Workload(
            "struct",
            "named_struct('a', id, 'b', id * 2)",
            "long",
            lambda r: r.a + 1,
            lambda frame: frame["a"] + 1,
            _field_plus_one,
        ),
        Workload(
            "timestamp",
            "timestamp_seconds(id * 1000)",
            "int",
            lambda t: t.year,
            lambda s: s.dt.year,
            _year,
        ),
    )
}
