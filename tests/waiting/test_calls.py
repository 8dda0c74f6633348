"""Functions that wait on both workers: what they give is what functions of rows give."""

import asyncio
import datetime
import decimal
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.errors import PythonException
from pyspark.sql import Row, SparkSession

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine, use_engine


@dataclass
class Item:
    name: str
    amounts: list[int]


VALUES = {
    "boolean": [True, None, False],
    "int": [1, None, -5],
    "bigint": [2**62, None, -(2**62) - 1],
    "double": [1.5, None, float("inf")],
    "string": ["tea", None, ""],
    "binary": [b"tea", None, b""],
    "date": [datetime.date(2026, 3, 2), None, datetime.date(1, 1, 1)],
    "timestamp": [datetime.datetime(2026, 7, 2, 12, 30, 0, 17), None],
    "decimal(20,3)": [decimal.Decimal("1.500"), None],
    "array<string>": [["a", None], None, []],
    "map<string,bigint>": [{"a": 1, "b": None}, None, {}],
    "struct<name:string,amounts:array<bigint>>": [("tea", [1, 2]), None, ("", None)],
}


# Those by which PySpark's worker may differ from ours.
ON_STOCK = ("double", "timestamp", "array<string>", "struct<name:string,amounts:array<bigint>>")


@pytest.mark.parametrize(
    ("engine", "kind"),
    [*((HYDROFOIL, kind) for kind in VALUES), *((WARM_STOCK, kind) for kind in ON_STOCK)],
    ids=lambda value: getattr(value, "name", value),
)
def test_parity(spark: SparkSession, engine: Engine, kind: str) -> None:
    if engine is WARM_STOCK and spark.version < "4.1" and kind.startswith("struct"):
        pytest.skip("PySpark's worker before 4.1 has columns by way of pandas: docs/waiting.md")

    def same(x):  # type: ignore[no-untyped-def]
        return x

    def shown(x):  # type: ignore[no-untyped-def]
        return f"{type(x).__name__} {x!r}"

    async def same_later(x):  # type: ignore[no-untyped-def]
        return x

    async def shown_later(x):  # type: ignore[no-untyped-def]
        return f"{type(x).__name__} {x!r}"

    with use_engine(spark, engine):
        rows = spark.createDataFrame([(value,) for value in VALUES[kind]], f"x {kind}").coalesce(1)
        udf, later = hydrofoil.udf, hydrofoil.async_udf
        expected = rows.select(udf(same, kind)("x"), udf(shown, "string")("x")).collect()
        found = rows.select(later(same_later, kind)("x"), later(shown_later, "string")("x"))
        assert [tuple(row) for row in found.collect()] == [tuple(row) for row in expected]


@pytest.mark.parametrize(
    ("kind", "returned"),
    [("string", 7), ("int", 2.5), ("double", 1), ("array<int>", (1, "x")), ("binary", "text")],
)
def test_parity_of_other_results(spark: SparkSession, kind: str, returned: Any) -> None:
    async def later(x: int):  # type: ignore[no-untyped-def]
        return returned

    with use_engine(spark, HYDROFOIL):
        plain = hydrofoil.udf(lambda x: returned, kind, useArrow=False)
        expected = spark.range(2).select(plain("id")).collect()
        found = spark.range(2).select(hydrofoil.async_udf(later, kind)("id")).collect()
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]


