"""Python data sources under both engines: what a reader yields, and what a writer is given."""

import datetime
import os
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import Row, SparkSession

from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine, use_conf, use_engine

VERSION = installed_version()
if VERSION is None or VERSION.minor == "3.5":
    pytest.skip("this version has no Python data sources", allow_module_level=True)

from pyspark.sql.datasource import (  # noqa: E402
    DataSource,
    DataSourceReader,
    DataSourceWriter,
    InputPartition,
    WriterCommitMessage,
)

# See tests/conftest.py.
ONE_IN = 2

# With the JVM's operator, which takes the reader's record batches as they are.
COLUMNAR = Engine("hydrofoil, columnar", "hydrofoil.daemon", columnar=True)
AT = datetime.datetime(2024, 2, 3, 4, 5, 6, 7)
Unnamed: Any = Row
Pair = namedtuple("Pair", "a b")

# A schema, and the rows that a reader yields for it.
READS: dict[str, tuple[str, Callable[[], Any]]] = {
    "numbers": (
        "a byte, b short, c int, d long, e float, f double, g boolean",
        lambda: ((i, i, -i, i << 40, i / 3, i / 7, i % 2 == 0) for i in range(25)),
    ),
    "text": ("a string, b binary", lambda: ((f"é{i}", bytes([i])) for i in range(25))),
    "times": (
        "a date, b timestamp, c timestamp_ntz, d interval day to second",
        lambda: (
            (AT.date() + i * datetime.timedelta(1), AT, AT, i * datetime.timedelta(0, 5))
            for i in range(25)
        ),
    ),
    "decimals": ("a decimal(10,2)", lambda: ((Decimal(i) / 4,) for i in range(25))),
    "nested": (
        "a struct<x:int,y:array<string>>, b map<string,int>, c array<struct<z:date>>",
        lambda: ((Row(x=i, y=["p", None]), {"k": i}, [(AT.date(),), None]) for i in range(25)),
    ),
    "nulls": (
        "a int, b string, c array<int>",
        lambda: iter([(None, None, None), (1, "x", [None])]),
    ),
    "char": ("a char(3), b varchar(5)", lambda: ((f"{i}", "x" * (i % 5)) for i in range(25))),
    "lists": ("a int, b string", lambda: ([i, str(i)] for i in range(25))),
    "named tuples": ("a int, b int", lambda: (Pair(i, -i) for i in range(25))),
    "Row": ("a int, b int", lambda: (Row(a=i, b=-i) for i in range(25))),
    "Row in another order": ("a int, b int", lambda: (Row(b=i, a=-i) for i in range(25))),
    "Row without names": ("a int, b int", lambda: (Unnamed(i, -i) for i in range(25))),
    "Row of two kinds": (
        "a int, b int",
        lambda: (Row("b", "a")(i, -i) if i % 3 else Row(a=i, b=-i) for i in range(25)),
    ),
    "other names": ("a int, b int", lambda: iter([Row(a=1, b=1), Row(a=1, c=1)])),
    "casts": ("a int, b string", lambda: ((i, i) for i in range(25))),
    "a cast in between": (
        "a int, b string",
        lambda: ((i, i if i == 17 else "x") for i in range(25)),
    ),
    "too large": ("a int, b int", lambda: ((i, 1 << i * 4) for i in range(25))),
    "too short": ("a int, b int", lambda: ((i,) if i == 17 else (i, i) for i in range(25))),
    "a dict": (
        "a int, b int",
        lambda: ({"a": 1, "b": 2} if i == 17 else (i, i) for i in range(25)),
    ),
    "a number": ("a int", lambda: (i if i == 17 else (i,) for i in range(25))),
    "not null": ("a int not null, b int", lambda: ((i, None) for i in range(25))),
    "no rows": ("a int", lambda: iter(())),
    "not an iterator": ("a int", lambda: [(1,)]),
    "changed lists": ("a array<int>", lambda: changed()),
    "a time zone that changes": ("a timestamp", lambda: moving()),
    "an error": ("a int", lambda: failing()),
    "StopIteration": ("a int", lambda: map(stopping, range(25))),
    "Arrow": (
        "a int, b string",
        lambda: iter([pa.RecordBatch.from_pydict({"a": pa.array([1], "int32"), "b": ["x"]})]),
    ),
    "Arrow after rows": (
        "a int",
        lambda: ((1,) if i != 10 else pa.RecordBatch.from_pydict({"a": [2]}) for i in range(25)),
    ),
}


def changed() -> Iterator[Any]:
    kept = [0]
    for i in range(25):
        kept[0] = i
        yield (kept,)


def moving() -> Iterator[Any]:
    # Batches are of ten rows, so that the last one has none.
    before = os.environ.get("TZ")
    for i in range(20):
        if i == 5:
            set_zone("Asia/Tokyo" if before != "Asia/Tokyo" else "America/Lima")
        yield (AT,)
    set_zone(before)


def set_zone(name: str | None) -> None:
    os.environ.pop("TZ", None)
    if name is not None:
        os.environ["TZ"] = name
    time.tzset()


def failing() -> Iterator[Any]:
    for i in range(25):
        if i == 17:
            raise LookupError("no seventeen")
        yield (i,)


def stopping(i: int) -> Any:
    if i == 17:
        raise StopIteration
    return (i,)


class Reader(DataSourceReader):
    def __init__(self, case: str) -> None:
        self.case = case

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(0)]

    def read(self, partition: InputPartition) -> Any:
        return READS[self.case][1]()


