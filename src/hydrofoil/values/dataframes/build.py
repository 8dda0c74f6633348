"""Series and data frames from arrays, by the cheapest route that gives what stock's route gives.

Stock makes a Series of each column and concatenates them, which takes 0.1 ms whatever they hold.
Putting the same blocks together takes 5 us, but that is pandas' own business: what is used here
exists from pandas 2.2 to 3.x, and is tried and compared with stock's route before it is relied on.

With options of pandas' that change what stock's route gives, stock converts. A program may set them
at any time, in a function too, so they are asked for with each batch.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from pandas.core.dtypes import missing

# From pandas 3 on, objects share memory until one of them is written to, and concatenating copies
# nothing: arrays stay apart, and views of Arrow's buffers are read-only as they are.
COPY_ON_WRITE = int(pd.__version__.split(".", 1)[0]) >= 3

Chunks = list[Any]
"""One column: an array for each record batch, or one extension array."""


def _read_option(name: str) -> Callable[[], Any]:
    """What reads an option of pandas' as it is now; by its public function that takes 2 us."""
    try:
        from pandas._config import config

        options, key = config._get_root(name)
        return partial(options.__getitem__, key)
    except (ImportError, AttributeError, KeyError, TypeError):
        return partial(pd.get_option, name)


def _options() -> list[tuple[str, Any, Callable[[], Any]]]:
    """The options that change columns, their usual values and what reads them.

    An older pandas has fewer.
    """
    names = ["future.infer_string", *([] if COPY_ON_WRITE else ["mode.copy_on_write"])]
    found = []
    for name in names:
        try:
            pd.get_option(name)
        except KeyError:
            continue
        # Both have been True from pandas 3 on.
        found.append((name, COPY_ON_WRITE, _read_option(name)))
    return found


_OPTIONS = _options()


def changed_arguments() -> str:
    """Why functions are given other columns than usual; empty if they are not."""
    for name, usual, read in _OPTIONS:
        value = read()
        if value is not usual:
            return f"pandas' option {name} is {value}"
    return ""


def changed_results() -> str:
    """Why columns that functions return become others than usual; empty if they do not."""
    if not getattr(missing, "INF_AS_NA", False):
        return ""
    return "pandas' option mode.use_inf_as_na is True"


def joined(chunks: Chunks) -> Any:
    """One array of all chunks; read-only only if it is the only one and is itself."""
    if len(chunks) == 1:
        return chunks[0]
    return np.concatenate(chunks)


def owned(array: Any) -> Any:
    """The array as a Series of stock has it: its own memory, where pandas copies at once."""
    if COPY_ON_WRITE or not isinstance(array, np.ndarray) or array.flags.writeable:
        return array
    return array.copy()


class PlainBuilder:
    """Series and data frames by pandas' public functions, as stock calls them."""

    def series(self, array: Any, name: str) -> Any:
        """A Series with the default index."""
        return pd.Series(array, name=name, dtype=array.dtype, copy=False)

    def frame(self, columns: Sequence[Chunks], names: Sequence[str]) -> Any:
        """A data frame with the default index; the arrays are not used by anybody else."""
        return pd.concat(
            [
                self.series(joined(chunks), name)
                for chunks, name in zip(columns, names, strict=True)
            ],
            axis=1,
        )

    def hold(self, frame: Any) -> Any:
        """Something that, while it lives, makes whoever writes to the frame copy first.

        None where pandas does not copy on write.
        """
        return frame._mgr.copy(deep=False) if COPY_ON_WRITE else None

    def arrays(self, frame: Any) -> list[Any]:
        """Each column's values, as Series have them in ``_values``."""
        return [frame.iloc[:, i]._values for i in range(frame.shape[1])]


