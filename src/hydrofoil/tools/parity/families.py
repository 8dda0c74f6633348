"""The vectorized and grouped eval types: for each, how a function stands in a query.

A *unit* is what a function is called for, or pulls from its iterator: a batch, a group, a window.
A family makes the function that a user would write from a function over one unit, and puts it in
a query over a frame whose first columns are ``k``, the grouping key, and ``n``, the row's number.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from hydrofoil.tools.parity.views import see

try:
    from pyspark.util import PythonEvalType
except ImportError:  # Up to 3.5.
    from pyspark.rdd import PythonEvalType  # type: ignore[no-redef]

Unit = Callable[..., Any]
# Named as Spark asks for when it tells iterators by their hints.
Frames = Iterator[pd.DataFrame]
Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Family:
    """An eval type, or a way to use one.

    Attributes
    ----------
    name : str
    eval_type : str
        As PySpark names it, without ``SQL_`` and ``_UDF``.
    arrow : bool
        Whether functions get Arrow's objects, not those of pandas.
    result : str
        What one unit gives: a "column", a "table", a "batch" (of Arrow) or a "scalar".
    wrap : function of a unit function
        Makes the function that Spark is given.
    apply : function of a frame, a function and its declared type
        Makes the query.
    """

    name: str
    eval_type: str
    arrow: bool
    result: str
    wrap: Callable[[Unit], Callable[..., Any]]
    apply: Callable[[DataFrame, Callable[..., Any], str], DataFrame]

    def query(self, frame: DataFrame, unit: Unit, declared: str) -> DataFrame:
        """The query that gives what ``unit`` returns, of the declared type."""
        if self.result in ("table", "batch"):
            declared = f"made {declared}"
        return self.apply(frame, self.wrap(unit), declared)

    def observed(self, frame: DataFrame, observe: Callable[..., str] = see) -> DataFrame:
        """The query that gives what each call was handed, as text."""
        return self.query(frame, self.texts(observe), "string")

    def texts(self, observe: Callable[..., str]) -> Unit:
        """A unit function that returns a text about its arguments."""
        boxed = self.boxed

        def unit(*values: Any) -> Any:
            return boxed([observe(*values)], *values)

        return unit

    def idle(self, frame: DataFrame) -> DataFrame:
        """The query of a function that looks at nothing.

        Its numbers are of the declared type under every configuration, as text is not.
        """
        boxed = self.boxed
        return self.query(frame, lambda *values: boxed([0], *values, arrow=pa.int64()), "bigint")

    def boxed(self, items: list[Any], *values: Any, arrow: pa.DataType | None = None) -> Any:
        """Items as this family's result for a unit of ``values``, of as many rows as it needs."""
        arrow = arrow or pa.string()
        if self.result == "scalar":
            return pa.scalar(items[0]) if self.arrow else items[0]
        if self.result == "column":
            first = values[0][0] if isinstance(values[0], tuple) else values[0]
            items = (items + [None] * len(first))[: len(first)]
            return pa.array(items, arrow) if self.arrow else pd.Series(items, dtype=object)
        if not self.arrow:
            return pd.DataFrame({"made": items})
        made = pa.table({"made": items})
        return made.to_batches()[0] if self.result == "batch" else made

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


# --- From a function over one unit to the function that Spark gets ----------------------------


def _plain(unit: Unit) -> Callable[..., Any]:
    return unit


def _iterator(unit: Unit) -> Callable[..., Any]:
    def function(units: Any) -> Any:
        for values in units:
            yield unit(values)

    return function


def _keyed(unit: Unit) -> Callable[..., Any]:
    return lambda key, values: unit(key, values)


def _keyless(unit: Unit) -> Callable[..., Any]:
    return lambda values: unit(values)


def _keyless_pair(unit: Unit) -> Callable[..., Any]:
    return lambda left, right: unit(left, right)


def _keyed_pair(unit: Unit) -> Callable[..., Any]:
    return lambda key, left, right: unit(key, left, right)


def _all_at_once(unit: Unit) -> Callable[..., Any]:
    def function(units: Any) -> Any:
        return unit(*units)

    return function


