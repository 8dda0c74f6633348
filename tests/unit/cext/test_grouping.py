"""Rows in the order of their groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrofoil._cext.grouping import order_by_code


@given(st.lists(st.integers(0, 20)), st.integers(0, 3))
def test_orders_as_a_stable_sort(codes: list[int], unused: int) -> None:
    array = np.array(codes, np.int32)
    count = max(codes, default=-1) + 1 + unused
    bounds = np.full(count + 1, -1, np.int64)
    order = np.full(len(codes), -1, np.int64)
    order_by_code(array, bounds, order)
    assert order.tolist() == np.argsort(array, kind="stable").tolist()
    assert bounds.tolist() == [sum(code < i for code in codes) for i in range(count + 1)]


@pytest.mark.parametrize(("codes", "bounds", "order"), [([2], 3, 1), ([-1], 3, 1), ([0, 0], 2, 1)])
def test_refuses_what_has_no_place(codes: list[int], bounds: int, order: int) -> None:
    with pytest.raises(ValueError):
        order_by_code(np.array(codes, np.int32), np.empty(bounds, np.int64), np.empty(order, "i8"))


def test_refuses_bounds_without_an_end() -> None:
    with pytest.raises(ValueError, match="no place for the end"):
        order_by_code(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))
