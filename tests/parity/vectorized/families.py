"""The vectorized and grouped eval types: for each, how a function stands in a query.

A *unit* is what a function is called for, or pulls from its iterator: a batch, a group, a window.
A family makes the function that a user would write from a function over one unit, and puts it in
a query over a frame whose first columns are ``k``, the grouping key, and ``n``, the row's number.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyspark
from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F
from pyspark.sql.pandas import functions as kinds

from parity.vectorized.views import see

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
    arrow : bool
        Whether functions get Arrow's objects, not those of pandas.
    result : str
        What one unit gives: a "column", a "table", a "batch" (of Arrow) or a "scalar".
    wrap : function of a unit function
        Makes the function that Spark is given.
    apply : function of a frame, a function and its declared type
        Makes the query.
    since : tuple of int
        The first version of Spark that has it.
    """

    name: str
    arrow: bool
    result: str
    wrap: Callable[[Unit], Callable[..., Any]]
    apply: Callable[[DataFrame, Callable[..., Any], str], DataFrame]
    since: tuple[int, int]

    @property
    def installed(self) -> bool:
        """Whether the installed Spark has it."""
        return tuple(map(int, pyspark.__version__.split(".")[:2])) >= self.since

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


Apply = Callable[[DataFrame, Callable[..., Any], str], DataFrame]


def _made(make: str, kind: str, function: Callable[..., Any], declared: str) -> Any:
    # Looked up when it is used: which of them there are depends on the version of Spark.
    types = kinds.ArrowUDFType if make == "arrow_udf" else kinds.PandasUDFType
    return getattr(F, make)(function, declared, getattr(types, kind))


def _select(make: str, kind: str, over: Callable[[], WindowSpec] | None = None) -> Apply:
    def apply(frame: DataFrame, function: Callable[..., Any], declared: str) -> DataFrame:
        called: Column = _made(make, kind, function, declared)(*frame.columns)
        return frame.select((called if over is None else called.over(over())).alias("made"))

    return apply


def _aggregate(make: str, kind: str) -> Apply:
    def apply(frame: DataFrame, function: Callable[..., Any], declared: str) -> DataFrame:
        called: Column = _made(make, kind, function, declared)(*frame.columns)
        return frame.groupBy("k").agg(called.alias("made"))

    return apply


def _map(method: str, barrier: bool = False) -> Apply:
    def apply(frame: DataFrame, function: Callable[..., Any], declared: str) -> DataFrame:
        return getattr(frame, method)(function, declared, barrier=barrier)  # type: ignore[no-any-return]

    return apply


def _group(method: str) -> Apply:
    def apply(frame: DataFrame, function: Callable[..., Any], declared: str) -> DataFrame:
        return getattr(frame.groupBy("k"), method)(function, declared)  # type: ignore[no-any-return]

    return apply


def _cogroup(method: str) -> Apply:
    """Key 0 has a left side only, and the left side has no key that is null."""

    def apply(frame: DataFrame, function: Callable[..., Any], declared: str) -> DataFrame:
        left = frame.filter("k IS NOT NULL").groupBy("k")
        right = frame.filter("k IS NULL OR k <> 0").groupBy("k")
        return getattr(left.cogroup(right), method)(function, declared)  # type: ignore[no-any-return]

    return apply


def _pandas(
    name: str, result: str, wrap: Any, apply: Apply, since: tuple[int, int] = (3, 5)
) -> Family:
    return Family(name, False, result, wrap, apply, since)


def _arrow(
    name: str, result: str, wrap: Any, apply: Apply, since: tuple[int, int] = (4, 1)
) -> Family:
    return Family(name, True, result, wrap, apply, since)


_P, _A = "pandas_udf", "arrow_udf"

PANDAS = (
    _pandas("scalar pandas", "column", _plain, _select(_P, "SCALAR")),
    _pandas("scalar pandas iter", "column", _iterator, _select(_P, "SCALAR_ITER")),
    _pandas("mapInPandas", "table", _iterator, _map("mapInPandas")),
    _pandas("mapInPandas barrier", "table", _iterator, _map("mapInPandas", True)),
    _pandas("applyInPandas", "table", _keyless, _group("applyInPandas")),
    _pandas("applyInPandas key", "table", _keyed, _group("applyInPandas")),
    _pandas("applyInPandas iter", "table", _keyless_frames, _group("applyInPandas"), (4, 1)),
    _pandas("applyInPandas key iter", "table", _keyed_frames, _group("applyInPandas"), (4, 1)),
    _pandas("cogroup pandas", "table", _keyless_pair, _cogroup("applyInPandas")),
    _pandas("cogroup pandas key", "table", _keyed_pair, _cogroup("applyInPandas")),
    _pandas("grouped agg pandas", "scalar", _plain, _aggregate(_P, "GROUPED_AGG")),
    _pandas(
        "grouped agg pandas iter", "scalar", _all_at_once, _aggregate(_P, "GROUPED_AGG_ITER"),
        (4, 2),
    ),
    _pandas("window pandas", "scalar", _plain, _select(_P, "GROUPED_AGG", unbounded)),
    _pandas("window pandas bounded", "scalar", _plain, _select(_P, "GROUPED_AGG", bounded)),
)  # fmt: skip

ARROW = (
    _arrow("scalar arrow", "column", _plain, _select(_A, "SCALAR")),
    _arrow("scalar arrow iter", "column", _iterator, _select(_A, "SCALAR_ITER")),
    _arrow("mapInArrow", "batch", _iterator, _map("mapInArrow"), (3, 5)),
    _arrow("mapInArrow barrier", "batch", _iterator, _map("mapInArrow", True), (3, 5)),
    _arrow("applyInArrow", "table", _keyless, _group("applyInArrow"), (4, 0)),
    _arrow("applyInArrow key", "table", _keyed, _group("applyInArrow"), (4, 0)),
    _arrow("applyInArrow iter", "batch", _keyless_batches, _group("applyInArrow")),
    _arrow("applyInArrow key iter", "batch", _keyed_batches, _group("applyInArrow")),
    _arrow("cogroup arrow", "table", _keyless_pair, _cogroup("applyInArrow"), (4, 0)),
    _arrow("cogroup arrow key", "table", _keyed_pair, _cogroup("applyInArrow"), (4, 0)),
    _arrow("grouped agg arrow", "scalar", _plain, _aggregate(_A, "GROUPED_AGG")),
    _arrow(
        "grouped agg arrow iter", "scalar", _all_at_once, _aggregate(_A, "GROUPED_AGG_ITER"),
        (4, 2),
    ),
    _arrow("window arrow", "scalar", _plain, _select(_A, "GROUPED_AGG", unbounded)),
    _arrow("window arrow bounded", "scalar", _plain, _select(_A, "GROUPED_AGG", bounded)),
)  # fmt: skip

FAMILIES = PANDAS + ARROW


def family(name: str) -> Family:
    """The family called ``name``."""
    return next(family for family in FAMILIES if family.name == name)
