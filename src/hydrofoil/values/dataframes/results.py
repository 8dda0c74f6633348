"""What users return as Arrow columns: arrays to encoders, or the whole result to stock.

A result is encoded where its shape is certain (exactly a Series or data frame, with the declared
columns) and each column holds exactly the declared type. Anything else stock verifies and converts.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hydrofoil._cext.arrays.write import (
    ArrayWriter,
    BinaryWriter,
    BoolWriter,
    DateWriter,
    DoubleWriter,
    FloatWriter,
    IntegerWriter,
    StringWriter,
    StructWriter,
    TimestampWriter,
)
from hydrofoil._cext.columns import ColumnView
from hydrofoil.values.dataframes.build import builder, changed_results
from hydrofoil.values.dataframes.inputs import UTC
from hydrofoil.values.dataframes.stock import StockPandas

_WRITERS: dict[str, Callable[[StockPandas], ArrayWriter]] = {
    "BooleanType": lambda stock: BoolWriter(),
    "ByteType": lambda stock: IntegerWriter(1),
    "ShortType": lambda stock: IntegerWriter(2),
    "IntegerType": lambda stock: IntegerWriter(4),
    "LongType": lambda stock: IntegerWriter(8),
    "FloatType": lambda stock: FloatWriter(),
    "DoubleType": lambda stock: DoubleWriter(),
    "StringType": lambda stock: StringWriter(wide=stock.large_var_types),
    "BinaryType": lambda stock: BinaryWriter(wide=stock.large_var_types),
    "DateType": lambda stock: DateWriter(),
    "TimestampNTZType": lambda stock: TimestampWriter(),
}


def writer_for(spark_type: Any, stock: StockPandas) -> ArrayWriter | None:
    """What encodes results of this type, or None if stock's converter has to."""
    name = type(spark_type).__name__
    if name == "TimestampType" and stock.timezone:
        zone = stock.timezone
        return TimestampWriter(None if zone in UTC else partial(instants, zone))
    make = _WRITERS.get(name)
    return None if make is None else make(stock)


def instants(zone: str, local: Any) -> Any:
    """The instants of local times in a zone, as the array of NumPy's that a DatetimeArray wraps.

    Raises
    ------
    Exception
        If stock would raise too: where clocks were set forward there is no such local time.
    """
    return local.tz_localize(zone, ambiguous=False)._ndarray


def _extend(writer: ArrayWriter, array: Any) -> bool:
    """Append an array of a Series' values; False if stock has to convert it."""
    if changed_results():
        return False
    if isinstance(array, np.ndarray):
        return bool(writer.extend(array))
    if isinstance(writer, TimestampWriter) and isinstance(array, pd.arrays.DatetimeArray):
        # Its dtype is NumPy's only if it has no zone.
        if not isinstance(array.dtype, np.dtype):
            return False
        try:
            return bool(writer.extend(writer.localized(array)))
        except Exception:
            return False
    if isinstance(writer, StringWriter) and type(array).__name__.startswith("ArrowStringArray"):
        return _extend_text(writer, array._pa_array)
    return False


@cache
def _casts() -> bool:
    """Whether pyarrow casts pandas' Arrow strings, of wide offsets, to the declared type.

    Older ones take them as they are.
    """
    made = pa.array(pd.array(["a"], dtype="string[pyarrow]"), type=pa.string())
    return bool(made.type == pa.string())


def _extend_text(writer: StringWriter, text: Any) -> bool:
    if text.num_chunks != 1 or not _casts():
        return False
    view = ColumnView.of_type(text.type)
    if view.format not in ("u", "U"):
        return False
    try:
        return bool(writer.extend_view(view.bind(text.chunk(0))))
    finally:
        view.release()


