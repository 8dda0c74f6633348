"""What pandas functions may return: series of every dtype that users plausibly make.

Made inside workers, where memory layout and identity are as a user's would be. Each entry makes
three items, as many as the recorded tasks have rows in a batch.
"""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

ROWS = 3

Maker = Callable[[], Any]

_MOMENT = datetime.datetime(2024, 3, 31, 2, 30, 0, 123456)
_MOMENTS = [_MOMENT, None, datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)]
_ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")


def objects(*items: Any) -> "pd.Series[Any]":
    """A series of the very items, whatever pandas would make of them."""
    array = np.empty(len(items), dtype=object)
    for number, item in enumerate(items):
        array[number] = item
    return pd.Series(array)


def _numbers() -> dict[str, Maker]:
    made: dict[str, Maker] = {}
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        made[name] = lambda name=name: pd.Series([1, 0, 100], dtype=name)
        made[f"{name} ends"] = lambda name=name: pd.Series(
            [np.iinfo(name).min, np.iinfo(name).max, 1], dtype=name
        )
        nullable = name.replace("u", "U").replace("int", "Int")
        made[nullable] = lambda nullable=nullable: pd.Series([1, pd.NA, 100], dtype=nullable)
        made[f"{nullable} whole"] = lambda nullable=nullable: pd.Series([1, 2, 3], dtype=nullable)
        made[f"{name}[pyarrow]"] = lambda name=name: pd.Series(
            [1, None, 100], dtype=f"{name}[pyarrow]"
        )
    for name in ("float16", "float32", "float64"):
        made[name] = lambda name=name: pd.Series([1.5, -0.0, 100.25], dtype=name)
        made[f"{name} whole"] = lambda name=name: pd.Series([1.0, 2.0, 100.0], dtype=name)
        made[f"{name} nan"] = lambda name=name: pd.Series([1.5, np.nan, np.inf], dtype=name)
        made[f"{name} whole nan"] = lambda name=name: pd.Series([1.0, np.nan, 2.0], dtype=name)
    for name in ("Float32", "Float64"):
        made[name] = lambda name=name: pd.Series([1.5, pd.NA, -0.0], dtype=name)
    made["float64 large"] = lambda: pd.Series([1e300, -1e300, 1e19])
    made["float64 payload"] = lambda: pd.Series(
        np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], "u8").view("f8")
    )
    made["Float64 nan inside"] = lambda: pd.Series(
        pd.arrays.FloatingArray(np.array([np.nan, 1.0, 2.0]), np.array([False, False, True]))
    )
    made["double[pyarrow]"] = lambda: pd.Series([1.5, None, float("nan")], dtype="double[pyarrow]")
    made["complex"] = lambda: pd.Series([1j, 2, 3])
    made["big endian"] = lambda: pd.Series(np.array([1, 2, 3], dtype=">i8"))
    made["big endian float"] = lambda: pd.Series(np.array([1, 2, 3], dtype=">f8"))
    made["bool"] = lambda: pd.Series([True, False, True])
    made["boolean"] = lambda: pd.Series([True, pd.NA, False], dtype="boolean")
    made["bool[pyarrow]"] = lambda: pd.Series([True, None, False], dtype="bool[pyarrow]")
    return made


