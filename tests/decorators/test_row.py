"""`hydrofoil.udf` on both workers, in SQL, without Spark, and its mistakes on the driver."""

import datetime
import decimal
import threading
from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypedDict

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import Row, SparkSession

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_core_conf, use_engine


@dataclass
class Item:
    name: str
    amount: int


@dataclass
class Order:
    items: list[Item]
    at: datetime.datetime | None


class Total(NamedTuple):
    pieces: int
    first: Item | None


class Labels(TypedDict):
    label: str


ORDERS = "items array<struct<name: string, amount: bigint>>, at timestamp"


def orders(spark: SparkSession) -> object:
    at = datetime.datetime(2026, 3, 2, 12)
    rows = [(([("tea", 2), ("milk", 1)], at),), (([], None),), (None,)]
    return spark.createDataFrame(rows, f"o struct<{ORDERS}>")


def test_structs_arrive_and_leave_as_classes(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.udf
    def total(order: Order | None) -> Total | None:
        if order is None:
            return None
        first = order.items[0] if order.items else None
        return Total(sum(item.amount for item in order.items), first)

    assert total.returnType.simpleString() == (
        "struct<pieces:bigint,first:struct<name:string,amount:bigint>>"
    )
    found = [row[0] for row in orders(spark).select(total("o")).collect()]  # type: ignore[attr-defined]
    assert found == [
        Row(pieces=3, first=Row(name="tea", amount=2)),
        Row(pieces=0, first=None),
        None,
    ]


@pytest.mark.parametrize("arrow", [True, False])
def test_fields_are_found_by_name(worker: Engine, spark: SparkSession, arrow: bool) -> None:
    @hydrofoil.udf(useArrow=arrow)
    def swap(item: Item, labels: Labels) -> Item:
        return Item(labels["label"], item.amount)

    data = spark.sql("""select named_struct('amount', 3L, 'more', true, 'name', 'x') as i,
                               named_struct('label', 'y') as l""")
    assert data.select(swap("i", "l")).first()[0] == Row(name="y", amount=3)  # type: ignore[index]


def test_a_missing_field_is_named(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.udf
    def name(item: Item) -> str:
        return item.name

    with pytest.raises(Exception, match=r"can't become Item: it lacks \['amount'\]"):
        spark.sql("select named_struct('name', 'x') as i").select(name("i")).collect()


def test_plain_functions_are_sent_as_they_are() -> None:
    def length(text: str) -> int:
        return len(text)

    decorated = hydrofoil.udf(length)
    assert decorated.func is length


def test_values(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.udf(useArrow=True)
    def price(amount: int, day: datetime.date) -> Annotated[decimal.Decimal, "decimal(10, 2)"]:
        return decimal.Decimal(amount) / 4 + day.day

    data = spark.sql("select id, date'2026-03-02' as d from range(3)")
    assert [str(r[0]) for r in data.select(price("id", "d")).collect()] == ["2.00", "2.25", "2.50"]
    assert price.returnType.simpleString() == "decimal(10,2)"


def test_registered_for_sql(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.udf("a: int, b: string")
    def both(n: int) -> tuple:  # type: ignore[type-arg]
        """The docstring."""
        return n, str(n)

    spark.udf.register("both", both)
    assert spark.sql("select both(id + 1).b from range(1)").first()[0] == "1"  # type: ignore[index]
    assert both.__name__ == "both"
    assert both.__doc__ == "The docstring."


def test_not_deterministic(spark: SparkSession) -> None:
    decorated = hydrofoil.udf(lambda: 1, "int").asNondeterministic()
    assert not decorated.deterministic
    assert [r[0] for r in spark.range(2).select(decorated()).collect()] == [1, 1]


def test_functions_may_call_one_another(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.udf
    def inner(n: int) -> int:
        return n + 1

    @hydrofoil.udf
    def outer(n: int) -> int:
        return inner(n) * 2  # type: ignore[no-any-return]

    assert [r[0] for r in spark.range(2).select(outer("id")).collect()] == [2, 4]


def test_local() -> None:
    @hydrofoil.udf
    def total(item: Item, times: int) -> Total:
        return Total(item.amount * times, item)

    frame = pa.table({"times": [2], "item": [{"name": "x", "amount": 4}]})
    assert total.local(frame).to_pylist() == [{"pieces": 8, "first": {"name": "x", "amount": 4}}]
    length = hydrofoil.udf(lambda text: len(text), "int")
    pd.testing.assert_series_equal(
        length.local(pd.Series(["a", "bc"])), pd.Series([1, 2], dtype="int32")
    )
    with pytest.raises(UsageError, match=r"the parameters \['item', 'times'\]"):
        total.local(pa.table({"a": [1], "b": [2], "c": [3]}))


def test_explain(spark: SparkSession) -> None:
    @hydrofoil.udf(useArrow=True)
    def total(item: Item, times: int) -> int:
        return item.amount * times

    known = [
        "total(item: struct<name:string,amount:bigint>, times: bigint) -> bigint",
        "kind: SQL_ARROW_BATCHED_UDF",
        "rows: Arrow record batches",
        "item arrives as Item",
    ]
    with use_engine(spark, HYDROFOIL):
        assert total.explain().splitlines() == [*known, "path: fast path hydrofoil.evals (batched)"]
        with use_core_conf(spark, {"spark.executorEnv.HYDROFOIL": "off"}):
            assert "path: PySpark's own code, since HYDROFOIL=off" in total.explain()
        with use_core_conf(spark, {"spark.executorEnv.HYDROFOIL_ROWS": "arrow"}):
            rows = "rows: Arrow record batches, with the results of pickled rows"
            assert rows in total.explain().splitlines()
    with use_engine(spark, STOCK):
        assert total.explain().splitlines()[-1] == (
            "path: PySpark's own code, since spark.python.daemon.module is pyspark.daemon: start "
            "the session with hydrofoil.session()"
        )
    pickled = hydrofoil.udf(lambda x: x, "int", useArrow=False)
    assert pickled.explain().splitlines()[1:3] == ["kind: SQL_BATCHED_UDF", "rows: pickled"]


def test_mistakes_are_named_when_decorating(spark: SparkSession) -> None:
    lock = threading.Lock()

    def locked(n: int) -> int:
        with lock:
            return n

    def unknown(n: threading.Thread) -> int:
        return 1

    def without(n: int):  # type: ignore[no-untyped-def]
        return n

    with pytest.raises(UsageError, match=r"locked\(\) can't be sent to workers: it uses 'lock'"):
        hydrofoil.udf(locked)
    with pytest.raises(UsageError, match=r"parameter 'n' of unknown\(\): the type hint Thread"):
        hydrofoil.udf(unknown)
    with pytest.raises(UsageError, match=r"without\(\) has no return type"):
        hydrofoil.udf(without)
    with pytest.raises(UsageError, match=r"can't be sent to workers: it uses 'spark'"):
        hydrofoil.udf(lambda n: spark.range(n).count(), "int")
    with pytest.raises(UsageError, match="missing a required argument: 'b'"):
        hydrofoil.udf(lambda a, b: a, "int")("a")
    with pytest.raises(UsageError, match=r"Item has the fields \['name', 'amount'\], and not \['x"):

        @hydrofoil.udf("x int")
        def item(n: int) -> Item:
            return Item("", n)
