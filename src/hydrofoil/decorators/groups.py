"""Rows to groups: the states of aggregates by key, in workers, on both sides of a shuffle.

In: record batches with the keys' columns first. Rows are held until there are enough of them, then
sorted by group, so that a group's `update` sees many rows in one call.
"""

import pickle
from collections.abc import Iterable, Iterator
from copy import copy
from itertools import chain, repeat
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hydrofoil._cext.grouping import order_by_code
from hydrofoil.values.arrays import Argument, Masked, Ragged, null_rows, validity

# Rows that are held before they are added to their groups are no more than this, and a batch.
MOST_ROWS = 1 << 20
MOST_BYTES = 64 << 20
# A task that has so many groups passes on their states and begins anew.
MOST_GROUPS = 1 << 19
# Of what is sent.
BATCH_ROWS = 10_000

Columns = tuple[list[pa.Array], list[pa.Array]]


class Call:
    """An aggregate, the columns that it gets, and what its results become; sent to workers.

    Parameters
    ----------
    user : object
        With the methods ``init``, ``update``, ``merge`` and ``finish``.
    name : str
        Of the aggregate, for messages.
    arguments : list of Argument
        What makes each parameter's value; the last one also makes those of further columns.
    skip_null : bool
        Rows with a null argument are left out.
    results : Results

    Attributes
    ----------
    columns : list of int
        Which of the columns after the keys are the arguments.
    """

    def __init__(
        self,
        user: Any,
        name: str,
        arguments: list[Argument],
        skip_null: bool,
        results: "Results",
    ) -> None:
        self.user = user
        self.name = name
        self.arguments = arguments
        self.skip_null = skip_null
        self.results = results
        self.columns: list[int] = []

    def over(self, columns: list[int]) -> "Call":
        """The same over these columns."""
        call = copy(self)
        call.columns = columns
        return call

    def values(self, arrays: list[pa.Array]) -> list[Any]:
        """The columns as the user's ``update`` gets them."""
        makers = chain(self.arguments, repeat(self.arguments[-1]))
        return [make(array) for make, array in zip(makers, arrays, strict=False)]

    def update(self, state: Any, values: list[Any]) -> Any:
        """The state after further rows."""
        return self._returned(self.user.update(state, *values), state, "update")

    def merge(self, state: Any, other: Any) -> Any:
        """The state of the rows of two."""
        return self._returned(self.user.merge(state, other), state, "merge")

    def _returned(self, new: Any, old: Any, method: str) -> Any:
        if new is None and old is not None:
            raise TypeError(
                f"{method}() of {self.name} returned None; return the state, be it a new one or "
                "the one that it was given"
            )
        return new