def _layouts() -> dict[str, Maker]:
    """Numbers in memory that is not the plain contiguous array."""

    def read_only() -> "pd.Series[Any]":
        array = np.arange(3)
        array.flags.writeable = False
        return pd.Series(array)

    def unaligned() -> "pd.Series[Any]":
        return pd.Series(np.frombuffer(b"\0" + np.arange(3).tobytes(), "i8", offset=1))

    def shifted() -> "pd.Series[Any]":
        return pd.Series(np.arange(10.0)).shift(1).iloc[:3]

    return {
        "strided": lambda: pd.Series(np.arange(9)[::3]),
        "reversed": lambda: pd.Series(np.arange(3)[::-1]),
        "reversed series": lambda: pd.Series([1.0, 2.0, 3.0])[::-1],
        "row of a matrix": lambda: pd.DataFrame(np.arange(12.0).reshape(3, 4)).iloc[:, 2],
        "column of a frame": lambda: pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})["b"],
        "row of a frame": lambda: pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]}).loc[1],
        "broadcast": lambda: pd.Series(np.broadcast_to(np.int64(7), 3)),
        "broadcast float": lambda: pd.Series(np.broadcast_to(np.float64(0.5), 3)),
        "field of records": lambda: pd.Series(np.zeros(3, "i4,f8")["f1"]),
        "slice of bool": lambda: pd.Series(np.array([True, False] * 5))[1:8:3],
        "slice of Int64": lambda: pd.Series([1, None] * 5, dtype="Int64")[1:8:3],
        "read only": read_only,
        "unaligned": unaligned,
        "shifted": shifted,
        "slice of strings": lambda: pd.Series(list("abcdefgh"))[2:8:2],
        "slice of datetimes": lambda: pd.Series(pd.date_range("2024", periods=9))[::3],
    }


def _texts() -> dict[str, Maker]:
    made: dict[str, Maker] = {
        "str": lambda: pd.Series(["a", "é€\U0001f600", ""]),
        "str null": lambda: pd.Series(["a", None, "b"]),
        "str nan": lambda: objects("a", float("nan"), "b"),
        "str NA": lambda: objects("a", pd.NA, "b"),
        "str NaT": lambda: objects("a", pd.NaT, "b"),
        "str long": lambda: pd.Series(["x" * 100_000, "y", "z"]),
        "str surrogate": lambda: objects("a", "\ud800", "b"),
        "str zero": lambda: pd.Series(["a\0b", "\0", ""]),
        "str subclass": lambda: objects(np.str_("a"), np.str_("é"), "c"),
        "str numbers": lambda: pd.Series(["1", "2.5", "x"]),
        "str whole numbers": lambda: pd.Series(["1", "20", "-3"]),
        "str dates": lambda: pd.Series(["2024-01-02", "1969-12-31", "x"]),
        "numpy U": lambda: pd.Series(np.array(["a", "bc", ""])),
        "bytes": lambda: pd.Series([b"a", b"\xff\x00", b""]),
        "bytes null": lambda: pd.Series([b"a", None, b"b"]),
        "bytearray": lambda: objects(bytearray(b"a"), b"b", None),
        "memoryview": lambda: objects(memoryview(b"a"), b"b", None),
        "category str": lambda: pd.Series(["a", "b", "a"], dtype="category"),
        "category null": lambda: pd.Series(["a", None, "a"], dtype="category"),
        "category int": lambda: pd.Series([10, 20, 10], dtype="category"),
        "category int null": lambda: pd.Series([10, None, 10], dtype="category"),
        "category dates": lambda: pd.Series(pd.to_datetime(["2024-01-01"] * 3)).astype("category"),
        "category ordered": lambda: pd.Series(
            pd.Categorical(["b", "a", "b"], categories=["c", "b", "a"], ordered=True)
        ),
    }
    for dtype in ("string", "string[python]", "string[pyarrow]", "large_string[pyarrow]"):
        made[dtype] = lambda dtype=dtype: pd.Series(["a", None, "é"], dtype=dtype)
    return made


