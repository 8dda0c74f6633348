"""Which columns of a user's data frame become which declared columns, and what is left to stock."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql.types import ArrayType, DoubleType, LongType, StringType, StructType

from hydrofoil.values.dataframes.results import ColumnResults, FrameResults
from hydrofoil.values.dataframes.stock import StockPandas

DECLARED = StructType().add("a", LongType()).add("b", DoubleType())


def stock(*, by_name: bool = True) -> StockPandas:
    def never(*_: Any) -> Any:
        raise AssertionError("the decision is made without stock's conversions")

    return StockPandas(
        pipeline=never,
        spark_types=never,
        series=never,
        all_series=never,
        concat=never,
        verify=never,
        to_arrow=never,
        by_name=by_name,
        timezone="UTC",
        large_var_types=False,
        integer_extensions=False,
    )


A, B = np.array([1, 2]), np.array([0.5, np.nan])


@pytest.mark.parametrize(
    ("frame", "by_name", "verified", "taken"),
    [
        (pd.DataFrame({"a": A, "b": B}), True, False, True),
        (pd.DataFrame({"b": B, "a": A}), True, False, True),
        (pd.DataFrame({"b": B, "a": A}), False, False, False),
        (pd.DataFrame({"x": A, "y": B}), False, False, True),
        (pd.DataFrame({"x": A, "y": B}), False, True, False),
        (pd.DataFrame({"x": A, "y": B}), True, False, False),
        (pd.DataFrame({0: A, 1: B}), True, False, True),
        (pd.DataFrame({"a": A}), True, False, False),
        (pd.DataFrame({"a": A, "b": B, "c": A}), True, False, False),
        (pd.DataFrame({"a": A, "b": A}), True, False, False),
        (pd.DataFrame(), True, False, False),
        ({"a": A, "b": B}, True, False, False),
    ],
)
def test_frames(frame: Any, by_name: bool, verified: bool, taken: bool) -> None:
    results = FrameResults(DECLARED, stock(by_name=by_name), names_verified=verified)
    assert results.add(frame) is taken
    assert results.rows == (2 if taken else 0)
    assert results.add(pd.DataFrame({"a": A, "b": B}))
    assert results.finish() == (4 if taken else 2)


def test_duplicate_names_are_stocks_to_look_up() -> None:
    twice = StructType().add("a", LongType()).add("a", LongType())
    frame = pd.DataFrame(np.array([[1, 2]]), columns=["a", "a"])
    assert not FrameResults(twice, stock()).add(frame)
    assert FrameResults(twice, stock(by_name=False)).add(frame)


def test_types_without_a_writer_are_left() -> None:
    declared = StructType().add("a", LongType()).add("b", ArrayType(LongType()))
    results = FrameResults(declared, stock())
    assert results.missing == ["array<bigint>"]
    assert not results.add(pd.DataFrame({"a": [1], "b": [[1]]}))


def test_columns_and_values() -> None:
    results = ColumnResults([LongType(), StringType()], stock())
    assert results.take_column(0, pd.Series(A))
    assert not results.take_column(0, pd.Series(B))
    assert not results.take_column(0, A)
    assert results.take_column(1, pd.Series(["x", None]))
    results.clear()
    assert results.add_values([np.int64(1), "x"])
    assert not results.add_values([1, 2.0])
    assert [writer.length for writer in results.writers] == [1, 1]
    assert results.add_list(0, [1, 2])
    assert not results.add_list(0, [1, None])
    assert not results.add_list(0, [1, np.int64(2)])
    results.truncate(1)
    assert [writer.length for writer in results.writers] == [1, 1]
