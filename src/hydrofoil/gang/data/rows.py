"""Rows of some columns, in the form of the spool: slices are views, gathers are copies."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.values.arrays import Ragged


class Rows:
    """Columns of equal length.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray, Ragged or pyarrow.ChunkedArray
    num_rows : int
    """

    __slots__ = ("columns", "num_rows")

    def __init__(self, columns: dict[str, Any], num_rows: int) -> None:
        self.columns = columns
        self.num_rows = num_rows

    def slice(self, start: int, stop: int) -> "Rows":
        """The rows ``start`` to ``stop``, in the same memory."""
        return Rows(
            {name: _sliced(values, start, stop) for name, values in self.columns.items()},
            stop - start,
        )

    def take(self, indices: Any) -> "Rows":
        """The rows at ``indices`` (an array of integers), in memory of their own."""
        return Rows(
            {name: _taken(values, indices) for name, values in self.columns.items()}, len(indices)
        )


def joined(first: Rows, second: Rows) -> Rows:
    """The rows of both, in memory of their own."""
    columns = {
        name: _joined(values, second.columns[name]) for name, values in first.columns.items()
    }
    return Rows(columns, first.num_rows + second.num_rows)


def concatenated(parts: Sequence[Any]) -> Any:
    """Slices of one column as one; a copy, unless there is only one, or Arrow keeps the column."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], pa.ChunkedArray):
        chunks = [chunk for part in parts for chunk in part.chunks]
        return pa.chunked_array(chunks, parts[0].type)
    if type(parts[0]) is Ragged:
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return Ragged(np.concatenate([part.values for part in parts]), offsets)
    return np.concatenate(parts)


def _joined(first: Any, second: Any) -> Any:
    if type(first) is np.ndarray and type(second) is np.ndarray:
        return np.concatenate([first, second])
    if isinstance(first, pa.ChunkedArray):
        return pa.chunked_array([*first.chunks, *second.chunks], first.type)
    first, second = _ragged(first), _ragged(second)
    offsets = np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]])
    return Ragged(np.concatenate([first.values, second.values]), offsets)


def _ragged(values: Any) -> Ragged:
    if type(values) is Ragged:
        return values
    rows, width = values.shape
    return Ragged(values.reshape(-1), np.arange(rows + 1) * width)


def _sliced(values: Any, start: int, stop: int) -> Any:
    if type(values) is np.ndarray:
        return values[start:stop]
    if type(values) is Ragged:
        first, last = int(values.offsets[start]), int(values.offsets[stop])
        offsets = values.offsets[start : stop + 1]
        return Ragged(values.values[first:last], offsets - first if first else offsets)
    return values.slice(start, stop - start)


def _taken(values: Any, indices: Any) -> Any:
    if type(values) is np.ndarray:
        return values.take(indices, axis=0)
    if type(values) is Ragged:
        lengths = np.diff(values.offsets)[indices]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        shift = np.repeat(values.offsets[:-1][indices] - offsets[:-1], lengths)
        return Ragged(values.values.take(np.arange(offsets[-1]) + shift), offsets)
    if isinstance(values, pa.ChunkedArray):
        return _taken_chunks(values, indices)
    return values.take(indices)  # A column of a data set's files.


def _taken_chunks(values: pa.ChunkedArray, indices: Any) -> pa.ChunkedArray:
    # Arrow would join all chunks first, which for each batch would copy the whole column.
    if values.num_chunks == 0:
        return values
    ends = np.cumsum([len(chunk) for chunk in values.chunks])
    chunk_of = np.searchsorted(ends, indices, "right")
    order = np.argsort(chunk_of, kind="stable")
    present, firsts = np.unique(chunk_of[order], return_index=True)
    parts: Sequence[Any] = np.split(order, firsts[1:])
    pieces = []
    for chunk, part in zip(present, parts, strict=True):
        array = values.chunk(int(chunk))
        pieces.append(array.take(pa.array(indices[part] - (ends[chunk] - len(array)))))
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    joined = pa.concat_arrays(pieces) if pieces else values.chunk(0).slice(0, 0)
    return pa.chunked_array([joined.take(pa.array(back))], values.type)