def _times() -> dict[str, Maker]:
    def period() -> "pd.Series[Any]":
        return pd.Series(pd.period_range("2024-01", periods=3, freq="M"))

    made: dict[str, Maker] = {
        "dates": lambda: objects(datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)),
        "datetimes": lambda: objects(*_MOMENTS),
        "datetimes far": lambda: objects(datetime.datetime(1, 1, 1), _MOMENT, None),
        "datetimes aware": lambda: objects(
            _MOMENT.replace(tzinfo=datetime.timezone.utc),
            None,
            _MOMENT.replace(tzinfo=datetime.timezone.utc),
        ),
        "datetimes mixed": lambda: objects(
            _MOMENT, _MOMENT.replace(tzinfo=datetime.timezone.utc), None
        ),
        "Timestamps": lambda: objects(pd.Timestamp(_MOMENT), pd.NaT, None),
        "nanoseconds": lambda: pd.Series(pd.to_datetime([1, 999, 1001], unit="ns")),
        "NaT only": lambda: pd.Series([pd.NaT] * 3),
        "ambiguous": lambda: pd.Series(
            pd.to_datetime(["2024-11-03 01:30:00", "2024-03-10 02:30:00", "2024-10-27 01:30:00"])
        ),
        "times": lambda: objects(datetime.time(1, 2, 3, 4), None, datetime.time(0)),
        "timedeltas": lambda: objects(datetime.timedelta(1, 2, 3), None, datetime.timedelta(-1)),
        "period": period,
        "interval": lambda: pd.Series(pd.interval_range(0, 3)),
        "date32[pyarrow]": lambda: pd.Series(
            pd.array([datetime.date(2024, 1, 2), None, None], dtype=pd.ArrowDtype(pa.date32()))
        ),
        "timestamp[pyarrow]": lambda: pd.Series(
            pd.array(_MOMENTS, dtype=pd.ArrowDtype(pa.timestamp("us")))
        ),
        "timestamp UTC[pyarrow]": lambda: pd.Series(
            pd.array(_MOMENTS, dtype=pd.ArrowDtype(pa.timestamp("us", "UTC")))
        ),
    }
    for unit in ("s", "ms", "us", "ns"):
        made[f"datetime64[{unit}]"] = lambda unit=unit: pd.Series(
            np.array(["2024-03-31T02:30:00.123456", "NaT", "1969-12-31T23:59:59"], f"M8[{unit}]")
        )
        made[f"timedelta64[{unit}]"] = lambda unit=unit: pd.Series(
            np.array([1, "NaT", -5], f"m8[{unit}]")
        )
        for zone in _ZONES:
            made[f"datetime64[{unit}, {zone}]"] = lambda unit=unit, zone=zone: (
                pd.Series(np.array(["2024-03-31T12:30:00.123456", "NaT", "1969-12-31"], "M8[us]"))
                .dt.as_unit(unit)
                .dt.tz_localize(zone)
            )
    return made


def _items() -> dict[str, Maker]:
    """Objects: nulls of each kind, mixtures, containers."""
    return {
        "none": lambda: objects(None, None, None),
        "nan": lambda: pd.Series([np.nan] * 3),
        "NA": lambda: objects(pd.NA, pd.NA, pd.NA),
        "object ints": lambda: objects(1, None, 3),
        "object ints nan": lambda: objects(1, float("nan"), 3),
        "object ints NA": lambda: objects(1, pd.NA, 3),
        "object int and float": lambda: objects(1, 2.5, None),
        "object int and str": lambda: objects(1, "a", None),
        "object int and bool": lambda: objects(1, True, None),
        "object big": lambda: objects(2**63, 1, None),
        "object bools": lambda: objects(True, None, False),
        "object floats": lambda: objects(1.5, None, -0.0),
        "object numpy": lambda: objects(np.int64(1), np.float32(1.5), np.bool_(True)),
        "decimals": lambda: objects(Decimal("1.50"), None, Decimal("-2.25")),
        "decimals long": lambda: objects(Decimal("1.23456789"), None, Decimal(10) ** 25),
        "decimals nan": lambda: objects(Decimal("NaN"), Decimal("1"), None),
        "decimal[pyarrow]": lambda: pd.Series(
            pd.array([Decimal("1.50"), None, Decimal(2)], dtype=pd.ArrowDtype(pa.decimal128(10, 2)))
        ),
        "lists": lambda: objects([1, 2], None, []),
        "lists of str": lambda: objects(["a", None], None, []),
        "lists of lists": lambda: objects([[1], None], None, [[]]),
        "arrays": lambda: objects(np.array([1, 2]), None, np.array([], dtype="i8")),
        "arrays float": lambda: objects(np.array([1.5, np.nan]), None, np.array([2.0])),
        "arrays strided": lambda: objects(np.arange(6)[::2], np.arange(3)[::-1], None),
        "arrays of str": lambda: objects(np.array(["a", None], dtype=object), None, np.array([])),
        "arrays of two dimensions": lambda: objects(np.eye(2), None, None),
        "tuples": lambda: objects((1, "x"), None, (2, "y")),
        "dicts": lambda: objects({"a": 1, "b": "x"}, None, {"b": "y"}),
        "dicts of str": lambda: objects({"a": "x"}, None, {}),
        "dicts of int": lambda: objects({1: 2}, None, {}),
        "lists of pairs": lambda: objects([("a", 1)], None, []),
        "list[pyarrow]": lambda: pd.Series(
            pd.array([[1, 2], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64())))
        ),
        "series inside": lambda: objects(pd.Series([1, 2]), None, None),
        "objects": lambda: objects(object, len, None),
        "sparse": lambda: pd.Series(pd.arrays.SparseArray([1.0, np.nan, 2.0])),
        "sparse ints": lambda: pd.Series(pd.arrays.SparseArray([0, 0, 2])),
        "null[pyarrow]": lambda: pd.Series(pd.array([None] * 3, dtype=pd.ArrowDtype(pa.null()))),
    }


