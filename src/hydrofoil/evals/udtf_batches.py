"""Table functions on record batches (SQL_ARROW_UDTF): stock's code, but for finding partitions.

A call takes a whole batch or partition, so that stock's cost a call does not count; it compares
neighbouring rows as Python objects, which does.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

Boundaries = Callable[[pa.RecordBatch], list[int]]

# Types whose values compare in Arrow as their Python objects do.
_COMPARABLE = (
    pt.is_integer,
    pt.is_floating,
    pt.is_boolean,
    pt.is_string,
    pt.is_large_string,
    pt.is_binary,
    pt.is_large_binary,
    pt.is_decimal128,
)


def boundaries(keys: list[int], stock: Boundaries) -> Boundaries:
    """Find where each partition of a batch begins, and where the last one ends.

    Parameters
    ----------
    keys : list of int
        The columns whose values make a partition.
    stock : callable
        Finds the same, for types that compare otherwise in Arrow than in Python.
    """

    def find(batch: pa.RecordBatch) -> list[int]:
        columns = [batch.column(key) for key in keys]
        if batch.num_rows < 2 or not all(map(_is_comparable, columns)):
            return stock(batch)
        changed = _changed(columns[0])
        for column in columns[1:]:
            changed = pc.or_(changed, _changed(column))
        starts = pc.add(pc.indices_nonzero(changed), 1).to_pylist()
        return [0, *starts, batch.num_rows]

    return find


def _is_comparable(column: pa.Array) -> bool:
    if not any(is_kind(column.type) for is_kind in _COMPARABLE):
        return False
    try:
        # Python can't make a string of every sequence of bytes.
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _changed(column: pa.Array) -> Any:
    """For each row but the first, whether its value is not the row's before."""
    before, after = column.slice(0, len(column) - 1), column.slice(1)
    differ = pc.not_equal(before, after)
    if column.null_count:
        differ = pc.coalesce(differ, pc.not_equal(pc.is_null(before), pc.is_null(after)))
    return differ