class ColumnResults:
    """Results of functions that return a column each, such as scalar functions and aggregates."""

    def __init__(self, return_types: list[Any], stock: StockPandas) -> None:
        self.writers = [writer_for(spark_type, stock) for spark_type in return_types]
        self.return_types = return_types

    def take_column(self, k: int, series: Any) -> bool:
        """Encode one column in place of what was there before; False if stock has to."""
        writer = self.writers[k]
        if writer is None or type(series) is not pd.Series:
            return False
        writer.clear()
        return _extend(writer, series._values)

    def add_values(self, results: list[Any]) -> bool:
        """Append one row of aggregates; False, and nothing, if stock has to convert it."""
        for k, value in enumerate(results):
            if not self.add_value(k, value, 1):
                for writer in self.writers[:k]:
                    assert writer is not None
                    writer.truncate(writer.length - 1)
                return False
        return True

    def add_value(self, k: int, value: Any, count: int) -> bool:
        """Append a value ``count`` times to one column; False, and nothing, if it is left."""
        writer = self.writers[k]
        return writer is not None and not changed_results() and bool(writer.append(value, count))

    def add_list(self, k: int, values: list[Any]) -> bool:
        """Append values to one column; False, and nothing, if they are left to stock."""
        writer = self.writers[k]
        return writer is not None and not changed_results() and _extend_list(writer, values)

    def truncate(self, rows: int) -> None:
        """Forget all rows from the given one on."""
        for writer in self.writers:
            if writer is not None and writer.length > rows:
                writer.truncate(rows)

    def nbytes(self) -> int:
        """Roughly what has been encoded, in bytes."""
        return sum([writer.nbytes() for writer in self.writers if writer is not None])

    def clear(self) -> None:
        """Forget what was encoded."""
        for writer in self.writers:
            if writer is not None:
                writer.clear()


# Of a list of one type, pandas makes a Series of that type.
_LISTED = (float, np.float64, int, np.int64, str, bool, np.bool_)


def _extend_list(writer: ArrayWriter, values: list[Any]) -> bool:
    types = set(map(type, values))
    if len(types) != 1 or not types.issubset(_LISTED):
        return False
    before = writer.length
    for value in values:
        if not writer.append(value):
            writer.truncate(before)
            return False
    return True


class FrameResults:
    """Results of functions that return data frames, as one struct column.

    Parameters
    ----------
    return_type : pyspark.sql.types.StructType
        The declared columns.
    names_verified : bool
        Names that are strings must be the declared ones even where columns go by position.
    """

    def __init__(
        self, return_type: Any, stock: StockPandas, *, names_verified: bool = False
    ) -> None:
        self.builder = builder()
        self.names_verified = names_verified
        self.by_name = stock.by_name
        self.by_label = stock.by_label
        self.names: list[str] = list(return_type.names)
        self.distinct = len(set(self.names)) == len(self.names)
        writers = [writer_for(field.dataType, stock) for field in return_type.fields]
        self.writers = [writer for writer in writers if writer is not None]
        self.missing = [
            field.dataType.simpleString()
            for field, writer in zip(return_type.fields, writers, strict=True)
            if writer is None
        ]
        self.possible = bool(self.names) and not self.missing
        self.column = StructWriter([*self.writers]) if self.possible else None
        self.rows = 0
        self._known: Any = None

    def add(self, result: Any) -> bool:
        """Append a data frame's rows; False, and nothing, if stock has to convert it."""
        if not self.possible or type(result) is not pd.DataFrame:
            return False
        order = self._order(result.columns)
        if order is None:
            return False
        arrays = self.builder.arrays(result)
        for writer, position in zip(self.writers, order, strict=True):
            if not _extend(writer, arrays[position]):
                for undo in self.writers:
                    undo.truncate(self.rows)
                return False
        self.rows += len(result)
        return True

    def _order(self, columns: pd.Index) -> list[int] | range | None:
        """Where each declared column is among the result's; None if that is stock's to judge."""
        count = len(self.names)
        if len(columns) != count:
            return None
        if columns._values is self._known:
            return range(count)
        labels = list(columns)
        if self.by_label and not _tell_apart(labels):
            return None
        if labels == self.names and (self.distinct or not self.by_name):
            if not isinstance(columns._values, np.ndarray):
                # pandas 3's labels, which take longer to list, and which frames share.
                self._known = columns._values
            return range(count)
        if not any(isinstance(label, str) for label in labels):
            return range(count)
        if not self.by_name:
            return None if self.names_verified else range(count)
        if not self.distinct or set(labels) != set(self.names):
            return None
        return [labels.index(name) for name in self.names]

    def nbytes(self) -> int:
        """Roughly what has been encoded, in bytes."""
        return sum(writer.nbytes() for writer in self.writers)

    def finish(self) -> int:
        """End the batch: how many rows it has."""
        assert self.column is not None
        self.column.set_length(self.rows)
        return self.rows

    def clear(self) -> None:
        """Begin the next batch."""
        self.rows = 0
        for writer in self.writers:
            writer.clear()


def _tell_apart(labels: list[Any]) -> bool:
    """Whether a data frame gives one column for each of its labels."""
    return {int, str}.issuperset(map(type, labels)) and len(set(labels)) == len(labels)
