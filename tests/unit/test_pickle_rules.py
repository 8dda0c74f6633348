"""What the pickled path makes of values, without a JVM; `tests/matrix/test_rows.py` asks one."""

import datetime
import enum
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import Row
from pyspark.sql import types as T

from hydrofoil._cext.objects.nested import Entries
from hydrofoil.values.pickle_rules.arguments import column_values
from hydrofoil.values.pickle_rules.java import NotForJava, check_unpickles, text_of
from hydrofoil.values.pickle_rules.map_order import pickled_items, unpickled_items
from hydrofoil.values.pickle_rules.results import ResultRules, array_of

TINY, INT, LONG, DOUBLE = T.ByteType(), T.IntegerType(), T.LongType(), T.DoubleType()
DECIMAL = T.DecimalType(5, 2)
PAIR = T.StructType().add("a", INT).add("b", T.StringType())


class Colour(enum.IntEnum):
    RED = 1


class Plain:
    pass


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (2**70, str(2**70)),
        (100.0, "100.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-1.5e-05, "-1.5E-5"),
        (5e-324, "4.9E-324"),
        (-1e-323, "-9.9E-324"),
        (7e-323, "6.9E-323"),
        (1e-322, "9.9E-323"),
        (2e-322, "2.0E-322"),
        (1e23, "1.0E23"),
        (-0.0, "-0.0"),
        (float("-inf"), "-Infinity"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("1E+3"), "1E+3"),
        ([1, None, "a"], "[1, null, a]"),
        ({"a": [True]}, "{a=[true]}"),
        ("a\ud800b", "a\ufffdb"),
    ],
)
def test_text_is_javas(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [datetime.date(2024, 1, 1), {1}, 1j, datetime.timedelta(1)])
def test_text_that_needs_a_jvm(value: Any) -> None:
    with pytest.raises(NotForJava, match="return str"):
        text_of(value)


def test_entries_are_in_the_order_of_a_hash_map() -> None:
    mapping = {"zeta": 1, "alpha": 2, "mid": 3, "q": 4}
    assert sorted(unpickled_items(mapping)) == sorted(mapping.items())
    assert unpickled_items(mapping) == unpickled_items(dict(reversed(mapping.items())))
    assert [k for k, _ in unpickled_items({i: i for i in range(20, 0, -1)})] == [*range(1, 21)]
    assert unpickled_items(OrderedDict(a=1))[0] == ("a", 1)
    # As the JVM has them.
    keys = [Decimal(text) for text in ("3.000000", "0.000000", "-0.000001", "0.000003")]
    items = pickled_items([(key, None) for key in keys], "DecimalType")
    assert [key for key, _ in items] == [keys[2], keys[3], keys[0], keys[1]]


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (np.float64(1), "value.tolist()"),
        ([np.int8(1)], "value.tolist()"),
        (Colour.RED, "int(value)"),
        ({"a": Decimal("Infinity")}, "return None"),
        (datetime.datetime.now(datetime.timezone.utc), "without, or declare timestamp"),
    ],
)
def test_what_spark_cannot_unpickle_is_named(value: Any, remedy: str) -> None:
    with pytest.raises(NotForJava) as raised:
        check_unpickles(value)
    assert remedy in str(raised.value)


@pytest.mark.parametrize("value", [None, [1, {"a": (b"", 1.5)}], Plain(), len, dict, ValueError()])
def test_what_spark_can_unpickle(value: Any) -> None:
    check_unpickles(value)


@pytest.mark.parametrize(
    ("declared", "returned", "converted"),
    [
        (TINY, 200, -56),
        (TINY, True, None),
        (LONG, 2**63, None),
        (LONG, 1.0, None),
        (DOUBLE, 1, None),
        (DECIMAL, Decimal("1.255"), Decimal("1.26")),
        (DECIMAL, 1, None),
        (T.BinaryType(), "é", "é".encode()),
        (T.ArrayType(INT), (1, "a"), [1, None]),
        (T.ArrayType(INT), b"a\xff", [97, -1]),
        (T.ArrayType(INT), {1}, None),
        (T.MapType(T.StringType(), INT), {1: 2.5}, [("1", None)]),
        (PAIR, {"b": 1}, (None, "1")),
        (PAIR, Row(x=1, y=2), (1, "2")),
    ],
)
def test_results(declared: T.DataType, returned: Any, converted: Any) -> None:
    rules = ResultRules(declared)
    assert rules.converted(rules.internal(returned)) == converted


@pytest.mark.parametrize(
    ("declared", "returned"),
    [(DECIMAL, Decimal("1234.5")), (PAIR, (1, 2, 3))],
)
def test_results_that_fail(declared: T.DataType, returned: Any) -> None:
    rules = ResultRules(declared)
    with pytest.raises(NotForJava):
        rules.converted(rules.internal(returned))


def test_arrays_go_by_position() -> None:
    struct = pa.struct([("a", pa.int32()), ("a", pa.list_(pa.string()))])
    made = array_of([(1, ["x", None]), None, (None, None)], struct)
    assert made.field(0).to_pylist() == [1, None, None]
    assert made.field(1).to_pylist() == [["x", None], None, None]
    entries = [Entries([("b", 1), ("a", None)]), None, Entries()]
    mapped = array_of(entries, pa.map_(pa.string(), pa.int32()))
    assert mapped.to_pylist() == [[("b", 1), ("a", None)], None, []]


def test_arrays_of_structs_that_an_encoder_had() -> None:
    """Rows before the first that an encoder left are dicts, those after it tuples."""
    inner = pa.struct([("t", pa.int64()), ("s", pa.string())])
    outer = pa.struct([("p", inner), ("l", pa.list_(inner))])
    made, kept = {"t": 1, "s": "x"}, (2, "y")
    plain = {"t": 2, "s": "y"}
    values = [{"p": made, "l": [made, None]}, None, (kept, [kept]), (None, None)]
    assert array_of(values, outer).to_pylist() == [
        {"p": made, "l": [made, None]},
        None,
        {"p": plain, "l": [plain]},
        {"p": None, "l": None},
    ]


def test_arguments_of_a_sliced_column() -> None:
    kind = T.ArrayType(T.StructType().add("d", T.DateType()).add("b", T.BinaryType()))
    array = pa.array(
        [[], [{"d": datetime.date(2024, 1, 1), "b": b"x"}, None], None],
        pa.list_(pa.struct([("d", pa.date32()), ("b", pa.binary())])),
    ).slice(1)
    values = column_values(array, kind, binary_as_bytes=False)
    assert values == [[Row(d=datetime.date(2024, 1, 1), b=bytearray(b"x")), None], None]
    assert type(values[0][0].b) is bytearray
