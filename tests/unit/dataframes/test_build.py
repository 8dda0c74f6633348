"""Data frames and Series against the ones that pandas' public functions make."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hydrofoil.values.dataframes.build import (
    COPY_ON_WRITE,
    BlockBuilder,
    PlainBuilder,
    _agree,
    builder,
    joined,
    owned,
)


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def columns() -> list[list[Any]]:
    return [
        [np.arange(4)],
        [read_only(np.arange(4) * 0.5)],
        [np.arange(3), np.array([np.nan])],
        [np.array([True, False]), np.array([None, True], dtype=object)],
        [np.arange(4).astype("datetime64[ns]")],
        [pd.array([1, None, 3, 4], dtype="Int64")],
        [np.arange(4, dtype="int64") * 2],
    ]


NAMES = ["a", "b", "c", "c", "e", "f", "g"]


def test_the_fast_route_is_taken_on_this_pandas() -> None:
    assert isinstance(builder(), BlockBuilder)


def test_frames_are_equal_and_independent() -> None:
    fast, plain = BlockBuilder(), PlainBuilder()
    mine, theirs = fast.frame(columns(), NAMES), plain.frame(columns(), NAMES)
    pd.testing.assert_frame_equal(mine, theirs)
    assert mine.attrs == theirs.attrs
    other = fast.frame(columns(), NAMES)
    other.columns.name = "renamed"
    if not COPY_ON_WRITE:  # Later pandas gives a read-only array.
        other.columns.values[0] = "written"
    other["new"] = 1
    again = fast.frame(columns(), NAMES)
    pd.testing.assert_frame_equal(again, theirs)
    assert again.columns.name is None


@pytest.mark.parametrize("count", [0, 1])
def test_short_frames(count: int) -> None:
    short = [[chunk[:count] for chunk in chunks[:1]] for chunks in columns()]
    mine = BlockBuilder().frame(short, NAMES)
    pd.testing.assert_frame_equal(mine, PlainBuilder().frame(short, NAMES))
    assert len(mine) == count


def test_blocks_can_be_written_to_unless_views() -> None:
    frame = BlockBuilder().frame(columns(), NAMES)
    frame.iloc[0, 0] = 7
    assert frame.iloc[0, 0] == 7
    if not COPY_ON_WRITE:
        # Stock's frames own their memory, wherever the columns came from.
        frame.iloc[0, 1] = 7.0
        assert frame.iloc[0, 1] == 7.0


def test_series() -> None:
    for chunks in columns():
        array = joined(chunks)
        mine, theirs = BlockBuilder().series(array, "x"), PlainBuilder().series(array, "x")
        pd.testing.assert_series_equal(mine, theirs)
        assert type(mine._values) is type(theirs._values)


def test_views_are_copied_where_pandas_copies() -> None:
    view = read_only(np.arange(3))
    assert owned(view).flags.writeable is not COPY_ON_WRITE
    fresh = np.arange(3)
    assert owned(fresh) is fresh


def test_arrays_of_a_users_frame() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.array([1, None], dtype="Int64")})
    for mine, theirs in zip(
        BlockBuilder().arrays(frame), PlainBuilder().arrays(frame), strict=True
    ):
        assert type(mine) is type(theirs)
        assert mine[0] == theirs[0]


def test_disagreement_is_noticed() -> None:
    class Wrong(BlockBuilder):
        def frame(self, columns: Any, names: Any) -> Any:
            return super().frame(columns, names).rename(columns={"b": "B"})

    assert _agree(BlockBuilder(), PlainBuilder())
    with pytest.raises(AssertionError):
        _agree(Wrong(), PlainBuilder())


@pytest.mark.skipif(not COPY_ON_WRITE, reason="this pandas does not copy on write")
def test_what_is_held_is_copied_before_it_is_written_to() -> None:
    fast = BlockBuilder()
    frame = fast.frame([[read_only(np.arange(3))], [np.arange(3.0)]], ["a", "b"])
    before = frame["b"].values
    held = fast.hold(frame)
    frame.iloc[0, 0] = 7
    frame.iloc[0, 1] = 7.0
    assert frame.iloc[0].tolist() == [7.0, 7.0]
    assert before[0] == 0.0
    del held