SERIES: dict[str, Maker] = {**_numbers(), **_layouts(), **_texts(), **_times(), **_items()}


class Subclass(pd.Series):  # type: ignore[type-arg]
    @property
    def _constructor(self) -> type:
        return Subclass


def _indexed(index: Any, name: Any = None) -> "pd.Series[Any]":
    return pd.Series([1, 2, 3], index=index, name=name)


# Whole results that are not a plain series of as many items as the batch has rows.
SHAPES: dict[str, Maker] = {
    "shuffled index": lambda: _indexed([2, 0, 1]),
    "string index": lambda: _indexed(list("abc")),
    "duplicate index": lambda: _indexed([0, 0, 0]),
    "multi index": lambda: _indexed(pd.MultiIndex.from_tuples([(1, 2), (1, 3), (2, 2)])),
    "date index": lambda: _indexed(pd.date_range("2024", periods=3)),
    "odd name": lambda: _indexed(None, ("a", 1)),
    "attrs": lambda: _with_attrs(),
    "subclass": lambda: Subclass([1, 2, 3]),
    "short": lambda: pd.Series([1, 2]),
    "long": lambda: pd.Series([1, 2, 3, 4]),
    "empty": lambda: pd.Series([], dtype="int64"),
    "empty object": lambda: pd.Series([], dtype=object),
    "frame": lambda: pd.DataFrame({"made": [1, 2, 3]}),
    "frame of two": lambda: pd.DataFrame({"made": [1, 2, 3], "b": [4, 5, 6]}),
    "empty frame": pd.DataFrame,
    "list": lambda: [1, 2, 3],
    "tuple": lambda: (1, 2, 3),
    "range": lambda: range(3),
    "dict": lambda: {0: 1, 1: 2, 2: 3},
    "string": lambda: "abc",
    "array": lambda: np.arange(3),
    "matrix": lambda: np.eye(3),
    "array of objects": lambda: np.array([1, None, 3], dtype=object),
    "index": lambda: pd.Index([1, 2, 3]),
    "categorical": lambda: pd.Categorical([1, 2, 3]),
    "extension array": lambda: pd.array([1, None, 3], dtype="Int64"),
    "arrow array": lambda: pa.array([1, 2, 3]),
    "chunked array": lambda: pa.chunked_array([[1, 2], [3]]),
    "arrow table": lambda: pa.table({"made": [1, 2, 3]}),
    "generator": lambda: (i for i in range(3)),
    "iterator": lambda: iter([pd.Series([1, 2, 3])]),
    "none": lambda: None,
    "number": lambda: 1,
    "numpy number": lambda: np.float64(1),
    "zero dimensions": lambda: np.array(1),
    "class": lambda: pd.Series,
    "groupby": lambda: pd.Series([1, 2, 3]).groupby([1, 1, 2]),
    "rolling": lambda: pd.Series([1, 2, 3]).rolling(2),
}


