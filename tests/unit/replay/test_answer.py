"""Which answers count as equal."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import Row

from hydrofoil.tools.replay.answer import Answer

NAN = float("nan")


class Text(str):
    pass


def table(values: list[object], kind: pa.DataType | None = None) -> Answer:
    return Answer(table=pa.table({"_0": pa.array(values, kind)}), reusable=True)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (table([1, None]), table([1, None])),
        (table([float("nan")]), table([float("nan")])),
        (table([[float("nan")], None]), table([[float("nan")], None])),
        (Answer(values=[[1, 2], [3]]), Answer(values=[[1], [2, 3]])),
        (Answer(values=[[NAN, (0.0, [NAN])]]), Answer(values=[[NAN * 1, (0.0, [NAN * 1])]])),
        (Answer(values=[{"a": 1, "b": [2]}]), Answer(values=[{"b": [2], "a": 1}])),
        (table([[0.0, -0.0], None]), table([[0.0, -0.0], None])),
        (Answer(error="Traceback\n  a.py\nE: x\n"), Answer(error="Traceback\n  b.py\nE: x")),
    ],
)
def test_equal(left: Answer, right: Answer) -> None:
    assert left.difference(right) is None


def test_arrays_and_frames_at_any_depth() -> None:
    """They have no one answer to whether they are equal, and show no more than their ends."""
    many = np.arange(10_000)
    other = many.copy()
    other[5_000] = 0
    for make in (lambda a: a, lambda a: (1, [a]), lambda a: pd.DataFrame({"x": a})):
        left, same, right = (Answer(values=[make(a)]) for a in (many, many.copy(), other))
        assert left.difference(same) is None
        assert "row 0: " in (left.difference(right) or "")


def batches(*values: list[int]) -> Answer:
    chunks = pa.chunked_array([pa.array(each, pa.int64()) for each in values])
    return Answer(table=pa.table({"_0": chunks}), reusable=True)


def test_batches_count_only_where_spark_tells_them_apart() -> None:
    left, right = batches([1, 2], [], [3]), batches([1], [2, 3])
    assert left.difference(right) is None
    assert left.difference(left, by_batch=True) is None
    assert "batches of other sizes" in (left.difference(right, by_batch=True) or "")
    assert "2 and 3 rows" in (batches([1], [2]).difference(batches([1], [], [2]), True) or "")


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (table([1, 2]), table([1, 3]), "column '_0': row 1: 2 and 3"),
        (table([1, 2]), table([1]), "column '_0': 2 and 1 rows"),
        (table([1]), table([1], pa.int32()), "schema"),
        (table([None], pa.int64()), table([0]), "row 0: None and 0"),
        (table([1]), Answer(values=[[1]], reusable=True), "one answer is an Arrow stream"),
        (Answer(values=[[1]]), Answer(values=[["1"]]), "row 0: 1 and '1'"),
        # Equal to Python, but not to the JVM, which gets these values.
        (Answer(values=[[1]]), Answer(values=[[True]]), "row 0: 1 and True"),
        (Answer(values=[[1]]), Answer(values=[[1.0]]), "row 0: 1 and 1.0"),
        (Answer(values=[[0.0]]), Answer(values=[[-0.0]]), "row 0: 0.0 and -0.0"),
        (Answer(values=[[(1, [0.0])]]), Answer(values=[[(1, [-0.0])]]), "row 0: (1, [0.0]) and"),
        (Answer(values=[[{1: 2}]]), Answer(values=[[{True: 2}]]), "row 0: {1: 2} and {True: 2}"),
        (Answer(values=[[{"a": 1}]]), Answer(values=[[{"a": True}]]), "row 0: {'a': 1} and"),
        (Answer(values=[[Row(a=1)]]), Answer(values=[[Row(b=1)]]), "row 0: Row(a=1) and Row(b=1)"),
        (Answer(values=[[(1,)]]), Answer(values=[[[1]]]), "row 0: (1,) and [1]"),
        (Answer(values=[[Decimal("1.0")]]), Answer(values=[[Decimal("1.00")]]), "('1.00')"),
        (Answer(values=[["a"]]), Answer(values=[[Text("a")]]), "builtins.str 'a' and "),
        (Answer(values=[np.float32(0)]), Answer(values=[np.float32(-0.0)]), "row 0: "),
        (Answer(values=[np.array([1])]), Answer(values=[np.array([True])]), "row 0: "),
        (table([0.0, 1.0]), table([-0.0, 1.0]), "column '_0': row 0: 0.0 and -0.0"),
        (table([[0.0]]), table([[-0.0]]), "column '_0': row 0: [0.0] and [-0.0]"),
        (table([{"x": 0.0}]), table([{"x": -0.0}]), "column '_0': row 0: {'x': 0.0} and"),
        (Answer(error="E: x"), Answer(error="E: y"), "error 'E: x' and 'E: y'"),
        (Answer(error="E: x"), Answer(), "error 'E: x' and None"),
        (Answer(reusable=True), Answer(), "ready for another task: True and False"),
        (Answer(accumulators=[(0, 1)]), Answer(accumulators=[(0, 2)]), "accumulators"),
    ],
)
def test_different(left: Answer, right: Answer, message: str) -> None:
    assert message in (left.difference(right) or "")