class Results:
    """What ``finish`` returned for some groups, as a column.

    Parameters
    ----------
    name : str
        Of the aggregate, for messages.
    arrow_type : pyarrow.DataType
    convert : callable, optional
        Makes a tuple of an object for a struct.
    """

    def __init__(self, name: str, arrow_type: pa.DataType, convert: Any) -> None:
        self.name = name
        self.type = arrow_type
        self.convert = convert

    def value(self, value: Any) -> Any:
        """One result, with a tuple for a struct."""
        return value if self.convert is None else self.convert(value)

    def __call__(self, values: list[Any]) -> pa.Array:
        """The column.

        Raises
        ------
        TypeError
            If a value can't become the declared type.
        """
        values = [self.value(value) for value in values]
        try:
            return pa.array(values, self.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise TypeError(
                f"what finish() of {self.name} returned can't become {self.type}: {error}"
            ) from None


class Groups:
    """The states of all groups of some rows.

    Parameters
    ----------
    keys : int
        How many of the columns are keys. Without keys all rows are one group.
    calls : list of Call
    """

    def __init__(self, keys: int, calls: list[Call]) -> None:
        self.keys = keys
        self.calls = calls
        self.numbers: dict[Any, int] = {}
        self.key_columns: list[list[pa.Array]] = [[] for _ in range(keys)]
        self.states: list[list[Any]] = [[] for _ in calls]

    def __len__(self) -> int:
        return len(self.states[0])

    def update(self, batches: list[pa.RecordBatch]) -> None:
        """Add the rows of batches."""
        arrays = _joined(batches)
        self.add(arrays[: self.keys], arrays[self.keys :])

    def add(self, keys: list[pa.Array], arguments: list[pa.Array]) -> None:
        """Add rows, given as columns."""
        codes, count = _encoded([_normal(key) for key in keys], len(arguments[0]))
        parts = Parts(codes, count, arguments)
        groups = self._numbered(keys, parts)
        for call, states in zip(self.calls, self.states, strict=True):
            values, bounds = parts.of(call)
            for i, group in enumerate(groups):
                start, stop = bounds[i], bounds[i + 1]
                if start < stop:
                    rows = [part(value, start, stop) for value in values]
                    states[group] = call.update(states[group], rows)

    def _numbered(self, keys: list[pa.Array], parts: "Parts") -> list[int]:
        """The group that each code is for."""
        if not keys:
            if not len(self):
                self._begin()
            return [0]
        firsts = pa.array(parts.firsts)
        found = [_normal(key.take(firsts)) for key in keys]
        groups, fresh = [], []
        for i, key in enumerate(_hashable(found)):
            group = self.numbers.get(key)
            if group is None:
                group = self.numbers[key] = len(self.numbers)
                fresh.append(i)
                self._begin()
            groups.append(group)
        for pieces, key in zip(self.key_columns, found, strict=True):
            pieces.append(key.take(pa.array(fresh, pa.int64())))
        return groups

    def _begin(self) -> None:
        for call, states in zip(self.calls, self.states, strict=True):
            states.append(call.user.init())

    def merge(self, batch: pa.RecordBatch) -> None:
        """Add the states of a batch that `sent` made."""
        keys = [_normal(array) for array in batch.columns[: self.keys]]
        sent = [column.to_pylist() for column in batch.columns[self.keys :]]
        fresh = []
        for row, key in enumerate(_hashable(keys) if keys else [()] * len(batch)):
            group = self.numbers.get(key)
            if group is None:
                self.numbers[key] = len(self.numbers)
                fresh.append(row)
                for states, column in zip(self.states, sent, strict=True):
                    states.append(pickle.loads(column[row]))
                continue
            for call, states, column in zip(self.calls, self.states, sent, strict=True):
                states[group] = call.merge(states[group], pickle.loads(column[row]))
        for pieces, key in zip(self.key_columns, keys, strict=True):
            pieces.append(key.take(pa.array(fresh, pa.int64())))

    def sent(self) -> Iterator[Columns]:
        """The columns of keys and those of pickled states, for the shuffle."""
        for start, keys in self._slices():
            yield (
                keys,
                [
                    pa.array(
                        [pickle.dumps(state, 5) for state in states[start : start + BATCH_ROWS]],
                        pa.binary(),
                    )
                    for states in self.states
                ],
            )

    def finished(self) -> Iterator[Columns]:
        """The columns of keys and those of results."""
        if not self.keys and not len(self):
            self._begin()
        for start, keys in self._slices():
            yield (
                keys,
                [
                    call.results(list(map(call.user.finish, states[start : start + BATCH_ROWS])))
                    for call, states in zip(self.calls, self.states, strict=True)
                ],
            )

    def _slices(self) -> Iterator[tuple[int, list[pa.Array]]]:
        keys = [pa.concat_arrays(pieces) for pieces in self.key_columns if pieces]
        for start in range(0, len(self), BATCH_ROWS):
            yield start, [key.slice(start, BATCH_ROWS) for key in keys]


class Partial:
    """A task's rows to a state for each of its groups; what is sent before the shuffle."""

    def __init__(self, keys: int, calls: list[Call]) -> None:
        self.keys = keys
        self.calls = calls

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        groups = Groups(self.keys, self.calls)
        held: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in batches:
            if not batch.num_rows:
                continue
            held.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
            if rows >= MOST_ROWS or size >= MOST_BYTES:
                groups.update(held)
                held, rows, size = [], 0, 0
                if len(groups) >= MOST_GROUPS:
                    yield from map(_batch, groups.sent())
                    groups = Groups(self.keys, self.calls)
        if held:
            groups.update(held)
        yield from map(_batch, groups.sent())


class Final:
    """The states of a task's groups to their results; what is sent for after the shuffle."""

    def __init__(self, keys: int, calls: list[Call]) -> None:
        self.keys = keys
        self.calls = calls

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        groups = Groups(self.keys, self.calls)
        for batch in batches:
            groups.merge(batch)
        yield from map(_batch, groups.finished())


class Parts:
    """Columns in the order of groups, each made when a call first needs it.

    Attributes
    ----------
    firsts : ndarray of int64
        The number of each group's first row.
    bounds : list of int
        Where each group's rows begin; the last is where they end.
    """

    def __init__(self, codes: Any, groups: int, arrays: list[pa.Array]) -> None:
        self.codes = codes
        self.groups = groups
        self.arrays = arrays
        self.order = np.empty(len(codes), np.int64)
        bounds = np.empty(groups + 1, np.int64)
        order_by_code(codes, bounds, self.order)
        self.firsts = self.order[bounds[:-1]] if len(codes) else self.order
        self.bounds: list[int] = bounds.tolist()
        self._taken: dict[int, pa.Array] = {}

    def of(self, call: Call) -> tuple[list[Any], list[int]]:
        """A call's arguments, and where each group's rows begin; the last is where they end."""
        arrays = [self.arrays[i] for i in call.columns]
        nulls = null_rows(validity(arrays), len(self.codes)) if call.skip_null else None
        if nulls is not None:
            rows = pa.array(self.order[~nulls[self.order]])
            return call.values([a.take(rows) for a in arrays]), self._bounds(self.codes[~nulls])
        if self.groups == 1:
            return call.values(arrays), self.bounds
        for i in call.columns:
            if i not in self._taken:
                self._taken[i] = self.arrays[i].take(pa.array(self.order))
        return call.values([self._taken[i] for i in call.columns]), self.bounds

    def _bounds(self, codes: Any) -> list[int]:
        counts = np.bincount(codes, minlength=self.groups)
        return [0, *np.cumsum(counts).tolist()]


def part(value: Any, start: int, stop: int) -> Any:
    """Some rows of an argument."""
    if type(value) is Masked:
        return Masked(part(value.values, start, stop), value.mask[start:stop])
    if type(value) is Ragged:
        return Ragged(value.values, value.offsets[start : stop + 1])
    if isinstance(value, dict):
        return {name: part(one, start, stop) for name, one in value.items()}
    return value[start:stop]


def _joined(batches: list[pa.RecordBatch]) -> list[pa.Array]:
    if len(batches) == 1:
        return list(batches[0].columns)
    columns = zip(*(batch.columns for batch in batches), strict=True)
    return [pa.concat_arrays(pieces) for pieces in columns]


def _batch(columns: Columns) -> pa.RecordBatch:
    both = [*columns[0], *columns[1]]
    return pa.RecordBatch.from_arrays(both, [f"_{i}" for i in range(len(both))])


def _normal(key: pa.Array) -> pa.Array:
    """A key column in which what Spark's grouping takes as equal is equal: 0.0 and -0.0."""
    if pa.types.is_floating(key.type):
        return pc.add(key, pa.scalar(0.0, key.type))
    return key


def _encoded(keys: list[pa.Array], rows: int) -> tuple[Any, int]:
    """A number from 0 for each row, the same for the same keys, and how many there are."""
    if not keys:
        return np.zeros(rows, np.int32), 1
    codes: Any = None
    count = 1
    for key in keys:
        encoded = key.dictionary_encode(null_encoding="encode")
        found, size = encoded.indices.to_numpy(), len(encoded.dictionary)
        if codes is None:
            codes, count = found, size
            continue
        # Neither number is more than that of the rows held.
        both = pa.array(codes.astype(np.int64) * size + found).dictionary_encode()
        codes, count = both.indices.to_numpy(), len(both.dictionary)
    return codes, count


def _hashable(keys: list[pa.Array]) -> Iterator[Any]:
    """Each row's keys as something that Python finds equal where Spark's grouping does."""
    if len(keys) == 1:
        return iter(_listed(keys[0]))
    return zip(*map(_listed, keys), strict=True)


def _listed(key: pa.Array) -> list[Any]:
    kind = key.type
    if pa.types.is_floating(kind):
        # All NaN are one key, and Python's are not equal.
        missing = np.asarray(pc.fill_null(pc.is_nan(key), False))
        listed: list[Any] = key.to_pylist()
        for row in np.flatnonzero(missing):
            listed[row] = "NaN"
        return listed
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return key.view(pa.int64()).to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_date32(kind):
        # Spark's go on where Python's end, in the year 9999.
        return key.view(pa.int32()).to_pylist()  # type: ignore[no-any-return]
    return key.to_pylist()  # type: ignore[no-any-return]
