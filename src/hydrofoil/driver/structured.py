"""NumPy's structured arrays as record batches: a field is a column."""

from typing import Any

import numpy as np
import pyarrow as pa


def is_structured(data: Any) -> bool:
    """Whether data is an array whose items have fields."""
    return isinstance(data, np.ndarray) and data.dtype.names is not None


def table_of(data: Any) -> pa.Table:
    """The fields of a structured array, whatever its shape, as columns of a table.

    Fields that are arrays themselves become lists, and fields with fields become structs.
    """
    rows = data.reshape(-1)
    names = list(rows.dtype.names)
    return pa.Table.from_arrays([_column(rows[name]) for name in names], names)


def _column(values: Any) -> pa.Array:
    if values.dtype.names is not None and values.ndim == 1:
        names = list(values.dtype.names)
        return pa.StructArray.from_arrays([_column(values[name]) for name in names], names)
    if values.ndim > 1:
        items = _column(values.reshape(-1, *values.shape[2:]))
        ends = np.arange(len(values) + 1, dtype=np.int32) * np.int32(values.shape[1])
        return pa.ListArray.from_arrays(pa.array(ends), items)
    return pa.array(np.ascontiguousarray(values))
