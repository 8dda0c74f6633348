"""A data set's rows in the form of a rank's spool, so that what reads spools reads them.

A column is a sequence of pieces, one a record batch. Slices within a piece are views; across pieces
they are copies, and so are gathers. Types whose bytes Arrow and NumPy lay out alike are never
converted; the others (bits, dates, lists' offsets) are once a pass.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.gang.data.columns import Converter, Field, spooled_fields, stored
from hydrofoil.gang.data.rows import Rows, joined
from hydrofoil.gang.dataset.files import File
from hydrofoil.gang.seams import Spool
from hydrofoil.values.arrays import Ragged

Piece = tuple[File, pa.RecordBatch]


class MappedRows:
    """Rows of record batches, readable as `hydrofoil.gang.data.spool.Spooled` is.

    Parameters
    ----------
    schema : pyarrow.Schema
    pieces : sequence of (File, RecordBatch)
        Mapped privately.
    nulls : Spool
        Its ``nulls`` and ``fill`` count.
    lazy_above : int or None
        Views of more rows give columns that only exist when they are sliced or gathered.
    """

    done = True
    error = None

    def __init__(
        self, schema: pa.Schema, pieces: Sequence[Piece], nulls: Spool, lazy_above: int | None
    ) -> None:
        self.schema = schema
        self.fields = spooled_fields(schema, nulls)
        self.rows: int = sum(batch.num_rows for _, batch in pieces)
        self._lazy_above = lazy_above
        self._columns = {field.name: Column(pieces, field, nulls) for field in self.fields}

    def wait(self, rows: int | None) -> int:
        """How many rows there are: all are here."""
        return self.rows

    def view(self, names: Sequence[str], start: int, stop: int) -> dict[str, Any]:
        """Columns of the rows ``start`` to ``stop``."""
        columns = {name: self._columns[name] for name in names}
        if self._lazy_above is not None and stop - start > self._lazy_above:
            return {name: Window(column, start) for name, column in columns.items()}
        return {name: column.slice(start, stop - start) for name, column in columns.items()}

    window = view

    def width(self, name: str) -> int | None:
        """Elements in the first list of a column."""
        width: int | None = self._columns[name].width()
        return width

    def close(self) -> None:
        """Nothing to do: maps end with the last array over them."""


class Column:
    """A column in pieces.

    Parameters
    ----------
    pieces : sequence of (File, RecordBatch)
    field : Field
    nulls : Spool
    """

    def __init__(self, pieces: Sequence[Piece], field: Field, nulls: Spool) -> None:
        self._pieces = pieces
        self._field = field
        self._converter = Converter(field, nulls)
        self._ends = list(accumulate(batch.num_rows for _, batch in pieces))
        self._made: dict[int, Rows] = {}

    def slice(self, start: int, length: int) -> Any:
        """Some rows, as the spool has them."""
        parts = []
        number = bisect_right(self._ends, start)
        while length > 0:
            piece = self._piece(number)
            into = start - (self._ends[number] - piece.num_rows)
            count = min(length, piece.num_rows - into)
            parts.append(piece.slice(into, into + count).columns[""])
            start, length, number = start + count, length - count, number + 1
        return self._together(parts)

    def take(self, indices: Any) -> Any:
        """The rows at ``indices``, in memory of their own."""
        indices = np.asarray(indices, np.int64)
        numbers = np.searchsorted(self._ends, indices, "right")
        order = np.argsort(numbers, kind="stable")
        present, firsts = np.unique(numbers[order], return_index=True)
        parts = []
        for number, part in zip(present, np.split(order, firsts[1:]), strict=False):
            piece = self._piece(int(number))
            first = self._ends[number] - piece.num_rows
            parts.append(piece.take(indices[part] - first).columns[""])
        values = self._together(parts)
        if len(parts) < 2:
            return values
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return Rows({"": values}, len(order)).take(back).columns[""]

    def width(self) -> int | None:
        """Elements in the first list."""
        if not self._pieces or self._field.kind != "list":
            return None
        first = self._piece(0).columns[""]
        return int(first.offsets[1]) if type(first) is Ragged else int(first.shape[1])

    def _together(self, parts: list[Any]) -> Any:
        if not parts:
            return self._converted(pa.array([], self._field.type), None)
        if len(parts) == 1:
            return parts[0]
        if isinstance(parts[0], pa.ChunkedArray):
            return pa.chunked_array([chunk for part in parts for chunk in part.chunks])
        shapes = {part.shape[1:] if type(part) is np.ndarray else None for part in parts}
        if len(shapes) == 1 and None not in shapes:
            return np.concatenate(parts)
        return reduce(joined, (Rows({"": part}, len(part)) for part in parts)).columns[""]

    def _piece(self, number: int) -> Rows:
        made = self._made.get(number)
        if made is None:
            file, batch = self._pieces[number]
            values = self._converted(batch.column(self._field.source), file)
            made = self._made[number] = Rows({"": values}, batch.num_rows)
        return made

    def _converted(self, array: pa.Array, file: File | None) -> Any:
        values = self._converter(array, None)
        if isinstance(values, pa.Array):
            return pa.chunked_array([values])
        type_ = self._field.type.value_type if self._field.kind == "list" else self._field.type
        kind = stored(type_)
        assert kind is not None
        flat = values.values if type(values) is Ragged else values
        flat = (flat if file is None else file.writable(flat)).view(kind.view)
        return Ragged(flat, values.offsets) if type(values) is Ragged else flat


class Window:
    """A column from some row on, of which only what is sliced or gathered is made."""

    def __init__(self, column: Column, first: int) -> None:
        self._column = column
        self._first = first

    def slice(self, start: int, length: int) -> Any:
        """Rows, counted from the window's first."""
        return self._column.slice(self._first + start, length)

    def take(self, indices: Any) -> Any:
        """Rows at ``indices``, counted from the window's first."""
        return self._column.take(np.asarray(indices, np.int64) + self._first)
