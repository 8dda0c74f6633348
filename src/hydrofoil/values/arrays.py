"""Arrow columns as NumPy arrays and back, without copies wherever type and nulls allow.

In: a pyarrow Array, whose buffers stay Arrow's; arrays over them are read-only. Out: a pyarrow
Array over the memory of a result; whoever returns an array must not change it afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hydrofoil.values.arrow_types import arrow_type

Nulls = Literal["propagate", "mask", "nan", "error"]
Strings = Literal["object", "stringdtype"]


class Masked(NamedTuple):
    """Values, and where they are null (True), one mark a row. Values at nulls are arbitrary."""

    values: Any
    mask: Any


class Ragged(NamedTuple):
    """Lists of different lengths: row ``i`` is ``values[offsets[i]:offsets[i + 1]]``."""

    values: Any
    offsets: Any


# Arrow types whose buffers NumPy can view: by id, the dtype.
_VIEWED: dict[int, np.dtype[Any]] = {
    pa.int8().id: np.dtype("int8"),
    pa.int16().id: np.dtype("int16"),
    pa.int32().id: np.dtype("int32"),
    pa.int64().id: np.dtype("int64"),
    pa.float32().id: np.dtype("float32"),
    pa.float64().id: np.dtype("float64"),
    pa.timestamp("us").id: np.dtype("datetime64[us]"),
    pa.duration("us").id: np.dtype("timedelta64[us]"),
}
_STRUCT = pa.struct([]).id
_TIMES = (pa.timestamp("us").id, pa.duration("us").id)
_LISTS = (pa.list_(pa.int8()).id, pa.large_list(pa.int8()).id)
_TEXTS = (pa.string().id, pa.large_string().id)
_BYTES = (pa.binary().id, pa.large_binary().id)


class Argument:
    """What makes a parameter's value of a column.

    Parameters
    ----------
    name : str
        The parameter, for messages.
    nulls : {"propagate", "mask", "nan", "error"}
    strings : {"object", "stringdtype"}
    ragged : bool
        Lists arrive as `Ragged` instead of a two-dimensional array.
    """

    def __init__(self, name: str, nulls: Nulls, strings: Strings, ragged: bool) -> None:
        self.name = name
        self.nulls = nulls
        self.strings = strings
        self.ragged = ragged

    def __call__(self, array: pa.Array) -> Any:
        """The column's values.

        Returns
        -------
        numpy.ndarray
            Read-only; one-dimensional, or two-dimensional for lists. Or `Ragged` of them, `Masked`
            of any of these, or a dict of them for a struct.

        Raises
        ------
        ValueError
            With ``nulls="error"`` at a null; at lists of different lengths; at null elements,
            unless they can be NaN.
        TypeError
            If NumPy has nothing for the column's type.
        """
        if array.type.id in _TIMES and array.type.unit != "us":
            # pandas' are in nanoseconds.
            unit = pa.duration("us")
            if array.type.id == _TIMES[0]:
                unit = pa.timestamp("us", array.type.tz)
            array = array.cast(unit, safe=False)
        if array.null_count == 0:
            values = self.values(array)
            if self.nulls == "mask":
                return Masked(values, np.zeros(len(array), bool))
            return values
        if self.nulls == "error":
            row = np.flatnonzero(_mask(array))[0]
            raise ValueError(
                f"parameter {self.name!r}: row {row} of the batch is null; filter nulls out, or "
                'use another nulls= than "error"'
            )
        if self.nulls == "nan":
            return self._with_nan(array)
        values = self.values(array)
        return Masked(values, _mask(array)) if self.nulls == "mask" else values

    def values(self, array: pa.Array) -> Any:
        """The values, with anything where there are nulls."""
        kind = array.type.id
        dtype = _VIEWED.get(kind)
        if dtype is not None:
            return _view(array, dtype)
        if kind in _LISTS:
            return self._list(array)
        if kind == pa.bool_().id:
            return _frozen(np.asarray(_filled(array, False)))
        if kind == pa.date32().id:
            return _frozen(_view(array, np.dtype("int32")).astype("datetime64[D]"))
        if kind in _TEXTS:
            return self._text(_filled(array, ""))
        if kind in _BYTES:
            return _frozen(_filled(array, b"").to_numpy(zero_copy_only=False))
        if kind == pa.decimal128(1).id:
            return _frozen(_filled(array, 0).to_numpy(zero_copy_only=False))
        if kind == _STRUCT:
            fields = zip(array.type, array.flatten(), strict=True)
            return {field.name: self(column) for field, column in fields}
        if kind == pa.null().id:
            return _frozen(np.zeros(len(array)))
        raise TypeError(
            f"parameter {self.name!r}: NumPy has nothing for columns of type {array.type}; "
            "use @hydrofoil.arrow_udf"
        )

    def _text(self, array: pa.Array) -> Any:
        values = array.to_numpy(zero_copy_only=False)
        if self.strings == "stringdtype":
            values = values.astype(np.dtypes.StringDType())
        return _frozen(values)

    def _list(self, array: pa.Array) -> Any:
        width = "int64" if array.type.id == _LISTS[1] else "int32"
        size = np.dtype(width).itemsize
        offsets = np.zeros(1, width)  # No lists may come without any.
        if len(array):
            offsets = np.frombuffer(array.buffers()[1], width, len(array) + 1, array.offset * size)
        child = array.values
        # What lies beyond these lists, where they are a part of a batch, says nothing.
        holey = child.null_count and array.flatten().null_count
        if holey and self.nulls != "nan":
            raise ValueError(
                f"parameter {self.name!r}: a list has a null element; replace it before, or use "
                'nulls="nan"'
            )
        values = self._with_nan(child) if holey else self.values(child)
        if self.ragged:
            return Ragged(values, offsets)
        if type(values) is not np.ndarray or values.ndim != 1:
            raise TypeError(
                f"parameter {self.name!r}: lists of {child.type} are no two-dimensional array; "
                f"annotate it as {self.name}: hydrofoil.Ragged, or use @hydrofoil.arrow_udf"
            )
        lengths = np.diff(offsets)
        if array.null_count:
            return self._rectangle(values, offsets, lengths, ~_mask(array), child.type)
        length = int(lengths[0]) if len(lengths) else 0
        if not (lengths == length).all():
            self._uneven(lengths)
        start = int(offsets[0]) if len(offsets) else 0
        return values[start : start + length * len(array)].reshape(len(array), length)

    def _rectangle(
        self, values: Any, offsets: Any, lengths: Any, valid: Any, kind: pa.DataType
    ) -> Any:
        """Lists of which some are null, as rows of zeros (NaN, NaT or None where nulls are)."""
        rows = np.flatnonzero(valid)
        length = int(lengths[rows[0]]) if len(rows) else 0
        if not (lengths[rows] == length).all():
            self._uneven(lengths[rows])
        values, fill = self._as_nan(values, kind) if self.nulls == "nan" else (values, _zero(kind))
        filled = np.full((len(valid), length), fill, values.dtype)
        filled[rows] = values[offsets[rows][:, None] + np.arange(length)]
        return _frozen(filled)

    def _as_nan(self, values: Any, kind: pa.DataType) -> tuple[Any, Any]:
        """Elements of lists, in a dtype that has something for null, and that."""
        if values.dtype.kind in "mM":
            return values, values.dtype.type("NaT")
        if values.dtype.kind == "O":
            return values, None
        if values.dtype.kind in "biuf":
            return values if values.dtype.kind == "f" else values.astype("float64"), np.nan
        raise self._without_nan(kind)

    def _without_nan(self, kind: pa.DataType) -> TypeError:
        return TypeError(
            f"parameter {self.name!r}: a column of type {kind} can't hold NaN; use a "
            'different nulls= than "nan"'
        )

    def _uneven(self, lengths: Any) -> None:
        raise ValueError(
            f"parameter {self.name!r}: lists of {lengths.min()} to {lengths.max()} elements are no "
            f"two-dimensional array; annotate it as {self.name}: hydrofoil.Ragged"
        )

    def _with_nan(self, array: pa.Array) -> Any:
        kind = array.type.id
        if kind in _LISTS or kind == _STRUCT:
            return self.values(array)
        if (kind in _VIEWED and _VIEWED[kind].kind in "mM") or kind == pa.date32().id:
            values = self.values(array).copy()
            values[_mask(array)] = "NaT"
            return _frozen(values)
        if kind in _VIEWED or kind == pa.bool_().id:
            dtype = "float32" if kind == pa.float32().id else "float64"
            values = self.values(array).astype(dtype)
            values[_mask(array)] = np.nan
            return _frozen(values)
        if kind in (*_TEXTS, *_BYTES, pa.decimal128(1).id) and self.strings == "object":
            return _frozen(array.to_numpy(zero_copy_only=False))
        raise self._without_nan(array.type)


def _zero(kind: pa.DataType) -> Any:
    """What stands at nulls of a type where anything may: of the class of its values."""
    if kind.id in _TEXTS:
        return ""
    if kind.id in _BYTES:
        return b""
    return Decimal(0) if kind.id == pa.decimal128(1).id else 0


def _view(array: pa.Array, dtype: np.dtype[Any]) -> Any:
    buffer = array.buffers()[1]
    if buffer is None:
        return _frozen(np.empty(0, dtype))
    values = np.frombuffer(buffer, dtype, len(array), array.offset * dtype.itemsize)
    if values.flags.writeable:
        values.flags.writeable = False
    return values


def _frozen(values: Any) -> Any:
    values.flags.writeable = False
    return values


def _filled(array: pa.Array, value: Any) -> Any:
    return array.fill_null(value) if array.null_count else array


def _mask(array: pa.Array) -> Any:
    return np.asarray(array.is_null())


def _flat(arrays: Sequence[pa.Array]) -> Iterator[pa.Array]:
    """The arrays, and the fields of structs, which are null where the structs are."""
    for array in arrays:
        yield array
        if array.type.id == _STRUCT:
            yield from _flat(array.flatten())


def validity(arrays: Sequence[pa.Array]) -> pa.Buffer | None:
    """The validity bitmap of rows that are null in no array or field; None if none is."""
    holey = [array for array in _flat(arrays) if array.null_count]
    if not holey:
        return None
    if len(holey) == 1 and holey[0].offset == 0 and holey[0].buffers()[0] is not None:
        return holey[0].buffers()[0]
    valid = holey[0].is_valid()
    for array in holey[1:]:
        valid = pc.and_(valid, array.is_valid())
    return valid.buffers()[1] if valid.offset == 0 else pc.and_(valid, True).buffers()[1]


class Result:
    """What makes a column of a function's result.

    Parameters
    ----------
    name : str
        The function, for messages.
    spark_type : DataType
        Declared.
    nan_is_null : bool
        NaN and NaT become null.
    """

    def __init__(self, name: str, spark_type: Any, *, nan_is_null: bool) -> None:
        self.name = name
        self.type = arrow_type(spark_type)
        self.nan_is_null = nan_is_null
        self.dtype = _VIEWED.get(self.type.id)
        self.fields = {
            field.name: Result(f"{name}, field {field.name!r}", inner, nan_is_null=nan_is_null)
            for field, inner in zip(
                self.type if pa.types.is_struct(self.type) else (),
                [f.dataType for f in getattr(spark_type, "fields", ())],
                strict=True,
            )
        }
        self.element: Result | None = None
        if pa.types.is_list(self.type):
            self.element = Result(
                f"{name}, elements", spark_type.elementType, nan_is_null=nan_is_null
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # Pickled dtypes are equal to the usual ones, and not the same.
        self.dtype = _VIEWED.get(self.type.id)

    def __call__(self, result: Any, rows: int, valid: pa.Buffer | None = None) -> pa.Array:
        """The column.

        Parameters
        ----------
        result : numpy.ndarray, scalar, Masked, Ragged, dict, list or pyarrow.Array
            Scalars are repeated; a two-dimensional array or `Ragged` is a column of arrays; a dict
            of arrays is a struct. A mask is of rows, or of a two-dimensional array's elements.
        rows : int
            How many there have to be.
        valid : pyarrow.Buffer, optional
            A bitmap of the rows that are not null.

        Raises
        ------
        ValueError
            If there is a different number of rows, or of marks in a mask, or a `Ragged` has offsets
            that are not in order or not within its values.
        TypeError
            If the values can't become the declared type.
        """
        mask = None
        if type(result) is Masked:
            result, mask = result
        elif isinstance(result, np.ma.MaskedArray):
            result, mask = result.data, np.ma.getmaskarray(result)
        if mask is not None:
            mask = np.asarray(mask, bool)
            if self.element and mask.ndim == 2 and type(result) is not Ragged:
                return self._lists(np.asarray(result), rows, valid, mask)
            valid = _and_not(valid, self._of_rows(mask, rows), rows)
        if type(result) is np.ndarray and result.dtype is self.dtype and result.ndim == 1:
            return self._over(result, rows, valid)
        return self._convert(result, rows, valid)

    def _of_rows(self, mask: Any, rows: int) -> Any:
        """A mask's marks, one a row; a scalar's is for all."""
        if mask.ndim == 0:
            return np.full(rows, mask)
        if mask.shape not in ((rows,), (rows, 1)):
            raise ValueError(
                f"the result of {self.name}() has a mask of shape {mask.shape} for {rows} rows of "
                "arguments; it has to have one mark a row"
            )
        return mask.reshape(rows)

    def _over(self, values: Any, rows: int, valid: pa.Buffer | None) -> pa.Array:
        if len(values) != rows:
            self._wrong_length(len(values), rows)
        if not values.flags.c_contiguous:
            values = np.ascontiguousarray(values)
        if self.nan_is_null and values.dtype.kind in "fmM":
            missing = np.isnan(values) if values.dtype.kind == "f" else np.isnat(values)
            if missing.any():
                valid = _and_not(valid, missing, rows)
        if values.dtype.kind in "mM":
            values = values.view("int64")
        return pa.Array.from_buffers(self.type, rows, [valid, pa.py_buffer(values)])

    def _convert(self, result: Any, rows: int, valid: pa.Buffer | None) -> pa.Array:
        if self.fields:
            return self._struct(result, rows, valid)
        if type(result) is Ragged or (self.element and getattr(result, "ndim", 0) == 2):
            return self._lists(result, rows, valid)
        if isinstance(result, pa.Array):
            array = result.cast(self.type)
        elif self.dtype is not None:
            values = np.asarray(result)
            if values.ndim == 0:
                values = np.full(rows, values)
            elif values.ndim == 2 and values.shape[1] == 1:
                values = values[:, 0]
            if values.ndim != 1:
                raise TypeError(
                    f"the result of {self.name}() has {values.ndim} dimensions, and {self.type} "
                    "needs one; declare array<...> for more"
                )
            # Floats and times may lose digits; integers are checked by Arrow.
            rule: Any = "same_kind" if values.dtype.kind in "mMf" else "safe"
            if np.can_cast(values.dtype, self.dtype, rule):
                return self._over(self._in_unit(values, self.dtype, rows, valid), rows, valid)
            array = self._array(values, null_rows(valid, rows))
        elif pa.types.is_date(self.type) and _are_times(result):
            array = self._array(self._days(result, rows, valid), None)
        else:
            if np.ndim(result) == 0:
                values = np.empty(rows, object)
                values[:] = result.item() if isinstance(result, np.generic) else result
                result = values
            array = self._array(result, None)
        if len(array) != rows:
            self._wrong_length(len(array), rows)
        if valid is None:
            return array
        seen = pa.Array.from_buffers(pa.bool_(), rows, [None, valid])
        return pc.if_else(seen, array, pa.scalar(None, self.type))

    def _in_unit(self, values: Any, dtype: np.dtype[Any], rows: int, valid: Any) -> Any:
        """Values in a dtype; times that are beyond it wrap around in NumPy, and are an error here.

        Those at nulls are arbitrary.
        """
        found = values.astype(dtype, copy=False)
        coarse = values.dtype != dtype and np.can_cast(values.dtype, dtype, "safe")
        if coarse and values.dtype.kind in "mM":
            self._check_all_fit(found.astype(values.dtype) == values, values, rows, valid)
        return found

    def _days(self, values: Any, rows: int, valid: Any) -> Any:
        days = self._in_unit(values, np.dtype("datetime64[D]"), rows, valid)
        numbers = days.view("int64")
        self._check_all_fit(numbers == numbers.astype("int32"), values, rows, valid)
        return days

    def _check_all_fit(self, fit: Any, values: Any, rows: int, valid: Any) -> None:
        if fit.all():
            return
        if len(values) != rows:
            self._wrong_length(len(values), rows)
        beyond = ~fit & ~np.isnat(values)
        nulls = null_rows(valid, rows)
        if nulls is not None:
            beyond &= ~nulls
        if beyond.any():
            raise TypeError(
                f"the result of {self.name}(), of dtype {values.dtype}, can't become {self.type}: "
                f"{values[beyond][0]} is beyond its range"
            )

    def _array(self, values: Any, nulls: Any) -> pa.Array:
        # What lies at nulls is arbitrary and need not fit the type.
        if nulls is not None and len(nulls) != len(values):
            self._wrong_length(len(values), len(nulls))
        try:
            if isinstance(values, np.ndarray) and values.dtype.kind in "TU":
                values = values.astype(object)
            elif isinstance(values, np.ndarray) and values.dtype.kind in "biu" and self.dtype:
                return pa.array(values, mask=nulls).cast(self.type)
            return pa.array(values, self.type, mask=nulls, from_pandas=self.nan_is_null)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            dtype = getattr(values, "dtype", type(values).__name__)
            raise TypeError(
                f"the result of {self.name}(), of dtype {dtype}, can't become {self.type}: {error}"
            ) from None

    def _struct(self, result: Any, rows: int, valid: pa.Buffer | None) -> pa.Array:
        if not isinstance(result, Mapping):
            raise TypeError(
                f"the result of {self.name}() is a {type(result).__name__}, and {self.type} needs "
                f"a dict of arrays with the keys {list(self.fields)}"
            )
        if set(result) != set(self.fields):
            raise ValueError(
                f"the result of {self.name}() has the keys {list(result)}, and its type the fields "
                f"{list(self.fields)}"
            )
        # A field's values at the struct's nulls are arbitrary too.
        columns = [make(result[name], rows, valid) for name, make in self.fields.items()]
        return pa.Array.from_buffers(self.type, rows, [valid], children=columns)

    def _lists(self, result: Any, rows: int, valid: pa.Buffer | None, mask: Any = None) -> pa.Array:
        assert self.element is not None
        if type(result) is Ragged:
            values, offsets = result
            offsets = np.asarray(offsets)
            elements, count = _length(values), len(offsets) - 1
        else:
            if mask is not None and mask.shape != result.shape:
                raise ValueError(
                    f"the result of {self.name}() has the shape {result.shape}, and its mask "
                    f"{mask.shape}"
                )
            count, length = result.shape
            values = np.ascontiguousarray(result).reshape(-1)
            if mask is not None:
                values = Masked(values, mask.reshape(-1))
            offsets = np.arange(count + 1) * length
            elements = count * length
        if count != rows:
            self._wrong_length(count, rows)
        # pyarrow looks at the first and the last alone.
        if offsets[0] < 0 or offsets[-1] > elements or (offsets[1:] < offsets[:-1]).any():
            raise ValueError(
                f"the result of {self.name}() is Ragged with offsets that are not in order, or not "
                f"within its {elements} values"
            )
        child = self.element(values, elements)
        buffers = [valid, pa.py_buffer(np.ascontiguousarray(offsets, "int32"))]
        return pa.Array.from_buffers(self.type, rows, buffers, children=[child])

    def _wrong_length(self, found: int, rows: int) -> None:
        raise ValueError(
            f"the result of {self.name}() has {found} rows for {rows} rows of arguments"
        )


def _length(values: Any) -> int:
    """How many values there are, as a function returns a column."""
    while isinstance(values, (Masked, Mapping)):
        values = values.values if isinstance(values, Masked) else next(iter(values.values()), ())
    return len(values.offsets) - 1 if isinstance(values, Ragged) else len(values)


def _are_times(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind == "M"


def null_rows(valid: pa.Buffer | None, rows: int) -> Any:
    """Where a validity bitmap has nulls, as an array of bool; None without a bitmap."""
    if valid is None:
        return None
    bits = np.frombuffer(valid, np.uint8)
    return np.unpackbits(bits, count=rows, bitorder="little") == 0


def _and_not(valid: pa.Buffer | None, mask: Any, rows: int) -> pa.Buffer:
    bits = np.packbits(~np.asarray(mask, bool), bitorder="little")
    if valid is not None:
        bits &= np.frombuffer(valid, np.uint8, len(bits))
    return pa.py_buffer(bits)