class BlockBuilder(PlainBuilder):
    """The same by putting blocks together."""

    def __init__(self) -> None:
        from pandas._libs.internals import BlockPlacement
        from pandas.core.internals import BlockManager, SingleBlockManager
        from pandas.core.internals.blocks import maybe_coerce_values, new_block

        self._placement = BlockPlacement
        self._manager = BlockManager
        self._single = SingleBlockManager.from_array
        self._coerce = maybe_coerce_values
        self._block = new_block
        self._range = pd.RangeIndex._simple_new
        self._labels = pd.Index._simple_new
        self._nothing = np.empty((1, 0))
        self._first = BlockPlacement(slice(0, 1))
        # By the columns' dtypes: for each block its dtype, its columns and their placement.
        self._plans: dict[tuple[Any, ...], list[tuple[Any, list[int], Any]]] = {}
        self._indexes: dict[tuple[str, ...], pd.Index] = {}

    def series(self, array: Any, name: str) -> Any:
        manager = self._single(array, self._range(range(len(array))))
        series = pd.Series._from_mgr(manager, axes=manager.axes)
        series._name = name
        return series

    def frame(self, columns: Sequence[Chunks], names: Sequence[str]) -> Any:
        dtypes = tuple([_dtype_of(chunks) for chunks in columns])
        plan = self._plans.get(dtypes)
        if plan is None:
            plan = self._plans[dtypes] = self._plan(dtypes)
        length = sum([len(chunk) for chunk in columns[0]])
        blocks = tuple(
            [
                self._block(
                    self._values([columns[i] for i in members], dtype, length), placement, ndim=2
                )
                for dtype, members, placement in plan
            ]
        )
        axes = [self._index(tuple(names)), self._range(range(length))]
        manager = self._manager(blocks, axes, verify_integrity=False)
        return pd.DataFrame._from_mgr(manager, axes=manager.axes)

    def hold(self, frame: Any) -> Any:
        if not COPY_ON_WRITE:
            return None
        # A block of nobody's that all of the frame's blocks are told they share memory with.
        holder = self._block(self._nothing, self._first, ndim=2)
        for block in frame._mgr.blocks:
            block.refs.add_reference(holder)
        return holder

    def arrays(self, frame: Any) -> list[Any]:
        manager = frame._mgr
        return [manager.iget_values(i) for i in range(frame.shape[1])]

    def _plan(self, dtypes: tuple[Any, ...]) -> list[tuple[Any, list[int], Any]]:
        blocks: dict[Any, list[int]] = {}
        for i, dtype in enumerate(dtypes):
            apart = COPY_ON_WRITE or not isinstance(dtype, np.dtype)
            blocks.setdefault((dtype, i) if apart else dtype, []).append(i)
        return [
            (dtypes[members[0]], members, self._placement(np.array(members, dtype=np.intp)))
            if len(members) > 1
            else (dtypes[members[0]], members, self._placement(slice(members[0], members[0] + 1)))
            for members in blocks.values()
        ]

    def _values(self, members: list[Chunks], dtype: Any, length: int) -> Any:
        """A block's values: a row for each of its columns."""
        first = members[0]
        if not isinstance(dtype, np.dtype):
            return joined(first)
        if len(members) == 1 and len(first) == 1 and (COPY_ON_WRITE or first[0].flags.writeable):
            return self._coerce(first[0].reshape(1, length))
        values = np.empty((len(members), length), dtype)
        for row, chunks in zip(values, members, strict=True):
            start = 0
            for chunk in chunks:
                stop = start + len(chunk)
                row[start:stop] = chunk
                start = stop
        return self._coerce(values)

    def _index(self, names: tuple[str, ...]) -> pd.Index:
        index = self._indexes.get(names)
        if index is None:
            index = self._indexes[names] = self._made_by_stock(names)
        if isinstance(index.dtype, np.dtype):
            # The labels' array is the user's own, whatever is written to it.
            return self._labels(index._values.copy())
        # A view is the user's own to name; an extension array gives away no memory.
        return index._view()

    def _made_by_stock(self, names: tuple[str, ...]) -> pd.Index:
        return pd.concat([pd.Series([0], name=name) for name in names], axis=1).columns


def _dtype_of(chunks: Chunks) -> Any:
    first = chunks[0].dtype
    if len(chunks) == 1 or all([chunk.dtype == first for chunk in chunks]):
        return first
    # A chunk with nulls has a different dtype than one without; the wider one holds both.
    return np.result_type(*[chunk.dtype for chunk in chunks])


@cache
def builder() -> PlainBuilder:
    """The fastest builder that gives the same objects as stock's route on the installed pandas."""
    try:
        fast = BlockBuilder()
        if _agree(fast, PlainBuilder()):
            return fast
    except Exception:
        # Another pandas than those that are known.
        pass
    return PlainBuilder()


def _agree(fast: PlainBuilder, plain: PlainBuilder) -> bool:
    def columns() -> list[Chunks]:
        numbers, flags = np.arange(3), np.array([True, False, True])
        return [
            [numbers.copy()],
            [numbers * 0.5],
            [numbers.copy()],
            [np.array(["a", None, "c"], dtype=object)],
            [flags],
            [numbers.astype("datetime64[ns]")],
        ]

    names = ["a", "b", "c", "a", "d", "e"]
    mine, theirs = fast.frame(columns(), names), plain.frame(columns(), names)
    pd.testing.assert_frame_equal(mine, theirs)
    pd.testing.assert_index_equal(mine.columns, theirs.columns, exact=True)
    for left, right in zip(fast.arrays(theirs), plain.arrays(theirs), strict=True):
        if type(left) is not type(right) or left.dtype != right.dtype:
            return False
    for (array,) in columns():
        pd.testing.assert_series_equal(fast.series(array, "s"), plain.series(array, "s"))
    kept = mine["b"].values
    held = fast.hold(mine)
    mine.loc[0, "b"] = 7.0
    if COPY_ON_WRITE and (held is None or kept[0] == 7.0):
        return False
    mine["new"] = mine["b"] + mine["c"].sum()
    return bool(mine["new"].iloc[0] == 10.0 and len(mine._mgr.axes[1]) == 3)
