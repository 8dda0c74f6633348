"""What the pandas paths need of stock PySpark, whatever its version."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from hydrofoil._cext.arrays.read import ArrayReader


class ToStock(Exception):
    """The batch or group needs stock's code; ``str()`` is the reason that is counted."""


@dataclass(frozen=True, kw_only=True)
class StockPandas:
    """Stock's conversions for one task.

    Attributes
    ----------
    pipeline : callable
        Stock's own function for the task, over batches or groups of record batches.
    spark_types : callable
        Arrow schema -> the Spark types of its columns.
    series : callable
        (column as a pyarrow array, its Spark type, its name) -> list of what users get for it: one
        Series or data frame.
    all_series : callable
        (record batch) -> the same for all its columns.
    concat : callable
        (list of Series) -> the data frame of them.
    verify : callable
        Raises what stock raises at a result that is no Series or data frame of the declared shape.
    to_arrow : callable
        (results, in order) -> the record batch that stock answers with.
    by_name : bool
        Columns of a data frame with any name that is a string are looked up by name.
    timezone : str
        The session's time zone.
    large_var_types : bool
        Strings and binary are sent back with 64-bit offsets.
    integer_extensions : bool
        Integers are pandas' nullable ones.
    timestamps : callable, optional
        (time zone of a column) -> what reads its instants as local times, or None if stock's
        converter has to; without it they are local by Arrow's rules.
    mixed_structs : bool
        All fields of a struct are converted in another way if one of them is text or decimal.
    combined : bool
        A group's batches are joined in Arrow's memory before they are converted.
    views : bool
        A Series of numbers without nulls is a read-only view of Arrow's memory.
    by_label : bool
        Columns of a data frame that go by position are looked up by the label at that position.
    """

    pipeline: Callable[[int, Iterator[Any]], Iterator[pa.RecordBatch]]
    spark_types: Callable[[pa.Schema], list[Any]]
    series: Callable[[pa.Array, Any, str], Any]
    all_series: Callable[[pa.RecordBatch], list[Any]]
    concat: Callable[[list[Any]], Any]
    verify: Callable[[Any], None]
    to_arrow: Callable[[list[Any]], pa.RecordBatch]
    by_name: bool
    timezone: str
    large_var_types: bool
    integer_extensions: bool
    timestamps: Callable[[str], ArrayReader | None] | None = None
    mixed_structs: bool = True
    combined: bool = True
    views: bool = False
    by_label: bool = False