def test_order_and_overlap(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def slow(x: int) -> Item:
        await asyncio.sleep(0.2 if x % 50 == 0 else 0.001 * (x % 7))
        return Item(f"v{x}", [x])

    @hydrofoil.async_udf(once=False)
    async def both(item: Item, n: int) -> str:
        return f"{item.name} {n}"

    rows = spark.range(0, 3000, 1, 2)
    found = rows.select(slow("id").alias("v"), both(slow("id"), "id").alias("w")).collect()
    assert [row.v for row in found] == [Row(name=f"v{i}", amounts=[i]) for i in range(3000)]
    assert [row.w for row in found] == [f"v{i} {i}" for i in range(3000)]


def test_named_arguments_and_sql(spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def joined(a: str, b: int, c: int = 7) -> str:
        return f"{a}{b}{c}"

    with use_engine(spark, HYDROFOIL):
        rows = spark.sql("select 'x' as a, 1L as b, 2L as c")
        assert rows.select(joined(c="c", a="a", b="b")).first() == ("x12",)
        assert rows.select(joined("a", b="b")).first() == ("x17",)
        spark.udf.register("joined", joined)
        assert spark.sql("select joined('y', 1, 2)").first() == ("y12",)
        assert rows.select(joined.asNondeterministic()("a", "b")).first() == ("x17",)
    with pytest.raises(UsageError, match="was called with 1 columns"):
        joined("a")


def test_no_rows(spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def f(x: int) -> str:
        return str(x)

    with use_engine(spark, HYDROFOIL):
        assert spark.range(0).select(f("id")).collect() == []


def test_errors_say_which_row(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def fails(x: int) -> int:
        await asyncio.sleep(0.001 if x == 700 else 0.1)
        return 1 // (x - 700)

    with pytest.raises(PythonException) as raised:
        spark.range(0, 2000, 1, 2).select(fails("id")).collect()
    assert "ZeroDivisionError" in str(raised.value)
    assert ", partition 0, row 700, called with x=700" in str(raised.value)


def test_going_on_without_rows(worker: Engine, spark: SparkSession, tmp_path: Path) -> None:
    async def odd(x: int) -> int:
        if x % 2:
            raise ValueError(x)
        return x

    null = hydrofoil.async_udf(odd, on_error="null")
    found = spark.range(0, 6, 1, 1).select(null("id")).collect()
    assert [row[0] for row in found] == [0, None, 2, None, 4, None]
    table = str(tmp_path / "table")
    kept = hydrofoil.async_udf(odd, on_error="quarantine", quarantine=table)
    found = spark.range(0, 6, 1, 1).select(kept("id")).collect()
    assert [row[0] for row in found] == [0, None, 2, None, 4, None]
    rows = spark.read.parquet(table).orderBy("row").collect()
    assert [(row.row, json.loads(row.arguments)) for row in rows] == [
        (1, {"x": 1}),
        (3, {"x": 3}),
        (5, {"x": 5}),
    ]
    few = hydrofoil.async_udf(odd, on_error="null", max_errors=1)
    with pytest.raises(PythonException, match="more than max_errors=1"):
        spark.range(0, 6, 1, 1).select(few("id")).collect()


def test_what_the_session_says_of_errors(spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def fails(x: int) -> int:
        return 1 // x

    with use_engine(spark, HYDROFOIL):
        spark.conf.set("spark.hydrofoil.onError", "fails=null")
        try:
            found = spark.range(0, 2, 1, 1).select(fails("id")).collect()
        finally:
            spark.conf.unset("spark.hydrofoil.onError")
    assert [row[0] for row in found] == [None, 1]


def test_functions_that_block(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.udf(concurrency=8)
    def blocks(x: int) -> str:
        time.sleep(0.02)
        return f"{x} {threading.current_thread().name}"

    found = [row[0].split() for row in spark.range(0, 64, 1, 1).select(blocks("id")).collect()]
    assert [int(x) for x, _ in found] == list(range(64))
    assert {name for _, name in found} == {"hydrofoil-blocking"}


def test_threads_meet(spark: SparkSession) -> None:
    @hydrofoil.udf(concurrency=8)
    def meets(x: int) -> int:
        import builtins

        # Passed once eight calls are in it at the same time.
        vars(builtins).setdefault("_barrier_of_a_test", threading.Barrier(8)).wait(30)
        return x

    with use_engine(spark, HYDROFOIL):
        found = spark.range(0, 16, 1, 1).select(meets("id")).collect()
    assert [row[0] for row in found] == list(range(16))


def test_clients_are_set_up_once_a_worker(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.async_udf(once=False)
    async def ask(x: int, *, client: Any, prefix: Any) -> str:
        return f"{prefix} {id(client)} {client['loop'] is asyncio.get_running_loop()}"

    @ask.setup
    async def client() -> AsyncIterator[dict[str, Any]]:
        await asyncio.sleep(0)
        yield {"loop": asyncio.get_running_loop()}

    @ask.setup
    def prefix() -> str:
        return "made"

    found = set()
    for _ in range(3):
        found |= {row[0] for row in spark.range(0, 100, 1, 1).select(ask("id")).collect()}
    # One worker has run all three, if Spark had no reason to take another.
    assert 1 <= len(found) <= 2
    assert all(one.startswith("made ") and one.endswith(" True") for one in found)


def test_a_client_that_fails(spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def ask(x: int, *, client: Any) -> str:
        return "none"

    @ask.setup
    def client() -> Iterator[str]:
        raise LookupError("no such service")
        yield ""

    with use_engine(spark, HYDROFOIL), pytest.raises(PythonException, match="no such service"):
        spark.range(4).select(ask("id")).collect()


def test_generators_over_batches(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def upper(batches: AsyncIterator[list[str]]) -> AsyncIterator[list[str]]:
        async for batch in batches:
            await asyncio.sleep(0.001)
            half = len(batch) // 2
            yield [x and x.upper() for x in batch[:half]]
            yield [x and x.upper() for x in batch[half:]]

    @hydrofoil.async_udf
    async def total(
        batches: AsyncIterator[tuple[list[int], list[Item]]],
    ) -> AsyncIterator[list[int]]:
        async for numbers, items in batches:
            yield [n + sum(item.amounts) for n, item in zip(numbers, items, strict=True)]

    @hydrofoil.async_udf("bigint")
    async def arrays(batches: AsyncIterator[pa.Array]) -> AsyncIterator[pa.Array]:
        import pyarrow.compute as pc

        async for batch in batches:
            yield pc.add(batch, 1)

    texts = spark.createDataFrame([("a",), (None,), ("b",)], "x string")
    assert [row[0] for row in texts.select(upper("x")).collect()] == ["A", None, "B"]
    items = spark.sql(
        "select id, struct('a' as name, array(id, 1L) as amounts) as item from range(3)"
    )
    assert [row[0] for row in items.select(total("id", "item")).collect()] == [1, 3, 5]
    assert [row[0] for row in spark.range(3).select(arrays("id")).collect()] == [1, 2, 3]


def test_a_generator_that_fails(spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def fails(batches: AsyncIterator[list[int]]) -> AsyncIterator[list[int]]:
        async for batch in batches:
            raise LookupError(f"of {len(batch)}")
            yield batch

    with use_engine(spark, HYDROFOIL), pytest.raises(PythonException, match="LookupError: of 5"):
        spark.range(0, 5, 1, 1).select(fails("id")).collect()


def test_equal_arguments_are_asked_once(spark: SparkSession) -> None:
    @hydrofoil.async_udf
    async def ask(x: int) -> str:
        await asyncio.sleep(0.01)
        return f"answer to {x}"

    with use_engine(spark, HYDROFOIL):
        rows = spark.range(0, 1000, 1, 4).selectExpr("id % 10 as x").select(ask("x")).collect()
        assert [row[0] for row in rows] == [f"answer to {i % 10}" for i in range(1000)]
        counts = hydrofoil.waiting_calls(spark)[-1]
        assert (counts.function, counts.calls, counts.rows, counts.saved) == ("ask", 10, 1000, 990)
        assert str(counts) == "10 calls of ask for 1,000 rows, 990 answers were there"


def test_costs_are_counted(spark: SparkSession) -> None:
    @hydrofoil.async_udf(tokens="6000000/min", cost=lambda text: len(text))
    async def ask(text: str) -> int:
        return len(text)

    with use_engine(spark, HYDROFOIL):
        spark.createDataFrame([("abc",), ("de",)], "x string").select(ask("x")).collect()
        assert hydrofoil.waiting_calls(spark)[-1].cost == 5.0
