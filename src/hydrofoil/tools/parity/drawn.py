"""One drawn comparison: a schema, rows, a kind of function, what it does, and configurations.

Everything in it has a literal, so that a difference can be printed as a program.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.case import ARROW, Case
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine
from hydrofoil.tools.parity.families import FAMILIES, Family, family
from hydrofoil.tools.parity.probes import describe, describe_arguments
from hydrofoil.tools.parity.run import as_users_functions, run_case

ROWS = ("udf pickled", "udf arrow")
TABLES = ("udtf pickled", "udtf arrow")
# A task of a barrier is a job of its own kind, not a kind of function.
VECTORIZED = tuple(family.name for family in FAMILIES if "barrier" not in family.name)
KINDS = (*ROWS, *VECTORIZED, *TABLES)
# Spark 3.5 passes arguments by position alone.
NAMED = not pyspark.__version__.startswith("3.")
# Behind the type of a column that has no nulls.
NOT_NULL = " NOT NULL"


@dataclass(frozen=True)
class Drawn:
    """A comparison.

    Attributes
    ----------
    columns : tuple of str
        The types of the columns ``c0``, ``c1`` and so on, in DDL, `NOT_NULL` included.
    rows : tuple of tuples
        A value or None for each column.
    kind : str
        One of `KINDS`.
    does : str
        A name of `ROW_FUNCTIONS` for rows and table functions, else one of `UNIT_FUNCTIONS`.
    declared : tuple of str
        What the function says that it returns, for each column.
    groups : int
        How many groups the rows are in, or pretend to be.
    named : bool
        Whether a function of a whole row is given its arguments by name.
    conf : mapping
        SQL configurations.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    kind: str
    does: str
    declared: tuple[str, ...]
    groups: int = 1
    named: bool = False
    conf: Mapping[str, str] = field(default_factory=dict)

    def case(self, spark: SparkSession) -> Case:
        """The comparison as a case; its frame is made here and once."""
        frame = self._frame(spark)
        return Case(f"drawn/{self.kind}", lambda _: self._query(frame), self._settings())

    def difference(
        self, spark: SparkSession, left: Engine = WARM_STOCK, right: Engine = HYDROFOIL
    ) -> str | None:
        """What differs, in words; None if nothing does."""
        return run_case(spark, self.case(spark), left, right).difference

    def program(self) -> str:
        """A program that makes the comparison again and prints what differs."""
        fields = ",\n    ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return (
            "import datetime\n"
            "from decimal import Decimal\n"
            "from math import inf, nan\n\n"
            "from hydrofoil.tools.parity.drawn import Drawn, show\n\n"
            f"show(Drawn(\n    {fields},\n))\n"
        )

    def _settings(self) -> Mapping[str, str]:
        if self.kind in ROWS:
            return {**self.conf, ARROW: str(self.kind == "udf arrow").lower()}
        return self.conf

    def _frame(self, spark: SparkSession) -> DataFrame:
        names = [f"c{number} {kind}" for number, kind in enumerate(self.columns)]
        schema = ", ".join(["n bigint", *names])
        rows = [(number, *row) for number, row in enumerate(self.rows)]
        frame = spark.createDataFrame(rows, schema, verifySchema=False).coalesce(1)
        key = F.expr(f"IF(n % {self.groups + 1} = 1, NULL, n % {self.groups + 1})")
        return frame.select(key.alias("k"), *frame.columns)

    def _names(self) -> list[str]:
        return [f"c{number}" for number in range(len(self.columns))]

    def _query(self, frame: DataFrame) -> DataFrame:
        if self.kind in ROWS:
            return self._of_rows(frame)
        if self.kind in TABLES:
            return self._of_table(frame)
        return self._of_units(frame, family(self.kind))

    def _of_rows(self, frame: DataFrame) -> DataFrame:
        does = ROW_FUNCTIONS[self.does]
        named = list(zip(self._names(), self.declared, strict=True))
        made = [F.udf(does, _type(kind))(name).alias(name) for name, kind in named]
        look = F.udf(describe_arguments, "string")
        seen = look(**{n: n for n in self._names()}) if self.named else look(*self._names())
        return frame.select(*made, seen.alias("seen"))

    def _of_table(self, frame: DataFrame) -> DataFrame:
        does = ROW_FUNCTIONS[self.does]

        class Handler:
            def eval(self, *values: Any) -> Iterator[Any]:
                yield (describe(values), *map(does, values))

        spark = frame.sparkSession
        arrow = self.kind == "udtf arrow"
        table = F.udtf(Handler, returnType=self._schema("seen string"), useArrow=arrow)
        spark.udtf.register("parity_drawn", table)  # type: ignore[arg-type]
        frame.createOrReplaceTempView("parity_drawn_rows")
        columns = ", ".join(f"r.{name}" for name in self._names())
        return spark.sql(f"SELECT f.* FROM parity_drawn_rows r, LATERAL parity_drawn({columns}) f")

    def _of_units(self, frame: DataFrame, family: Family) -> DataFrame:
        if self.does == "see":
            return family.observed(frame)
        unit = partial(UNIT_FUNCTIONS[self.does], family)
        if family.result in ("table", "batch"):
            return family.apply(frame, family.wrap(unit), self._schema("n bigint"))
        # These see one column: the last.
        return family.apply(
            frame.select("k", "n", self._names()[-1]), family.wrap(unit), _type(self.declared[-1])
        )

    def _schema(self, first: str) -> str:
        named = zip(self._names(), self.declared, strict=True)
        return ", ".join([first, *(f"{name} {kind}" for name, kind in named)])


