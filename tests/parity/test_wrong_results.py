"""Results that are not of the declared type: every type declared, every kind of value returned."""

import array
import collections
import dataclasses
import datetime
import enum
import fractions
import types
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pyspark.sql import Row
from pyspark.sql.types import VariantVal, _parse_datatype_string
from pyspark.testing.objects import ExamplePoint

from hydrofoil.tools.parity.harness import Parity
from parity.replay import HYDROFOIL, STOCK, Player, Players, Task, record

# See tests/conftest.py.
ONE_IN = 5

DECLARED = {
    "boolean": True,
    "tinyint": 1,
    "smallint": 1,
    "int": 1,
    "bigint": 1,
    "float": 1.5,
    "double": 1.5,
    "decimal(10,2)": Decimal("1.50"),
    "decimal(38,0)": Decimal(7),
    "string": "right",
    "binary": b"right",
    "date": datetime.date(2024, 1, 2),
    "timestamp": datetime.datetime(2024, 1, 2, 3),
    "timestamp_ntz": datetime.datetime(2024, 1, 2, 3),
    "interval day to second": datetime.timedelta(1),
    "interval year to month": 3,
    "void": None,
    "variant": VariantVal(b"\x0c\x01", b"\x01\x00\x00"),
    "array<int>": [1, None],
    "array<string>": ["a"],
    "array<timestamp>": [datetime.datetime(2024, 1, 2, 3)],
    "array<struct<a:int,b:string>>": [(1, "x")],
    "map<string,int>": {"a": 1},
    "map<int,array<double>>": {1: [1.5]},
    "struct<>": (),
    "struct<a:int>": (1,),
    "struct<a:int,b:string>": (1, "x"),
    "struct<a:int not null,b:array<int>>": (1, [2]),
    "struct<a:decimal(5,2),a:date>": (Decimal("1.00"), None),
}