def _with_attrs() -> "pd.Series[Any]":
    series = pd.Series([1, 2, 3])
    series.attrs["a"] = 1
    return series


class SubFrame(pd.DataFrame):
    @property
    def _constructor(self) -> type:
        return SubFrame


_A, _B = [1, 2, 3], ["x", None, "z"]

# Frames for the declared columns ``a bigint, b string``.
FRAMES: dict[str, Maker] = {
    "right": lambda: pd.DataFrame({"a": _A, "b": _B}),
    "reordered": lambda: pd.DataFrame({"b": _B, "a": _A}),
    "extra": lambda: pd.DataFrame({"a": _A, "b": _B, "c": _A}),
    "extra first": lambda: pd.DataFrame({"c": _A, "a": _A, "b": _B}),
    "missing": lambda: pd.DataFrame({"b": _B}),
    "renamed": lambda: pd.DataFrame({"a": _A, "c": _B}),
    "other case": lambda: pd.DataFrame({"A": _A, "B": _B}),
    "duplicate": lambda: pd.DataFrame(list(zip(_A, _B, _A, strict=True)), columns=["a", "b", "a"]),
    "all the same": lambda: pd.DataFrame(list(zip(_A, _A, strict=True)), columns=["a", "a"]),
    "numbered": lambda: pd.DataFrame(list(zip(_A, _B, strict=True))),
    "numbered by hand": lambda: pd.DataFrame({7: _A, 3: _B}),
    "numbered too many": lambda: pd.DataFrame(list(zip(_A, _B, _A, strict=True))),
    "numbered too few": lambda: pd.DataFrame({0: _A}),
    "numbers as text": lambda: pd.DataFrame({"0": _A, "1": _B}),
    "mixed names": lambda: pd.DataFrame({"a": _A, 1: _B}),
    "mixed names, right": lambda: pd.DataFrame({"a": _A, "b": _B, 1: _B}),
    "bytes names": lambda: pd.DataFrame({b"a": _A, b"b": _B}),
    "tuple names": lambda: pd.DataFrame({("a", 1): _A, ("b", 2): _B}),
    "none names": lambda: pd.DataFrame(list(zip(_A, _B, strict=True)), columns=[None, "b"]),
    "nan names": lambda: pd.DataFrame(list(zip(_A, _B, strict=True)), columns=["a", np.nan]),
    "categorical names": lambda: pd.DataFrame(
        list(zip(_A, _B, strict=True)), columns=pd.CategoricalIndex(["a", "b"])
    ),
    "string dtype names": lambda: pd.DataFrame(
        list(zip(_A, _B, strict=True)), columns=pd.Index(["a", "b"], dtype="string")
    ),
    "named columns": lambda: pd.DataFrame({"a": _A, "b": _B}).rename_axis(columns="letters"),
    "numpy names": lambda: pd.DataFrame(
        list(zip(_A, _B, strict=True)), columns=np.array(["a", "b"])
    ),
    "no columns": lambda: pd.DataFrame(index=range(3)),
    "nothing": pd.DataFrame,
    "no rows": lambda: pd.DataFrame({"a": _A, "b": _B}).iloc[:0],
    "no rows, no types": lambda: pd.DataFrame(columns=["a", "b"]),
    "no rows, wrong names": lambda: pd.DataFrame(columns=["x", "y"]),
    "no rows, numbered": lambda: pd.DataFrame(columns=[0, 1]),
    "one row": lambda: pd.DataFrame({"a": [1], "b": ["x"]}),
    "many rows": lambda: pd.DataFrame({"a": range(5000), "b": ["é"] * 5000}),
    "shuffled": lambda: pd.DataFrame({"a": _A, "b": _B}).sort_values("a", ascending=False),
    "indexed": lambda: pd.DataFrame({"a": _A, "b": _B}, index=list("pqr")),
    "column as index": lambda: pd.DataFrame({"a": _A, "b": _B}).set_index("a"),
    "multi index": lambda: pd.DataFrame({"a": _A, "b": _B, "c": _A}).set_index(
        ["c", "a"], drop=False
    )[["a", "b"]],
    "filtered": lambda: pd.DataFrame({"a": _A, "b": _B})[lambda df: df.a > 1],
    "filtered to none": lambda: pd.DataFrame({"a": _A, "b": _B})[lambda df: df.a > 5],
    "strided": lambda: pd.DataFrame({"a": _A * 2, "b": _B * 2}).iloc[::2],
    "one block": lambda: pd.DataFrame(
        np.array([[1, "x"], [2, None]], dtype=object), columns=["a", "b"]
    ),
    "fortran": lambda: pd.DataFrame(
        np.asfortranarray(np.arange(6).reshape(3, 2)), columns=["a", "b"]
    ),
    "subclass": lambda: SubFrame({"a": _A, "b": _B}),
    "flags": lambda: pd.DataFrame({"a": _A, "b": _B}).set_flags(allows_duplicate_labels=False),
    "floats": lambda: pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": _B}),
    "floats nan": lambda: pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": _B}),
    "fractions": lambda: pd.DataFrame({"a": [1.5, 2.0, 3.0], "b": _B}),
    "int32": lambda: pd.DataFrame({"a": np.array(_A, "i4"), "b": _B}),
    "Int64": lambda: pd.DataFrame({"a": pd.array([1, None, 3], "Int64"), "b": _B}),
    "wrong types": lambda: pd.DataFrame({"a": ["x", "y", "z"], "b": [1, 2, 3]}),
    "numbers for strings": lambda: pd.DataFrame({"a": _A, "b": _A}),
    "category": lambda: pd.DataFrame({"a": _A, "b": pd.Categorical(_B)}),
    "series inside": lambda: pd.DataFrame({"a": _A, "b": [pd.Series([1])] * 3}),
    "series": lambda: pd.Series(_A),
    "series of a row": lambda: pd.Series({"a": 1, "b": "x"}),
    "list": lambda: [1, "x"],
    "list of frames": lambda: [pd.DataFrame({"a": _A, "b": _B})],
    "iterator of frames": lambda: iter([pd.DataFrame({"a": _A, "b": _B})]),
    "dict": lambda: {"a": _A, "b": _B},
    "tuple": lambda: (_A, _B),
    "none": lambda: None,
    "number": lambda: 1,
    "string": lambda: "ab",
    "array": lambda: np.arange(6).reshape(3, 2),
    "arrow table": lambda: pa.table({"a": _A, "b": _B}),
    "class": lambda: pd.DataFrame,
    "grouped": lambda: pd.DataFrame({"a": _A, "b": _B}).groupby("a"),
}

TABLES = {"series": SERIES, "shapes": SHAPES, "frames": FRAMES}


class Unit:
    """A function over one unit that returns entries of the tables, one a call.

    The last one is returned again when there are no more. Pickled by name, which is cheap.

    Attributes
    ----------
    as_result : str
        "column" as it is, "table" as the only column of a frame, "scalar" for its items, one a
        call, "whole" as it is whatever the family.
    entries : tuple of (str, str)
        Table and name.
    """

    def __init__(self, as_result: str, *entries: tuple[str, str]) -> None:
        self.as_result = as_result
        self.entries = entries
        self.calls = 0

    def __call__(self, *values: Any) -> Any:
        call = self.calls
        self.calls += 1
        table, name = self.entries[min(call, len(self.entries) - 1)]
        made = TABLES[table][name]()
        if self.as_result == "table":
            return pd.DataFrame({"made": made}, copy=False)
        if self.as_result == "scalar":
            return made.iloc[min(call, len(made) - 1)]
        return made
