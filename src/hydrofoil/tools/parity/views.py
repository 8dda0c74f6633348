"""What a vectorized function was handed, as text. Runs in workers.

Extends `probes.describe` to pandas, NumPy and Arrow objects: everything about them that a user's
function could tell apart.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hydrofoil.tools.parity import probes


def see(*values: Any) -> str:
    """All values handed to a function in one call."""
    return " | ".join(map(view, values))


def view(value: Any) -> str:
    """One value, with all that it is made of."""
    for kind, viewer in _VIEWERS:
        if isinstance(value, kind):
            return f"{type(value).__module__}.{type(value).__qualname__}{{{viewer(value)}}}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, tuple) and not hasattr(value, "__fields__"):
        return f"({', '.join(map(view, value))})"
    if isinstance(value, list):
        return f"[{', '.join(map(view, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{view(key)}: {view(item)}' for key, item in value.items())}}}"
    if isinstance(value, pd.Timestamp):
        return f"{value!r} unit={value.unit} fold={value.fold} {value.tzinfo!r}"
    if isinstance(value, np.generic):
        return f"numpy.{value.dtype.str}:{value.tobytes().hex()}"
    return probes.describe(value)


def _series(series: "pd.Series[Any]") -> str:
    return ", ".join(
        [
            f"name={view(series.name)}",
            f"dtype={series.dtype!r}",
            f"index={view(series.index)}",
            f"attrs={series.attrs}",
            f"duplicates={series.flags.allows_duplicate_labels}",
            f"values={view(series.values)}",
            f"array={type(series.array).__name__}",
            # How the values come out one by one depends on the kind of array.
            f"items={[view(item) for item in series]}",
        ]
    )


def _frame(frame: pd.DataFrame) -> str:
    columns = [view(frame.iloc[:, number]) for number in range(frame.shape[1])]
    parts = [
        f"shape={frame.shape}",
        f"columns={view(frame.columns)}",
        f"dtypes={[repr(dtype) for dtype in frame.dtypes]}",
        f"index={view(frame.index)}",
        f"attrs={frame.attrs}",
        f"duplicates={frame.flags.allows_duplicate_labels}",
        f"columns={columns}",
    ]
    if frame.shape[1] and frame.dtypes.nunique() == 1:
        values = frame.values
        parts.append(f"block={_layout(values) if isinstance(values, np.ndarray) else values!r}")
        parts.append(f"one block={_shares(frame)}")
    return ", ".join(parts)


def _shares(frame: pd.DataFrame) -> bool:
    """Whether all columns lie in one array, so that ``values`` costs no copy."""
    try:
        return bool(np.shares_memory(frame.values, frame.values))
    except Exception:  # Arrays of an extension.
        return False


def _index(index: "pd.Index[Any]") -> str:
    if isinstance(index, pd.RangeIndex):
        return f"{index!r}"
    return (
        f"{index!r} of {index.inferred_type}, names={list(index.names)}, {list(map(view, index))}"
    )


def _array(array: "np.ndarray[Any, Any]") -> str:
    return f"{array.dtype!r} {_layout(array)} {[view(item) for item in array.ravel()]}"


def _layout(array: "np.ndarray[Any, Any]") -> str:
    """What can be seen without reading the values. Strides mean nothing for one element."""
    strides = array.strides if array.size > 1 else ()
    flags = array.flags
    return (
        f"shape={array.shape} strides={strides} writeable={flags.writeable} aligned={flags.aligned}"
    )


def _extension(array: pd.api.extensions.ExtensionArray) -> str:
    parts = [f"{array.dtype!r}", f"{[view(item) for item in array]}"]
    for name in ("_data", "_mask"):
        held = getattr(array, name, None)
        if isinstance(held, np.ndarray):
            parts.append(f"{name} {held.dtype!r} {_layout(held)}")
    return " ".join(parts)


def _table(table: "pa.Table | pa.RecordBatch") -> str:
    parts = [f"rows={table.num_rows}", f"schema={_schema(table.schema)}"]
    parts += [view(column) for column in table.columns]
    return ", ".join(parts)


def _schema(schema: pa.Schema) -> str:
    fields = [f"{field!s} nullable={field.nullable} {field.metadata}" for field in schema]
    return f"{fields} {schema.metadata}"


def _chunked(array: pa.ChunkedArray) -> str:
    return f"{array.type} {array.num_chunks} chunks {[view(chunk) for chunk in array.chunks]}"


def _arrow(array: pa.Array) -> str:
    array.validate(full=True)
    return (
        f"{array.type} name={getattr(array, '_name', None)!r} nulls={array.null_count} "
        f"{array} {_python(array)}"
    )


def _python(array: pa.Array) -> str:
    """The values of Python, where Python has them."""
    try:
        return probes.describe(array.to_pylist())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _arrow_scalar(scalar: pa.Scalar) -> str:
    return f"{scalar.type} valid={scalar.is_valid} {_python(pa.array([scalar], scalar.type))}"


_VIEWERS: tuple[tuple[Any, Any], ...] = (
    (pd.DataFrame, _frame),
    (pd.Series, _series),
    (pd.Index, _index),
    (np.ndarray, _array),
    (pd.api.extensions.ExtensionArray, _extension),
    ((pa.Table, pa.RecordBatch), _table),
    (pa.ChunkedArray, _chunked),
    (pa.Array, _arrow),
    (pa.Scalar, _arrow_scalar),
    (Iterator, lambda value: ""),
)
