"""Arrow columns as the spool keeps them: which types are fixed-width, and what nulls become.

In: pyarrow arrays as Spark or a source sends them. Out: NumPy arrays over Arrow's memory where type
and nulls allow (so they must not be written to), or the array itself for what has no fixed width.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.seams import Spool
from hydrofoil.values.arrays import Ragged


@dataclass(frozen=True)
class Stored:
    """How values of an Arrow type lie in the spool.

    Attributes
    ----------
    dtype : numpy.dtype
        In the file.
    view : numpy.dtype
        As what NumPy users see the same bytes.
    """

    dtype: np.dtype[Any]
    view: np.dtype[Any]


def _same(name: str) -> Stored:
    return Stored(np.dtype(name), np.dtype(name))


# Arrow type -> what the spool keeps. Bits become bytes, and days 64 bits wide, so that later epochs
# need no conversion.
_STORED: dict[pa.DataType, Stored] = {
    pa.bool_(): Stored(np.dtype("uint8"), np.dtype("bool")),
    pa.int8(): _same("int8"),
    pa.int16(): _same("int16"),
    pa.int32(): _same("int32"),
    pa.int64(): _same("int64"),
    pa.uint8(): _same("uint8"),
    pa.uint16(): _same("uint16"),
    pa.uint32(): _same("uint32"),
    pa.uint64(): _same("uint64"),
    pa.float16(): _same("float16"),
    pa.float32(): _same("float32"),
    pa.float64(): _same("float64"),
    pa.date32(): Stored(np.dtype("int64"), np.dtype("datetime64[D]")),
}


def stored(type_: pa.DataType) -> Stored | None:
    """How a type's values are kept; None for types without a fixed width in NumPy."""
    if pa.types.is_timestamp(type_):
        return Stored(np.dtype("int64"), np.dtype(f"datetime64[{type_.unit}]"))
    if pa.types.is_duration(type_):
        return Stored(np.dtype("int64"), np.dtype(f"timedelta64[{type_.unit}]"))
    return _STORED.get(type_)


def is_list(type_: pa.DataType) -> bool:
    """Whether a type is a list whose elements have a fixed width."""
    return bool(
        pa.types.is_list(type_)
        or pa.types.is_large_list(type_)
        or pa.types.is_fixed_size_list(type_)
    ) and (stored(type_.value_type) is not None)


@dataclass(frozen=True)
class Field:
    """A column of the spool.

    Attributes
    ----------
    name : str
    type : pyarrow.DataType
        What users of Arrow get.
    source : int
        The column of the incoming batches that it comes from.
    mask : bool
        It says where that column is null.
    """

    name: str
    type: pa.DataType
    source: int
    mask: bool = False

    @property
    def kind(self) -> str:
        """``fixed``, ``list``, or ``other``, which is kept as Arrow keeps it."""
        if stored(self.type) is not None:
            return "fixed"
        return "list" if is_list(self.type) else "other"


def spooled_fields(schema: pa.Schema, spool: Spool) -> list[Field]:
    """The spool's columns: those of the schema, and with ``nulls="mask"`` their masks.

    Raises
    ------
    UsageError
        If two columns have one name, or a mask would get the name of a column; or at an unknown
        ``nulls``.
    """
    if spool.nulls not in ("error", "fill", "mask"):
        raise UsageError(
            f"Spool(nulls={spool.nulls!r}) is not known", hint='use "error", "fill" or "mask"'
        )
    fields: list[Field] = []
    for place, column in enumerate(schema):
        type_ = column.type
        if pa.types.is_dictionary(type_):
            type_ = type_.value_type
        field = Field(column.name, type_, place)
        fields.append(field)
        if spool.nulls == "mask" and column.nullable and field.kind != "other":
            fields.append(Field(f"{column.name}_mask", pa.bool_(), place, mask=True))
    names = [field.name for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two columns are called {name!r}"
                + (", counting the masks of nulls" if spool.nulls == "mask" else ""),
                hint="give them names of their own: df.withColumnRenamed, or select with alias",
            )
    return fields