class Color(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Number(int):
    pass


class Real(float):
    pass


class Text(str):
    __slots__ = ()


class Moment(datetime.datetime):
    pass


class Items(list):  # type: ignore[type-arg]
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class Pair(tuple):  # type: ignore[type-arg]
    __slots__ = ()


class Loud:
    """Says no to everything that a conversion might ask."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __str__(self) -> str:
        raise RuntimeError("no str")

    def __bool__(self) -> bool:
        raise RuntimeError("no bool")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no eq")

    __hash__ = None  # type: ignore[assignment]


class Index:
    def __index__(self) -> int:
        return 5

    def __float__(self) -> float:
        return 5.5

    def __int__(self) -> int:
        return 6


Named = collections.namedtuple("Named", ["b", "a"])


@dataclasses.dataclass
class Data:
    a: int
    b: str


@dataclasses.dataclass
class Slotted:
    __slots__ = ("a", "b")
    a: int
    b: str


def generator() -> Iterator[int]:
    yield 1


# Made in the function, so that what can't be pickled can be returned as well.
RESULTS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "zero": lambda: 0,
    "int": lambda: 3,
    "negative": lambda: -3,
    "int8_over": lambda: 128,
    "int8_under": lambda: -129,
    "int16_over": lambda: 2**15,
    "int32_over": lambda: 2**31,
    "int32_under": lambda: -(2**31) - 1,
    "int64_over": lambda: 2**63,
    "int64_under": lambda: -(2**63) - 1,
    "int53_over": lambda: 2**53 + 1,
    "huge": lambda: 10**400,
    "float": lambda: 2.5,
    "whole_float": lambda: 2.0,
    "float32_over": lambda: 1e300,
    "nan": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "complex": lambda: 1j,
    "fraction": lambda: fractions.Fraction(1, 3),
    "decimal": lambda: Decimal("2.5"),
    "decimal_long": lambda: Decimal("1.23456789"),
    "decimal_wide": lambda: Decimal("123456789012345678901234567890"),
    "decimal_nan": lambda: Decimal("NaN"),
    "decimal_infinity": lambda: Decimal("-Infinity"),
    "string": lambda: "text",
    "empty_string": lambda: "",
    "number_string": lambda: "12",
    "float_string": lambda: "1.5",
    "date_string": lambda: "2024-01-02",
    "true_string": lambda: "true",
    "surrogate": lambda: "\ud800",
    "bytes": lambda: b"bytes",
    "bad_utf8": lambda: b"\xff",
    "bytearray": lambda: bytearray(b"array"),
    "memoryview": lambda: memoryview(b"view"),
    "date": lambda: datetime.date(2024, 2, 29),
    "datetime": lambda: datetime.datetime(2024, 2, 29, 1, 2, 3, 4),
    "aware": lambda: datetime.datetime(2024, 2, 29, tzinfo=ZoneInfo("Asia/Tokyo")),
    "time": lambda: datetime.time(1, 2, 3),
    "timedelta": lambda: datetime.timedelta(days=-1, microseconds=1),
    "timedelta_over": lambda: datetime.timedelta.max,
    "list": lambda: [1, 2],
    "empty_list": list,
    "list_of_none": lambda: [None],
    "list_of_strings": lambda: ["1", "b"],
    "list_of_floats": lambda: [1.0, 2.5],
    "list_of_lists": lambda: [[1]],
    "list_of_tuples": lambda: [(1, "x")],
    "list_of_short_tuples": lambda: [(1,)],
    "list_of_dicts": lambda: [{"a": 1}],
    "list_mixed": lambda: [1, "b", None],
    "tuple": lambda: (1, "x"),
    "empty_tuple": tuple,
    "short_tuple": lambda: (1,),
    "long_tuple": lambda: (1, "x", 2),
    "tuple_of_wrong": lambda: ("x", 1),
    "tuple_of_none": lambda: (None, None),
    "tuple_and_list": lambda: (1, [2]),
    "row": lambda: Row(a=1, b="x"),
    "row_other_names": lambda: Row(c=1, d="x"),
    "row_positional": lambda: Row(1, "x"),
    "namedtuple": lambda: Named("x", 1),
    "dict": lambda: {"a": 1, "b": "x"},
    "empty_dict": dict,
    "dict_missing": lambda: {"b": "x"},
    "dict_wrong": lambda: {"a": "x", "b": 1},
    "dict_of_ints": lambda: {1: 2},
    "dict_of_lists": lambda: {1: [1.5, None]},
    "dict_none_key": lambda: {None: 1},
    "dict_none_value": lambda: {"a": None},
    "mapping_proxy": lambda: types.MappingProxyType({"a": 1}),
    "ordered_dict": lambda: collections.OrderedDict(a=1, b="x"),
    "counter": lambda: collections.Counter("a"),
    "set": lambda: {1},
    "frozenset": lambda: frozenset([1]),
    "range": lambda: range(2),
    "generator": generator,
    "deque": lambda: collections.deque([1]),
    "array": lambda: array.array("i", [1, 2]),
    "array_of_doubles": lambda: array.array("d", [1.5]),
    "object": object,
    "dataclass": lambda: Data(1, "x"),
    "slotted": lambda: Slotted(1, "x"),
    "namespace": lambda: types.SimpleNamespace(a=1, b="x"),
    "loud": Loud,
    "index": Index,
    "class": lambda: int,
    "function": lambda: len,
    "ellipsis": lambda: ...,
    "enum": lambda: Color.RED,
    "int_enum": lambda: Level.LOW,
    "int_subclass": lambda: Number(3),
    "float_subclass": lambda: Real(1.5),
    "str_subclass": lambda: Text("text"),
    "datetime_subclass": lambda: Moment(2024, 1, 2),
    "list_subclass": lambda: Items([1]),
    "dict_subclass": lambda: Table(a=1),
    "tuple_subclass": lambda: Pair((1, "x")),
    "np_bool": lambda: np.bool_(True),
    "np_int8": lambda: np.int8(3),
    "np_int64": lambda: np.int64(3),
    "np_uint64": lambda: np.uint64(2**64 - 1),
    "np_float32": lambda: np.float32(1.1),
    "np_float64": lambda: np.float64(1.1),
    "np_nan": lambda: np.float64("nan"),
    "np_str": lambda: np.str_("text"),
    "np_bytes": lambda: np.bytes_(b"bytes"),
    "np_datetime": lambda: np.datetime64("2024-01-02T03:04:05.123456"),
    "np_date": lambda: np.datetime64("2024-01-02"),
    "np_timedelta": lambda: np.timedelta64(5, "s"),
    "np_array": lambda: np.array([1, 2]),
    "np_array_of_floats": lambda: np.array([1.5]),
    "np_array_of_strings": lambda: np.array(["a"]),
    "variant": lambda: VariantVal(b"\x0c\x05", b"\x01\x00\x00"),
    "point": lambda: ExamplePoint(1.0, 2.0),
}

SAFE = {"spark.sql.execution.pandas.convertToArrowArraySafely": "true"}
COERCE = {"spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled": "true"}
LARGE = {"spark.sql.execution.arrow.useLargeVarTypes": "true"}


@pytest.fixture(scope="module")
def tasks(parity: Parity) -> dict[str, Task]:
    """Tasks of a real Spark under each configuration that changes how results are converted."""
    confs = {"arrow": {}, "safe": SAFE, "coerce": COERCE, "large": LARGE, "pickled": {}}
    recorded = {}
    for name, conf in confs.items():
        with parity.under(conf=conf):
            recorded[name] = record(parity.spark, arrow=name != "pickled")
    return recorded


@pytest.fixture(scope="module")
def players() -> Iterator[Players]:
    pair = Players(Player(STOCK), Player(HYDROFOIL))
    yield pair
    pair.left.close()
    pair.right.close()


def function_of(*makers: Callable[[], Any]) -> Callable[[int], Any]:
    return lambda i: makers[i]()


def check(
    players: Players, task: Task, declared: str, batches: list[list[int]], other: str = "int"
) -> None:
    """Replay each result to both engines: 0 is a right one, 1 the result, 2 is ``other``."""
    datatype = _parse_datatype_string(declared)
    right = DECLARED[declared]
    streams = [
        task.stream(function_of(lambda: right, made, RESULTS[other]), datatype, batches)
        for made in RESULTS.values()
    ]
    found = players.differences(list(RESULTS), streams)
    assert not found, f"{len(found)} results differ for {declared}\n" + "\n".join(found[:12])


CASES = [(mode, declared) for mode in ("arrow", "pickled") for declared in DECLARED]
CASES += [("safe", name) for name in ("tinyint", "int", "float", "decimal(10,2)", "timestamp")]
CASES += [("coerce", name) for name in ("int", "decimal(10,2)", "decimal(38,0)")]
CASES += [("large", name) for name in ("string", "binary", "array<string>")]


@pytest.mark.parametrize(("mode", "declared"), CASES)
def test_alone(players: Players, tasks: dict[str, Task], mode: str, declared: str) -> None:
    check(players, tasks[mode], declared, [[1]])


MIXED = [
    "boolean", "int", "bigint", "double", "decimal(10,2)", "string", "binary", "date", "timestamp",
    "timestamp_ntz", "interval day to second", "array<int>", "array<string>", "map<string,int>",
    "struct<a:int,b:string>",
]  # fmt: skip


@pytest.mark.parametrize("mode", ["arrow", "pickled"])
@pytest.mark.parametrize("declared", MIXED)
def test_after_right_ones(
    players: Players, tasks: dict[str, Task], mode: str, declared: str
) -> None:
    """The wrong one leaves the fast path in the middle of the second batch; right ones follow.

    Pickled rows come by the hundred.
    """
    check(players, tasks[mode], declared, [[0] * 100, [0] * 60 + [1] + [0] * 39, [0, 0]])


@pytest.mark.parametrize("declared", MIXED)
def test_two_wrong_ones(players: Players, tasks: dict[str, Task], declared: str) -> None:
    """A second wrong one, of another kind, after the fast path has been left."""
    other = "int" if declared not in ("int", "bigint") else "string"
    check(players, tasks["arrow"], declared, [[0, 1, 0, 2, 0], [0]], other)
