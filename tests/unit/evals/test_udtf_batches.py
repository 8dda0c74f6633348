"""Where the partitions of a batch begin: as Python's comparison of neighbours finds them."""

import math
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from hydrofoil.evals.udtf_batches import boundaries


def by_python(batch, keys):
    rows = list(zip(*[batch.column(key).to_pylist() for key in keys], strict=True))
    starts = [
        i
        for i in range(1, len(rows))
        if any(x != y for x, y in zip(rows[i], rows[i - 1], strict=True))
    ]
    return [0, *starts, len(rows)]


NAN = math.nan
COLUMNS = {
    "long": pa.array([1, 1, None, None, 2, 1, 0, 0]),
    "byte": pa.array([1, 1, 1, 2, 2, 2, 1, 1], pa.int8()),
    "double": pa.array([0.0, -0.0, NAN, NAN, None, None, 1.5, 1.5]),
    "float": pa.array([0.0, -0.0, NAN, NAN, None, 1.5, 1.5, None], pa.float32()),
    "string": pa.array(["a", "a", "A", None, None, "", "", "a"]),
    "large string": pa.array(["a", "a", "A", None, None, "", "", "a"], pa.large_string()),
    "binary": pa.array([b"a", b"a", b"", None, None, b"\xff", b"\xff", b"a"]),
    "boolean": pa.array([True, True, False, None, None, False, False, True]),
    "decimal": pa.array([Decimal("1.0"), Decimal("1.0"), None, None, *[Decimal(2)] * 4]),
    "nulls": pa.array([None] * 8, pa.int64()),
}
TO_STOCK = {
    "date": pa.array([date(2020, 1, 1)] * 8),
    "list": pa.array([[1]] * 8),
    "struct": pa.array([{"a": 1}] * 8),
    "not text": pa.Array.from_buffers(
        pa.string(),
        8,
        [None, pa.array(range(9), pa.int32()).buffers()[1], pa.py_buffer(b"\xff" * 8)],
    ),
}


def unwanted(batch):
    raise AssertionError("stock was asked")


@pytest.mark.parametrize("second", [None, *COLUMNS])
@pytest.mark.parametrize("first", COLUMNS)
def test_as_python_compares(first, second):
    chosen = [COLUMNS[first]] + ([COLUMNS[second]] if second else [])
    batch = pa.record_batch(chosen, names=list("ab"[: len(chosen)]))
    keys = list(range(len(chosen)))
    for part in (batch, batch.slice(3), batch.slice(1, 2)):
        assert boundaries(keys, unwanted)(part) == by_python(part, keys)


@pytest.mark.parametrize("name", TO_STOCK)
def test_other_types_are_stocks(name):
    batch = pa.record_batch([TO_STOCK[name], COLUMNS["long"]], names=["a", "b"])
    assert boundaries([1, 0], lambda batch: [-1])(batch) == [-1]


@pytest.mark.parametrize("rows", [0, 1])
def test_batches_without_neighbours_are_stocks(rows):
    batch = pa.record_batch([COLUMNS["long"]], names=["a"]).slice(0, rows)
    assert boundaries([0], lambda batch: [-1])(batch) == [-1]