class Converter:
    """What makes a column of the spool of each incoming array.

    Parameters
    ----------
    field : Field
    nulls : Spool
        Its ``nulls`` and ``fill`` count.
    """

    def __init__(self, field: Field, nulls: Spool) -> None:
        self.field = field
        self.nulls = nulls.nulls
        kind = stored(field.type.value_type if field.kind == "list" else field.type)
        self.fill = 0 if nulls.fill is None or nulls.nulls == "mask" else nulls.fill
        if nulls.nulls == "fill" and isinstance(nulls.fill, dict):
            self.fill = nulls.fill.get(field.name, 0)
        if kind is not None and nulls.nulls == "fill" and field.kind != "other":
            self.fill = self._checked(self.fill, kind.view)

    def _checked(self, fill: Any, dtype: np.dtype[Any]) -> Any:
        try:
            value = np.asarray(fill).astype(dtype)
        except (TypeError, ValueError) as error:
            raise self._no_fill(fill) from error
        if dtype.kind in "iu" and value != fill:
            raise self._no_fill(fill)
        return value

    def _no_fill(self, fill: Any) -> UsageError:
        return UsageError(
            f"Spool(fill={fill!r}) doesn't fit column {self.field.name!r} of type "
            f"{self.field.type}",
            hint=f"a dict gives columns values of their own: fill={{{self.field.name!r}: ...}}",
        )

    def __call__(self, array: pa.Array, width: int | None) -> Any:
        """The values, one a row.

        Parameters
        ----------
        array : pyarrow.Array
        width : int or None
            For lists: of those before.

        Returns
        -------
        numpy.ndarray, Ragged or pyarrow.Array
            One-dimensional for ``fixed``; for ``list`` two-dimensional, or `Ragged` with offsets
            from 0 where lengths differ.

        Raises
        ------
        UsageError
            At a null, with ``nulls="error"``.
        """
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if self.field.mask:
            if array.null_count == 0:
                return np.zeros(len(array), np.uint8)
            return np.asarray(array.is_null()).view(np.uint8)
        if array.type != self.field.type:
            # Spark names a session's time zone, or says of elements that they can't be null.
            array = array.cast(self.field.type)
        if self.field.kind == "other":
            return array
        if array.null_count and self.nulls == "error":
            raise self._null(array)
        return self._fixed(array) if self.field.kind == "fixed" else self._list(array, width)

    def _null(self, array: pa.Array) -> UsageError:
        name = self.field.name
        return UsageError(
            f"column {name!r} has {array.null_count} nulls among {len(array)} rows of a batch",
            hint=f"filter them out or coalesce({name}, ...); or Spool(nulls='fill', fill=...) or "
            f"Spool(nulls='mask'), which adds a column {name}_mask",
        )

    def _fixed(self, array: pa.Array) -> Any:
        kind = stored(array.type)
        assert kind is not None
        if pa.types.is_boolean(array.type):
            values = np.asarray(array.fill_null(False) if array.null_count else array)
            values = values.view(np.uint8)
        elif pa.types.is_date32(array.type):
            values = _view(array, np.dtype("int32")).astype(np.int64)
        else:
            values = _view(array, kind.dtype)
        if array.null_count:
            # What lies at nulls is arbitrary, and the memory is Arrow's.
            values = values.copy()
            values.view(kind.view)[np.asarray(array.is_null())] = self.fill
        return values

    def _list(self, array: pa.Array, width: int | None) -> Any:
        if pa.types.is_fixed_size_list(array.type):
            size = array.type.list_size
            values = array.values.slice(array.offset * size, len(array) * size)
            offsets = np.arange(len(array) + 1) * size
        else:
            large = pa.types.is_large_list(array.type)
            whole = _offsets(array, np.dtype("int64" if large else "int32"))
            values = array.values.slice(whole[0], whole[-1] - whole[0])
            offsets = whole - whole[0]
        if values.null_count and self.nulls != "fill" and not self._hidden(array):
            raise UsageError(
                f"column {self.field.name!r}: lists have null elements",
                hint="replace them: transform(c, x -> coalesce(x, 0)); or Spool(nulls='fill')",
            )
        flat = self._fixed(values)
        if array.null_count:
            flat, offsets = self._null_lists(array, flat, offsets, width)
        lengths = np.diff(offsets)
        if len(lengths) and not (lengths == lengths[0]).all():
            return Ragged(flat, offsets)
        return flat.reshape(len(array), int(lengths[0]) if len(array) else 0)

    @staticmethod
    def _hidden(array: pa.Array) -> bool:
        """Whether the null elements lie in null lists only."""
        return bool(array.null_count and array.flatten().null_count == 0)

    def _null_lists(self, array: pa.Array, flat: Any, offsets: Any, width: int | None) -> Any:
        """Null lists as lists of the fill value, as long as the others are."""
        null = np.asarray(array.is_null())
        lengths = np.diff(offsets)
        alive = np.flatnonzero(~null)
        if pa.types.is_fixed_size_list(array.type):
            width = array.type.list_size
        elif len(alive):
            width = int(lengths[alive[0]])
        new_lengths = np.where(null, width or 0, lengths)
        new_offsets = np.concatenate([[0], np.cumsum(new_lengths)])
        fresh = np.empty(new_offsets[-1], flat.dtype)
        kind = stored(array.type.value_type)
        assert kind is not None
        fresh.view(kind.view)[:] = self.fill
        starts = np.repeat(offsets[:-1][alive] - new_offsets[:-1][alive], lengths[alive])
        kept = np.repeat(~null, new_lengths)
        target = np.flatnonzero(kept)
        fresh[target] = flat[target + starts]
        return fresh, new_offsets


def _view(array: pa.Array, dtype: np.dtype[Any]) -> Any:
    buffer = array.buffers()[1]
    if buffer is None or len(array) == 0:
        return np.empty(0, dtype)
    return np.frombuffer(buffer, dtype, len(array), array.offset * dtype.itemsize)


def _offsets(array: pa.Array, dtype: np.dtype[Any]) -> Any:
    buffer = array.buffers()[1]
    if buffer is None or len(array) == 0:
        return np.zeros(len(array) + 1, np.int64)
    return np.frombuffer(buffer, dtype, len(array) + 1, array.offset * dtype.itemsize).astype(
        np.int64
    )