class FilteredReader(DataSourceReader):
    """Takes some of the filters itself, and says in its rows which ones."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def pushFilters(self, filters: list[Any]) -> Iterator[Any]:
        for each in filters:
            if type(each).__name__ in ("EqualTo", "GreaterThan", "In", "StringStartsWith"):
                self.taken.append(each)
            else:
                yield each

    def partitions(self) -> list[InputPartition]:
        return [InputPartition((0, 17)), InputPartition((17, 40))]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        said = ", ".join(sorted(map(repr, self.taken)))
        tests: dict[str, Callable[[Any, Any], bool]] = {
            "EqualTo": lambda value, one: value == one.value,
            "GreaterThan": lambda value, one: value is not None and value > one.value,
            "In": lambda value, one: value in one.value,
            "StringStartsWith": lambda value, one: value.startswith(one.value),
        }
        for i in range(*partition.value):
            row = Row(
                a=i,
                b=None if i % 5 == 0 else i % 7,
                c=f"{'even' if i % 2 == 0 else 'odd'} {i}",
                said=said,
            )
            if all(tests[type(one).__name__](row[one.attribute[0]], one) for one in self.taken):
                yield row


class FilteredSource(DataSource):
    @classmethod
    def name(cls) -> str:
        return "filtered"

    def schema(self) -> str:
        return "a int, b int, c string, said string"

    def reader(self, schema: Any) -> FilteredReader:
        return FilteredReader()


class Writer(DataSourceWriter):
    """Fails with what it was given: the only way for a writer to say it to the test."""

    def write(self, iterator: Iterator[Row]) -> WriterCommitMessage:
        rows = list(iterator)
        raise ValueError(f"<<{rows!r} {[(type(r).__name__, r.__fields__) for r in rows[:1]]}>>")


class Source(DataSource):
    @classmethod
    def name(cls) -> str:
        return "both_engines"

    def schema(self) -> str:
        return READS[self.options["case"]][0]

    def reader(self, schema: Any) -> Reader:
        return Reader(self.options["case"])

    def writer(self, schema: Any, overwrite: bool) -> Writer:
        return Writer()


@pytest.fixture(scope="module")
def registered(spark: SparkSession) -> Iterator[SparkSession]:
    spark.dataSource.register(Source)
    # Several batches a partition.
    with use_conf(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "10"}):
        yield spark


def outcome(run: Callable[[], Any]) -> Any:
    """What it gives, or the last lines of its error, which the user's code or a check has made."""
    try:
        return run()
    except Exception as error:
        text = str(error)
        if "<<[" in text:
            return text[text.index("<<[") : text.rindex("]>>")]
        lines = [line for line in text.splitlines() if not line.startswith((" ", "\t", "JVM"))]
        return type(error).__name__, [line for line in lines if "Error" in line]


@pytest.mark.parametrize("case", READS)
def test_reader(registered: SparkSession, case: str) -> None:
    def read() -> Any:
        data = registered.read.format("both_engines").option("case", case).load()
        return data.schema, data.collect()

    with use_engine(registered, WARM_STOCK):
        stock = outcome(read)
    for engine in (HYDROFOIL, COLUMNAR):
        with use_engine(registered, engine):
            assert outcome(read) == stock, engine


WRITES = {
    "numbers": "id a, cast(id as float) b, id / 3 c, id % 2 = 0 d, cast(id as decimal(5,2)) e",
    "text": "concat('é', id) a, cast(concat('b', id) as binary) b",
    "times": "date_add(date'2024-01-01', int(id)) a, timestamp_seconds(id) b, "
    "timestamp_ntz'2024-01-01' c",
    "nested": "struct(id x, array(id, null) y) a, map('k', id) b, array(struct(id)) c",
    "binary in an array": "array(cast('x' as binary)) a",
    "nulls": "nullif(id, 3) a, cast(null as string) b",
    "intervals": "make_dt_interval(0, 0, 0, id) a",
}


@pytest.mark.parametrize("case", WRITES)
@pytest.mark.parametrize("as_bytes", ["true", "false"])
def test_writer(registered: SparkSession, case: str, as_bytes: str) -> None:
    data = registered.sql(f"select {WRITES[case]} from range(0, 25, 1, 1)")

    def write() -> Any:
        data.write.format("both_engines").mode("append").save()

    with use_conf(registered, {"spark.sql.execution.pyspark.binaryAsBytes": as_bytes}):
        with use_engine(registered, WARM_STOCK):
            stock = outcome(write)
        with use_engine(registered, HYDROFOIL):
            assert outcome(write) == stock
    assert "Row" in stock


# Of columns none is left out by a reader: Spark selects them above it.
@pytest.mark.parametrize(
    ("columns", "where"),
    [
        ("said, a", "b = 3"),
        ("*", "a > 20"),
        ("count(*)", "a in (3, 5, 38)"),
        ("said", "c like 'odd%'"),
        ("c", "b is null"),
        ("said, c", "a + 1 = 6"),
        ("*", "a > 4 and not b = 2"),
    ],
)
@pytest.mark.skipif(
    not hasattr(DataSourceReader, "pushFilters"), reason="this version gives readers no filters"
)
def test_filters_and_columns(registered: SparkSession, columns: str, where: str) -> None:
    def read() -> Any:
        data = registered.read.format("filtered").load()
        return data.where(where).selectExpr(*columns.split(", ")).collect()

    registered.dataSource.register(FilteredSource)
    with use_conf(registered, {"spark.sql.python.filterPushdown.enabled": "true"}):
        with use_engine(registered, WARM_STOCK):
            stock = read()
        for engine in (HYDROFOIL, COLUMNAR):
            with use_engine(registered, engine):
                assert read() == stock, engine
    assert stock
    assert where != "b = 3" or "EqualTo" in stock[0].said
