"""What Arrow functions may return: arrays of every type and layout, tables of every shape."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Maker = Callable[[], Any]

_MOMENTS = [datetime.datetime(2024, 3, 31, 2, 30, 0, 123456), None, datetime.datetime(1969, 12, 31)]


def _typed() -> dict[str, Maker]:
    numbers = [1, None, 100]
    types = {
        str(kind): (numbers, kind)
        for kind in (
            pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(),
            pa.uint64(), pa.float32(), pa.float64(),
        )
    }  # fmt: skip
    texts = ["a", None, "é"]
    types |= {
        str(kind): (texts, kind) for kind in (pa.string(), pa.large_string(), pa.string_view())
    }
    raw = [b"a", None, b"\xff"]
    types |= {str(kind): (raw, kind) for kind in (pa.binary(), pa.large_binary(), pa.binary(1))}
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "America/New_York"):
            types[f"timestamp {unit} {zone}"] = (_MOMENTS, pa.timestamp(unit, zone))
        types[f"duration {unit}"] = ([1, None, -5], pa.duration(unit))
    dates = [datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)]
    decimals = [Decimal("1.5"), None, Decimal("-2.25")]
    types |= {
        "bool": ([True, None, False], pa.bool_()),
        "null": ([None] * 3, pa.null()),
        "date32": (dates, pa.date32()),
        "date64": (dates, pa.date64()),
        "time64": ([datetime.time(1), None, datetime.time(2)], pa.time64("us")),
        "decimal 10 2": (decimals, pa.decimal128(10, 2)),
        "decimal 38 18": (decimals, pa.decimal128(38, 18)),
        "decimal256": (decimals, pa.decimal256(40, 2)),
        "list": ([[1, None], None, []], pa.list_(pa.int64())),
        "large list": ([[1, None], None, []], pa.large_list(pa.int64())),
        "list of int32": ([[1, None], None, []], pa.list_(pa.int32())),
        "list of strings": ([["a"], None, []], pa.list_(pa.string())),
        "list, other name": ([[1], None, []], pa.list_(pa.field("item", pa.int64()))),
        "list, not null": ([[1], None, []], pa.list_(pa.field("element", pa.int64(), False))),
        "map": ([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "struct": (
            [{"a": 1, "b": "x"}, None, {"a": None, "b": None}],
            pa.struct([("a", pa.int64()), ("b", pa.string())]),
        ),
        "struct, other order": (
            [{"a": 1, "b": "x"}] * 3, pa.struct([("b", pa.string()), ("a", pa.int64())]),
        ),
        "struct, other types": (
            [{"a": 1, "b": "x"}] * 3, pa.struct([("a", pa.int32()), ("b", pa.large_string())]),
        ),
    }  # fmt: skip
    return {
        name: lambda items=items, kind=kind: pa.array(items, kind)
        for name, (items, kind) in types.items()
    }


def _layouts() -> dict[str, Maker]:
    return {
        "sliced": lambda: pa.array([0, 1, None, 3, 4])[1:4],
        "sliced text": lambda: pa.array(["x", "a", None, "é", "y"])[1:4],
        "sliced bool": lambda: pa.array([True, False, None, True] * 5)[9:12],
        "sliced list": lambda: pa.array([[1], [2, 3], None, [], [4]])[1:4],
        "no nulls": lambda: pa.array([1, 2, 3]),
        "bit map of ones": lambda: pa.Array.from_buffers(
            pa.int64(), 3, [pa.py_buffer(b"\x07"), pa.py_buffer(np.arange(3).tobytes())]
        ),
        "from numpy": lambda: pa.array(np.arange(6)[::2]),
        "from pandas": lambda: pa.Array.from_pandas(pd.Series([1.0, np.nan, 2.0])),
        "overflowing": lambda: pa.array([1, 2**40, -(2**40)]),
        "fractions": lambda: pa.array([1.5, 2.5, float("nan")]),
        "number texts": lambda: pa.array(["1", "2", "x"]),
        "good number texts": lambda: pa.array(["1", "2", "3"]),
        "dictionary": lambda: pa.array(["a", None, "a"]).dictionary_encode(),
        "run ends": lambda: pa.RunEndEncodedArray.from_arrays([3], pa.array([5])),
        "union": lambda: pa.UnionArray.from_sparse(
            pa.array([0, 0, 0], "i1"), [pa.array([1, 2, 3])]
        ),
        "chunked": lambda: pa.chunked_array([[1, 2], [3]]),
        "chunked whole": lambda: pa.chunked_array([[1, 2, 3]]),
        "chunked empty": lambda: pa.chunked_array([], pa.int64()),
    }


ARRAYS: dict[str, Maker] = {**_typed(), **_layouts()}

SHAPES: dict[str, Maker] = {
    "short": lambda: pa.array([1, 2]),
    "long": lambda: pa.array([1, 2, 3, 4]),
    "empty": lambda: pa.array([], pa.int64()),
    "list": lambda: [1, 2, 3],
    "numpy": lambda: np.arange(3),
    "series": lambda: pd.Series([1, 2, 3]),
    "scalar": lambda: pa.scalar(1),
    "null scalar": lambda: pa.scalar(None, pa.int64()),
    "text scalar": lambda: pa.scalar("x"),
    "number": lambda: 1,
    "float": lambda: 1.5,
    "text": lambda: "abc",
    "none": lambda: None,
    "numpy number": lambda: np.int64(1),
    "decimal": lambda: Decimal("1.5"),
    "date": lambda: datetime.date(2024, 1, 1),
    "dict": lambda: {"a": 1, "b": "x"},
    "table": lambda: pa.table({"a": [1, 2, 3]}),
    "batch": lambda: pa.record_batch({"a": [1, 2, 3]}),
    "frame": lambda: pd.DataFrame({"a": [1, 2, 3]}),
    "generator": lambda: (i for i in range(3)),
    "class": lambda: pa.Array,
}

_A, _B = [1, 2, 3], ["x", None, "z"]


def _table(**columns: Any) -> pa.Table:
    return pa.table(columns)


# Tables for the declared columns ``a bigint, b string``.
TABLES: dict[str, Maker] = {
    "right": lambda: _table(a=_A, b=_B),
    "reordered": lambda: _table(b=_B, a=_A),
    "extra": lambda: _table(a=_A, b=_B, c=_A),
    "missing": lambda: _table(b=_B),
    "renamed": lambda: _table(a=_A, c=_B),
    "other case": lambda: _table(A=_A, B=_B),
    "duplicate": lambda: pa.Table.from_arrays([pa.array(_A), pa.array(_A)], ["a", "a"]),
    "int32": lambda: _table(a=pa.array(_A, pa.int32()), b=_B),
    "large string": lambda: _table(a=_A, b=pa.array(_B, pa.large_string())),
    "wrong types": lambda: _table(a=_B, b=_A),
    "float": lambda: _table(a=[1.0, 2.0, 3.0], b=_B),
    "all null": lambda: _table(a=pa.nulls(3), b=pa.nulls(3)),
    "typed nulls": lambda: _table(a=pa.nulls(3, pa.int64()), b=pa.nulls(3, pa.string())),
    "no columns": lambda: pa.table({}),
    "no rows": lambda: _table(a=_A, b=_B).slice(0, 0),
    "one row": lambda: _table(a=_A, b=_B).slice(1, 1),
    "chunks": lambda: pa.concat_tables([_table(a=_A, b=_B), _table(a=[4], b=["w"])]),
    "uneven chunks": lambda: pa.table(
        {"a": pa.chunked_array([[1], [2, 3]]), "b": pa.chunked_array([["x", "y"], ["z"]])}
    ),
    "no chunks": lambda: pa.schema([("a", pa.int64()), ("b", pa.string())]).empty_table(),
    "sliced": lambda: _table(a=[0, *_A], b=["w", *_B]).slice(1),
    "metadata": lambda: _table(a=_A, b=_B).replace_schema_metadata({"x": "y"}),
    "field metadata": lambda: pa.table(
        [pa.array(_A), pa.array(_B)],
        schema=pa.schema([pa.field("a", pa.int64(), metadata={"x": "y"}), ("b", pa.string())]),
    ),
    "not nullable": lambda: pa.table(
        [pa.array(_A), pa.array(_B)],
        schema=pa.schema([pa.field("a", pa.int64(), False), pa.field("b", pa.string())]),
    ),
    "dictionary": lambda: _table(a=_A, b=pa.array(_B).dictionary_encode()),
    "many rows": lambda: _table(a=list(range(5000)), b=["é"] * 5000),
    "frame": lambda: pd.DataFrame({"a": _A, "b": _B}),
    "dict": lambda: {"a": _A, "b": _B},
    "array": lambda: pa.array(_A),
    "none": lambda: None,
    "number": lambda: 1,
    "list of batches": lambda: _table(a=_A, b=_B).to_batches(),
    "reader": lambda: _table(a=_A, b=_B).to_reader(),
}


class Unit:
    """A function over one unit that returns entries of the tables above, one a call.

    Parameters
    ----------
    as_result : str
        "column", "table", "batch" or "scalar": how an array becomes the family's result. "whole"
        is as it is.
    batch : bool
        Whether a whole table is turned into a record batch.
    """

    def __init__(self, as_result: str, batch: bool, *entries: tuple[str, str]) -> None:
        self.as_result = as_result
        self.batch = batch
        self.entries = entries
        self.calls = 0

    def __call__(self, *values: Any) -> Any:
        call = self.calls
        self.calls += 1
        kind, name = self.entries[min(call, len(self.entries) - 1)]
        made = {"arrays": ARRAYS, "shapes": SHAPES, "tables": TABLES}[kind][name]()
        if self.as_result == "scalar":
            return made[min(call, len(made) - 1)]
        if self.as_result in ("table", "batch"):
            made = pa.table({"made": made})
        if self.batch and isinstance(made, pa.Table):
            made = made.combine_chunks()
            batches = made.to_batches()
            return batches[0] if batches else pa.RecordBatch.from_pylist([], made.schema)
        return made
