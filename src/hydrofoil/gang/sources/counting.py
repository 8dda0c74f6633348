"""On the driver: the rows that each file gives, by footers, or by a filter's columns."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from hydrofoil.errors import UsageError

_In = TypeVar("_In")
_Out = TypeVar("_Out")

# Requests to an object store that wait at a time; the processors have little to do.
_THREADS = 16


def in_threads(function: Callable[[_In], _Out], values: Iterable[_In]) -> list[_Out]:
    """Apply a function that mostly waits for storage."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, values))


def row_groups(fragment: Any, schema: pa.Schema, filter: Any) -> tuple[int, tuple[int, ...] | None]:
    """A Parquet file's rows, and those that each row group gives with a filter.

    Returns
    -------
    (int, tuple of int or None)
        None without a filter: then it is the rows that the footer says.
    """
    groups = fragment.row_groups
    total = sum(group.num_rows for group in groups)
    if filter is None:
        return total, None
    selected = (
        selected_rows(fragment.subset(row_group_ids=[number]), schema, filter)
        for number in range(len(groups))
    )
    return total, tuple(selected)


def selected_rows(fragment: Any, schema: pa.Schema, filter: Any) -> int:
    """The rows of a file, or of a part of one, of which a filter is true."""
    return int(fragment.scanner(schema=schema, filter=filter).count_rows())


def as_expression(filter: Any) -> Any:
    """A filter as an expression: one of pyarrow, or tuples such as ``[("x", ">", 1)]``.

    Raises
    ------
    UsageError
        It is neither.
    """
    import pyarrow.compute as pc

    if filter is None or isinstance(filter, pc.Expression):
        return filter
    try:
        return pq.filters_to_expression(filter)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"filter={filter!r} can't be read: {error}",
            hint="use tuples such as [('day', '>=', '2026-01-01')], or pyarrow.compute.field(...)",
        ) from None


def chosen(schema: pa.Schema, columns: Sequence[str] | None, what: str) -> tuple[str, ...]:
    """The columns to read.

    Raises
    ------
    UsageError
        The table has none of a name.
    """
    if columns is None:
        return tuple(schema.names)
    if isinstance(columns, str):
        raise UsageError(f"columns={columns!r}: has to be a list", hint=f"[{columns!r}]")
    unknown = [name for name in columns if name not in schema.names]
    if unknown:
        raise UsageError(f"{what} has no columns {unknown}; it has {schema.names}")
    return tuple(columns)


def check_filter(schema: pa.Schema, filter: Any, what: str) -> None:
    """Find a filter's mistakes before any file is read.

    Raises
    ------
    UsageError
        It names a column that isn't there, or compares what can't be compared.
    """
    if filter is None:
        return
    try:
        schema.empty_table().filter(filter)
    except (pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise UsageError(f"filter {filter} doesn't fit {what}: {error}") from None
