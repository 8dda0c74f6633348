"""Columns as NumPy arrays and back, without a Spark."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DoubleType,
    StructField,
    StructType,
    TimestampNTZType,
)

from hydrofoil.values.arrays import Argument, Masked, Nulls, Ragged, Result, Strings

DOUBLE = Result("f", DoubleType(), nan_is_null=False)
DOUBLES = Result("f", ArrayType(DoubleType()), nan_is_null=False)


def argument(
    array: pa.Array, nulls: Nulls = "propagate", strings: Strings = "object", ragged: bool = False
) -> Any:
    return Argument("x", nulls, strings, ragged)(array)


@pytest.mark.parametrize("nulls", ["propagate", "nan", "error"])
def test_nulls_in_other_rows_change_nothing(nulls: Nulls) -> None:
    # A policy for errors calls a function again for parts of a batch.
    whole = pa.array([[2**60 + 1, 2], [3, None]])
    found = argument(whole.slice(0, 1), nulls)
    assert found.dtype == np.int64
    assert found.tolist() == [[2**60 + 1, 2]]
    found = argument(whole.slice(0, 1), nulls, ragged=True)
    assert found.values.dtype == np.int64


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 2 has StringDType")
def test_nulls_in_other_rows_of_text() -> None:
    whole = pa.array([["a"], [None]])
    assert argument(whole.slice(0, 1), strings="stringdtype").tolist() == [["a"]]


def test_null_lists_hold_nan() -> None:
    numbers = argument(pa.array([[1, 2], None]), "nan")
    assert numbers.dtype == np.float64
    assert numbers[0].tolist() == [1, 2] and np.isnan(numbers[1]).all()
    times = argument(pa.array([[1, 2], None], pa.list_(pa.timestamp("us"))), "nan")
    assert np.isnat(times).tolist() == [[False, False], [True, True]]
    assert argument(pa.array([["a"], None]), "nan").tolist() == [["a"], [None]]


@pytest.mark.parametrize("value", ["a", b"a", Decimal("1.5")])
def test_null_lists_hold_values_of_the_same_class(value: Any) -> None:
    # A function that adds to each element must not fail at rows whose results nobody sees.
    found = argument(pa.array([[value], None]))
    assert [type(each) for each in found[:, 0]] == [type(value)] * 2


def test_no_lists_without_offsets() -> None:
    children = [pa.array([], pa.int64())]
    none = pa.Array.from_buffers(pa.list_(pa.int64()), 0, [None, pa.py_buffer(b"")], 0, 0, children)
    assert argument(none).shape == (0, 0)
    assert argument(none, ragged=True).offsets.tolist() == [0]


@pytest.mark.parametrize("lists", [[[[1, 2], [3, 4]]], [[{"a": 1}]], [[[1, 2]], None]])
def test_lists_of_no_plain_values(lists: Any) -> None:
    with pytest.raises(TypeError, match=r"'x': lists of .* x: hydrofoil.Ragged"):
        argument(pa.array(lists))


def test_masks_of_elements() -> None:
    masked = np.ma.masked_array([[1.0, 2], [3, 4], [5, 6]], [[0, 1], [0, 0], [1, 1]])
    expected = [[1.0, None], [3.0, 4.0], [None, None]]
    assert DOUBLES(masked, 3).to_pylist() == expected
    assert DOUBLES(Masked(masked.data, masked.mask), 3).to_pylist() == expected
    assert DOUBLES(masked, 3, pa.py_buffer(b"\x06")).to_pylist() == [None, *expected[1:]]
    rows = Masked(masked.data, np.array([True, False, False]))
    assert DOUBLES(rows, 3).to_pylist() == [None, [3.0, 4.0], [5.0, 6.0]]


def test_masks_of_all_rows() -> None:
    assert DOUBLE(Masked(np.arange(3.0), False), 3).to_pylist() == [0.0, 1.0, 2.0]
    assert DOUBLE(np.ma.masked, 3).to_pylist() == [None] * 3
    column = np.ma.masked_array([[1.0], [2.0]], [[1], [0]])
    assert DOUBLE(column, 2).to_pylist() == [None, 2.0]


@pytest.mark.parametrize("marks", [1, 2, 100])
@pytest.mark.parametrize("valid", [None, pa.py_buffer(b"\x07")])
def test_masks_of_other_lengths(marks: int, valid: pa.Buffer | None) -> None:
    with pytest.raises(ValueError, match=rf"f\(\) has a mask of shape \({marks},\) for 3 rows"):
        DOUBLE(Masked(np.arange(3.0), np.zeros(marks, bool)), 3, valid)
    with pytest.raises(ValueError, match=r"has the shape \(3, 2\), and its mask \(3, 1\)"):
        DOUBLES(Masked(np.ones((3, 2)), np.zeros((3, 1), bool)), 3)


@pytest.mark.parametrize("offsets", [[0, 100, 3], [0, -5, 3], [2, 1, 3], [0, 2**32 + 1, 3]])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_offsets_beyond_the_values(offsets: list[int], dtype: Any) -> None:
    # pyarrow would read whatever is there.
    with pytest.raises(ValueError, match="offsets that are not in order, or not within its 3"):
        DOUBLES(Ragged(np.arange(3.0), np.array(offsets).astype(dtype)), 2)


def test_ragged_structs_and_lists() -> None:
    inner = StructType([StructField("a", DoubleType()), StructField("b", DoubleType())])
    structs = Result("f", ArrayType(inner), nan_is_null=False)
    column = Ragged({"a": np.arange(3.0), "b": np.ones(3)}, np.array([0, 1, 3]))
    assert structs(column, 2).to_pylist() == [
        [{"a": 0.0, "b": 1.0}],
        [{"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 1.0}],
    ]
    lists = Result("f", ArrayType(ArrayType(DoubleType())), nan_is_null=False)
    nested = pa.array([[[1.0, 2.0], [3.0]], [[]]])
    assert lists(argument(nested, ragged=True), 2).to_pylist() == nested.to_pylist()


FAR = {
    "Y": np.array(["2020", "300000"], "datetime64[Y]"),
    "s": np.array(["2020", "300000-01-01"], "datetime64[s]"),
    "days": np.array([1, 2**40], "timedelta64[D]"),
    "date": np.array(["2020-01-01", "6000000-01-01"], "datetime64[D]"),
    "month": np.array(["2020-01", "6000000-01"], "datetime64[M]"),
}


@pytest.mark.parametrize("name", FAR)
def test_times_beyond_the_declared_type(name: str) -> None:
    # NumPy lets them wrap around.
    far = FAR[name]
    declared: DataType = TimestampNTZType()
    if name in ("date", "month"):
        declared = DateType()
    elif name == "days":
        declared = DayTimeIntervalType()
    make = Result("f", declared, nan_is_null=True)
    with pytest.raises(TypeError, match=r"can't become .* is beyond its range"):
        make(far, 2)
    # What lies at nulls is arbitrary, and NaT is null.
    expected = [make(far[:1], 1)[0].as_py(), None]
    assert make(Masked(far, [False, True]), 2).to_pylist() == expected
    far[1] = "NaT"
    assert make(far, 2).to_pylist() == expected


def test_dates_of_any_unit() -> None:
    make = Result("f", DateType(), nan_is_null=True)
    for unit in ("Y", "M", "D", "h", "m", "s", "ms", "us", "ns"):
        dates = make(np.array(["1969", "2020"], f"datetime64[{unit}]"), 2)
        assert dates.to_pylist() == [date(1969, 1, 1), date(2020, 1, 1)]
