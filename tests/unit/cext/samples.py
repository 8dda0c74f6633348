"""Samples for all codecs: of every Spark type, values as a function gets and returns them."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    Row,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

PAIR = StructType([StructField("a", LongType()), StructField("count", StringType())])

SCALARS = [
    (NullType(), [None]),
    (BooleanType(), [True, False]),
    (ByteType(), [0, -128, 127]),
    (ShortType(), [0, -(2**15), 2**15 - 1]),
    (IntegerType(), [0, 1, -(2**31), 2**31 - 1]),
    (LongType(), [0, 255, 1025, 2**30 - 1, 2**30, -1, -(2**63), 2**63 - 1]),
    (FloatType(), [0.0, -0.0, 1.5, float("inf"), -float("inf"), float("nan")]),
    (DoubleType(), [0.0, -0.0, 0.1, 5e-324, 1.7976931348623157e308, float("nan"), -float("inf")]),
    (DecimalType(10, 2), [Decimal("0.00"), Decimal("-1.50"), Decimal("12345678.90")]),
    (DecimalType(38, 18), [Decimal("1E-18"), Decimal("-" + "9" * 20 + "." + "9" * 18)]),
    (DecimalType(38, 0), [Decimal("9" * 38), Decimal("-1"), Decimal(2**64)]),
    (DecimalType(1, 0), [Decimal("9"), Decimal("-9"), Decimal("0")]),
    (StringType(), ["", "a", "ascii", "später", "𝄞", "nul\0inside", "x" * 300]),
    (BinaryType(), [b"", b"\0\xff", b"x" * 300]),
    (DateType(), [date(1, 1, 1), date(1582, 10, 15), date(1969, 12, 31), date(9999, 12, 31)]),
    (
        TimestampType(),
        [datetime(1900, 1, 1, 0, 0, 0, 1), datetime(2024, 3, 31, 12, 30), datetime(2500, 7, 1)],
    ),
    (
        TimestampNTZType(),
        [datetime(1, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(9999, 12, 31)],
    ),
    (DayTimeIntervalType(), [timedelta(0), timedelta(microseconds=-1), timedelta(days=106751990)]),
]

NESTED = [
    (ArrayType(DoubleType()), [[], [1.0], [0.5, None, float("inf")]]),
    (ArrayType(ArrayType(StringType())), [[], [[]], [["a", None], None, ["später"]]]),
    (MapType(StringType(), LongType()), [{}, {"a": 1, "b": None}]),
    (MapType(LongType(), ArrayType(BooleanType())), [{1: [True], 2: None, 3: []}]),
    (PAIR, [Row(a=1, count="x"), Row(a=None, count=None)]),
    (ArrayType(PAIR), [[Row(a=1, count="x"), None], []]),
    (
        StructType([StructField("p", PAIR), StructField("d", DecimalType(5, 1))]),
        [Row(p=Row(a=2, count="y"), d=Decimal("1.5")), Row(p=None, d=None)],
    ),
]

SAMPLES = SCALARS + NESTED