def _keyless_frames(unit: Unit) -> Callable[..., Any]:
    def function(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield unit(frame)

    return function


def _keyed_frames(unit: Unit) -> Callable[..., Any]:
    def function(key: tuple[Any, ...], frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield unit(key, frame)

    return function


def _keyless_batches(unit: Unit) -> Callable[..., Any]:
    def function(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield unit(batch)

    return function


def _keyed_batches(unit: Unit) -> Callable[..., Any]:
    def function(
        key: tuple[pa.Scalar, ...], batches: Iterator[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield unit(key, batch)

    return function


# --- From that function to a query ------------------------------------------------------------


def unbounded() -> WindowSpec:
    return Window.partitionBy("k").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)


def bounded() -> WindowSpec:
    return Window.partitionBy("k").orderBy("n").rowsBetween(-1, 1)


def _select(over: Callable[[], WindowSpec] | None = None) -> Callable[..., DataFrame]:
    def apply(kind: str, frame: DataFrame, function: Any, declared: str) -> DataFrame:
        called = _made(kind, function, declared)(*frame.columns)
        return frame.select((called if over is None else called.over(over())).alias("made"))

    return apply


def _aggregate(kind: str, frame: DataFrame, function: Any, declared: str) -> DataFrame:
    called = _made(kind, function, declared)(*frame.columns)
    return frame.groupBy("k").agg(called.alias("made"))


def _made(kind: str, function: Any, declared: str) -> Callable[..., Column]:
    # Older versions have no functions of Arrow.
    make = getattr(F, "arrow_udf" if "ARROW" in kind else "pandas_udf")
    return make(function, declared, getattr(PythonEvalType, f"SQL_{kind}_UDF"))  # type: ignore[no-any-return]


def _map(method: str, barrier: bool = False) -> Callable[..., DataFrame]:
    def apply(kind: str, frame: DataFrame, function: Any, declared: str) -> DataFrame:
        return getattr(frame, method)(function, declared, barrier=barrier)  # type: ignore[no-any-return]

    return apply


def _group(method: str) -> Callable[..., DataFrame]:
    def apply(kind: str, frame: DataFrame, function: Any, declared: str) -> DataFrame:
        return getattr(frame.groupBy("k"), method)(function, declared)  # type: ignore[no-any-return]

    return apply


def _cogroup(method: str) -> Callable[..., DataFrame]:
    """Key 0 has a left side only, and the left side has no key that is null."""

    def apply(kind: str, frame: DataFrame, function: Any, declared: str) -> DataFrame:
        left = frame.filter("k IS NOT NULL").groupBy("k")
        right = frame.filter("k IS NULL OR k <> 0").groupBy("k")
        return getattr(left.cogroup(right), method)(function, declared)  # type: ignore[no-any-return]

    return apply


def _family(
    name: str, kind: str, result: str, wrap: Callable[[Unit], Any], apply: Callable[..., DataFrame]
) -> Family:
    return Family(name, kind, "ARROW" in kind, result, wrap, partial(apply, kind))


_in_pandas, _in_arrow = _group("applyInPandas"), _group("applyInArrow")
_pair_in_pandas, _pair_in_arrow = _cogroup("applyInPandas"), _cogroup("applyInArrow")

_ALL = (
    _family("scalar pandas", "SCALAR_PANDAS", "column", _plain, _select()),
    _family("scalar pandas iter", "SCALAR_PANDAS_ITER", "column", _iterator, _select()),
    _family("mapInPandas", "MAP_PANDAS_ITER", "table", _iterator, _map("mapInPandas")),
    _family(
        "mapInPandas barrier", "MAP_PANDAS_ITER", "table", _iterator, _map("mapInPandas", True)
    ),
    _family("applyInPandas", "GROUPED_MAP_PANDAS", "table", _keyless, _in_pandas),
    _family("applyInPandas key", "GROUPED_MAP_PANDAS", "table", _keyed, _in_pandas),
    _family("applyInPandas iter", "GROUPED_MAP_PANDAS_ITER", "table", _keyless_frames, _in_pandas),
    _family(
        "applyInPandas key iter", "GROUPED_MAP_PANDAS_ITER", "table", _keyed_frames, _in_pandas
    ),
    _family("cogroup pandas", "COGROUPED_MAP_PANDAS", "table", _keyless_pair, _pair_in_pandas),
    _family("cogroup pandas key", "COGROUPED_MAP_PANDAS", "table", _keyed_pair, _pair_in_pandas),
    _family("grouped agg pandas", "GROUPED_AGG_PANDAS", "scalar", _plain, _aggregate),
    _family(
        "grouped agg pandas iter", "GROUPED_AGG_PANDAS_ITER", "scalar", _all_at_once, _aggregate
    ),
    _family("window pandas", "GROUPED_AGG_PANDAS", "scalar", _plain, _select(unbounded)),
    _family("window pandas bounded", "GROUPED_AGG_PANDAS", "scalar", _plain, _select(bounded)),
    _family("scalar arrow", "SCALAR_ARROW", "column", _plain, _select()),
    _family("scalar arrow iter", "SCALAR_ARROW_ITER", "column", _iterator, _select()),
    _family("mapInArrow", "MAP_ARROW_ITER", "batch", _iterator, _map("mapInArrow")),
    _family("mapInArrow barrier", "MAP_ARROW_ITER", "batch", _iterator, _map("mapInArrow", True)),
    _family("applyInArrow", "GROUPED_MAP_ARROW", "table", _keyless, _in_arrow),
    _family("applyInArrow key", "GROUPED_MAP_ARROW", "table", _keyed, _in_arrow),
    _family("applyInArrow iter", "GROUPED_MAP_ARROW_ITER", "batch", _keyless_batches, _in_arrow),
    _family("applyInArrow key iter", "GROUPED_MAP_ARROW_ITER", "batch", _keyed_batches, _in_arrow),
    _family("cogroup arrow", "COGROUPED_MAP_ARROW", "table", _keyless_pair, _pair_in_arrow),
    _family("cogroup arrow key", "COGROUPED_MAP_ARROW", "table", _keyed_pair, _pair_in_arrow),
    _family("grouped agg arrow", "GROUPED_AGG_ARROW", "scalar", _plain, _aggregate),
    _family("grouped agg arrow iter", "GROUPED_AGG_ARROW_ITER", "scalar", _all_at_once, _aggregate),
    _family("window arrow", "GROUPED_AGG_ARROW", "scalar", _plain, _select(unbounded)),
    _family("window arrow bounded", "GROUPED_AGG_ARROW", "scalar", _plain, _select(bounded)),
)

FAMILIES = tuple(
    family for family in _ALL if hasattr(PythonEvalType, f"SQL_{family.eval_type}_UDF")
)
"""Those that the installed Spark offers."""

MISSING = frozenset(family.name for family in _ALL) - {family.name for family in FAMILIES}
"""The names of those that it does not."""

PANDAS = tuple(family for family in FAMILIES if not family.arrow)
ARROW = tuple(family for family in FAMILIES if family.arrow)


def family(name: str) -> Family:
    """The family called ``name``."""
    return next(family for family in FAMILIES if family.name == name)
