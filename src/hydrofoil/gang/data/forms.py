"""What users get of `Rows`: Arrow, NumPy, torch or pandas.

A form is made once a pass and called once a batch. Memory is that of the rows wherever the form can
express them; what is copied stands in the table of docs/gang-data.md.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.data.columns import Field, stored
from hydrofoil.gang.data.rows import Rows
from hydrofoil.gang.data.spool import Spooled
from hydrofoil.values.arrays import Ragged


class Arrow:
    """Rows as a ``pyarrow.RecordBatch`` of the types that Spark sent.

    Parameters
    ----------
    fields : sequence of Field
    """

    # Whether making a batch costs enough to be done ahead by a thread.
    costly = False

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = fields
        self.schema = pa.schema([pa.field(field.name, field.type) for field in fields])

    def __call__(self, rows: Rows) -> pa.RecordBatch:
        arrays = [_arrow(rows.columns[field.name], field, rows.num_rows) for field in self.fields]
        return pa.record_batch(arrays, schema=self.schema)


def _arrow(values: Any, field: Field, rows: int) -> pa.Array:
    if field.kind == "fixed":
        return _flat(values, field.type)
    if field.kind == "other":
        if values.num_chunks == 1:
            return values.chunk(0)
        return values.combine_chunks() if values.num_chunks else pa.array([], field.type)
    if type(values) is Ragged:
        flat, offsets = values
    else:
        flat, offsets = values.reshape(-1), np.arange(rows + 1) * values.shape[1]
    elements = _flat(flat, field.type.value_type)
    if pa.types.is_fixed_size_list(field.type):
        return pa.FixedSizeListArray.from_arrays(elements, type=field.type)
    width = "int64" if pa.types.is_large_list(field.type) else "int32"
    if offsets[-1] > np.iinfo(width).max:
        raise UsageError(
            f"column {field.name!r}: {offsets[-1]} elements are too many for one Arrow array of "
            f"type {field.type}",
            hint="give batch_size",
        )
    buffers = [None, pa.py_buffer(offsets.astype(width))]
    return pa.Array.from_buffers(field.type, rows, buffers, children=[elements])


def _flat(values: Any, type_: pa.DataType) -> pa.Array:
    if pa.types.is_boolean(type_):
        return pa.array(values)
    kind = stored(type_)
    assert kind is not None
    if pa.types.is_date32(type_):
        values = values.view(np.int64).astype(np.int32)
    else:
        values = np.ascontiguousarray(values).view(kind.dtype)
    return pa.Array.from_buffers(type_, len(values), [None, pa.py_buffer(values)])


class Numpy:
    """Rows as a dict of NumPy arrays.

    Parameters
    ----------
    fields : sequence of Field
    spooled : Spooled
        Knows the length of lists.
    ragged : sequence of str
        Lists that may differ in length, as `Ragged`.

    Raises
    ------
    UsageError
        If ``ragged`` names something else than a list.
    """

    costly = False

    def __init__(self, fields: Sequence[Field], spooled: Spooled, ragged: Sequence[str]) -> None:
        self.fields = fields
        self.spooled = spooled
        self.ragged = set(ragged)
        lists = {field.name for field in fields if field.kind == "list"}
        unknown = sorted(self.ragged - lists)
        if unknown:
            raise UsageError(f"ragged={unknown}: not among the columns of lists, {sorted(lists)}")

    def __call__(self, rows: Rows) -> dict[str, Any]:
        return {field.name: self._column(rows, field) for field in self.fields}

    def _column(self, rows: Rows, field: Field) -> Any:
        values = rows.columns[field.name]
        if field.kind == "fixed":
            return values
        if field.kind == "list":
            return self._list(values, field.name)
        return objects(values, field.type, field.name)

    def _list(self, values: Any, name: str) -> Any:
        if name in self.ragged:
            if type(values) is Ragged:
                return values
            rows, width = values.shape
            return Ragged(values.reshape(-1), np.arange(rows + 1) * width)
        if type(values) is not Ragged:
            return values
        width = self.spooled.width(name) or 0
        lengths = np.diff(values.offsets)
        odd = lengths[lengths != width]
        if len(odd):
            raise UsageError(
                f"column {name!r}: the first list has {width} elements and another {odd[0]}; they "
                "are no two-dimensional array",
                hint=f"ragged=[{name!r}] gives values and offsets; or pad the lists in Spark",
            )
        return values.values.reshape(len(lengths), width)


def objects(values: pa.ChunkedArray, type_: pa.DataType, name: str) -> Any:
    """A column without a fixed width: Python objects, None where null; structs as dicts."""
    if pa.types.is_struct(type_):
        return _struct(values, type_, name)
    if _converts(type_):
        array = values.to_numpy()
        return array if array.dtype == object else array.astype(object)
    array = np.empty(len(values), object)
    array[:] = values.to_pylist()
    return array


def _converts(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
        or pa.types.is_decimal(type_)
    )


def _struct(values: pa.ChunkedArray, type_: pa.DataType, name: str) -> dict[str, Any]:
    array = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    result = {}
    for inner, column in zip(type_, array.flatten(), strict=True):
        path = f"{name}.{inner.name}"
        kind = stored(inner.type)
        if kind is None:
            result[inner.name] = objects(pa.chunked_array([column]), inner.type, path)
            continue
        if column.null_count:
            raise UsageError(
                f"field {path!r} is null in {column.null_count} rows of a batch, and has no nulls "
                "in NumPy",
                hint=f"select it as a column of its own, so that Spool(nulls=) counts: "
                f"col({path!r}).alias({inner.name!r})",
            )
        flat = column.to_numpy(zero_copy_only=False)
        result[inner.name] = flat if flat.flags.writeable else flat.copy()
    return result


class Torch(Numpy):
    """Rows as a dict of tensors in the rows' memory, which may be written to.

    Raises
    ------
    UsageError
        If torch isn't there, or has nothing for a column's type.
    """

    def __init__(self, fields: Sequence[Field], spooled: Spooled, ragged: Sequence[str]) -> None:
        super().__init__(fields, spooled, ragged)
        try:
            import torch
        except ImportError:
            raise UsageError(
                "torch isn't installed on this executor", hint="pip install torch; or data.numpy()"
            ) from None
        self._from_numpy = torch.from_numpy
        for field in fields:
            if field.kind == "other":
                _check_tensors(field.type, field.name)

    def __call__(self, rows: Rows) -> dict[str, Any]:
        return {name: self._tensor(value) for name, value in super().__call__(rows).items()}

    def _tensor(self, value: Any) -> Any:
        if type(value) is Ragged:
            return Ragged(self._tensor(value.values), self._tensor(value.offsets))
        if type(value) is dict:
            return {name: self._tensor(one) for name, one in value.items()}
        return self._from_numpy(value.view(np.int64) if value.dtype.kind in "mM" else value)


def _check_tensors(type_: pa.DataType, name: str) -> None:
    if pa.types.is_struct(type_):
        for inner in type_:
            if stored(inner.type) is None:
                _check_tensors(inner.type, f"{name}.{inner.name}")
        return
    if pa.types.is_decimal(type_):
        hint = f"cast it: col({name!r}).cast('double')"
    else:
        hint = "leave it out by columns=[...]; or encode it as numbers, or use data.numpy()"
    raise UsageError(f"column {name!r}: torch has no tensors of {type_}", hint=hint)


class Pandas:
    """Rows as a ``pandas.DataFrame`` of its own memory."""

    costly = True

    def __init__(self, fields: Sequence[Field]) -> None:
        self._arrow = Arrow(fields)

    def __call__(self, rows: Rows) -> Any:
        return self._arrow(rows).to_pandas()