def _type(column: str) -> str:
    """The type of a column, which alone can't say whether there are nulls."""
    return column.removesuffix(NOT_NULL)


def show(drawn: Drawn, right: Engine = HYDROFOIL) -> None:
    """Make the comparison on a local Spark of its own and print what differs."""
    from hydrofoil.tools.parity.session import local_session

    with as_users_functions():
        found = drawn.difference(local_session(), right=right)
    print("equal" if found is None else found)


# --- What functions of rows do with a value -------------------------------------------------------


def _same(value: Any) -> Any:
    return value


def _rebuilt(value: Any) -> Any:
    """The same value, made of new objects, rows as plain tuples."""
    if isinstance(value, tuple):
        return tuple(map(_rebuilt, value))
    if isinstance(value, list):
        return [_rebuilt(item) for item in value]
    if isinstance(value, dict):
        return {_rebuilt(key): _rebuilt(item) for key, item in value.items()}
    return value


def _as_dicts(value: Any) -> Any:
    """The same value, rows as dicts."""
    if hasattr(value, "__fields__"):
        return {name: _as_dicts(getattr(value, name)) for name in value.__fields__}
    if isinstance(value, list):
        return [_as_dicts(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_dicts(item) for key, item in value.items()}
    return value


def _as_lists(value: Any) -> Any:
    """The same value, rows and arrays the other way round."""
    if isinstance(value, tuple):
        return [_as_lists(item) for item in value]
    if isinstance(value, list):
        return tuple(_as_lists(item) for item in value)
    return value


def _as_text(value: Any) -> Any:
    return None if value is None else str(value)


def _nothing(value: Any) -> Any:
    return None


def _repeated(value: Any) -> Any:
    """Twice the number, text or array, which need not fit its type."""
    return value * 2 if isinstance(value, int | float | str | bytes | list) else value


ROW_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "same": _same,
    "rebuilt": _rebuilt,
    "as dicts": _as_dicts,
    "as lists": _as_lists,
    "as text": _as_text,
    "nothing": _nothing,
    "repeated": _repeated,
}

# --- What functions of pandas and Arrow do with a unit --------------------------------------------


def _whole(family: Family, *values: Any) -> Any:
    """The unit itself: a frame without its key, a column, or a column's first value."""
    value = values[-1]
    if family.result == "column":
        return value[-1] if isinstance(value, tuple) else value
    if family.result == "scalar":
        while isinstance(value, tuple):
            value = value[-1]
        return value[0] if family.arrow else value.iloc[0]
    if isinstance(value, pd.DataFrame):
        return value.drop(columns="k")
    return value.select(value.schema.names[1:])


def _sliced(family: Family, *values: Any) -> Any:
    whole = _whole(family, *values)
    if family.result == "scalar":
        return whole
    if family.result == "column":
        if family.arrow:
            return pa.concat_arrays([whole[:1], whole])[1:]
        return pd.concat([whole.iloc[:1], whole]).iloc[1:]
    return whole.iloc[1:] if isinstance(whole, pd.DataFrame) else whole.slice(1)


def _turned(family: Family, *values: Any) -> Any:
    """Columns in the reverse order, or rows where there is one column."""
    whole = _whole(family, *values)
    if family.result == "scalar":
        return whole
    if family.result == "column":
        if family.arrow:
            return whole.take(list(range(len(whole)))[::-1])
        return whole.iloc[::-1]
    if isinstance(whole, pd.DataFrame):
        return whole.iloc[:, ::-1]
    return whole.select(list(reversed(whole.schema.names)))


def _filled(family: Family, *values: Any) -> Any:
    """All rows as the first."""
    whole = _whole(family, *values)
    if family.result == "scalar":
        return whole
    if isinstance(whole, pd.DataFrame | pd.Series):
        return whole.iloc[[0] * len(whole)]
    return whole.take([0] * len(whole)) if family.result == "column" else whole.slice(0, 1)


def _converted(family: Family, *values: Any) -> Any:
    """In the dtypes that pandas itself would choose."""
    whole = _whole(family, *values)
    if isinstance(whole, pd.DataFrame | pd.Series):
        return whole.convert_dtypes()
    return whole


def _none(family: Family, *values: Any) -> Any:
    return None


UNIT_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "whole": _whole,
    "sliced": _sliced,
    "turned": _turned,
    "filled": _filled,
    "converted": _converted,
    "none": _none,
    "see": _none,
}
"""``see`` is the family's own: a text about all that the function is given."""
