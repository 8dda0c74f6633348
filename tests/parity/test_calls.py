"""Every row's function is called once, in order, and sees objects that are its own."""

import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.accumulators import AccumulatorParam
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import expr, udf

from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.engines import Engine, use_engine
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe

pytestmark = pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])


class Listing(AccumulatorParam):  # type: ignore[type-arg]
    def zero(self, value: list[Any]) -> list[Any]:
        return []

    def addInPlace(self, left: list[Any], right: list[Any]) -> list[Any]:
        return left + right


RESULTS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "right": ("bigint", lambda i: i),
    "nulls": ("string", lambda i: None if i % 2 else str(i)),
    "leaves in the middle": ("string", lambda i: str(i) if i < 13 else i),
    "leaves at once": ("string", lambda i: i),
    "leaves at the end": ("bigint", lambda i: float(i) if i == 24 else i),
    "comes and goes": ("double", lambda i: float(i) if i % 2 else i),
    "struct": ("struct<a:bigint>", lambda i: (i,) if i % 4 else {"a": i}),
    "array": ("array<string>", lambda i: [str(i), None] if i % 4 else [i]),
    "decimal": ("decimal(10,2)", lambda i: Decimal(i)),
    "overflow": ("tinyint", lambda i: i * 100 if i > 20 else i),
    "fails": ("bigint", lambda i: i if i < 17 else [i]),
    "raises": ("bigint", lambda i: 100 // (17 - i)),
}


def calls_of(
    spark: SparkSession, engine: Engine, declared: str, result: Callable[[int], Any], arrow: bool
) -> list[Any]:
    """The arguments of all calls, in order. Failed tasks send no accumulators, so files tell."""
    with tempfile.TemporaryDirectory() as folder:
        log = str(Path(folder) / "calls")
        Path(log).touch()

        def logged(i: int) -> Any:
            with open(log, "a") as file:
                file.write(f"{i} ")
            return result(i)

        with use_engine(spark, engine):
            frame = numbers(spark, 25).select(udf(logged, declared, useArrow=arrow)("id"))
            try:
                frame.collect()
                end = "done"
            except Exception as error:
                end = type(error).__name__
        return [*Path(log).read_text().split(), end]


@pytest.mark.parametrize("kind", RESULTS)
def test_called_once_and_in_order(parity: Parity, arrow: bool, kind: str) -> None:
    declared, result = RESULTS[kind]
    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "10"}):
        expected = calls_of(parity.spark, parity.left, declared, result, arrow)
        actual = calls_of(parity.spark, parity.right, declared, result, arrow)
    assert expected == actual
    assert len(set(expected)) == len(expected), "stock called a row twice"


def test_accumulators(parity: Parity, arrow: bool) -> None:
    def seen(engine: Engine) -> list[int]:
        spark = parity.spark
        ids = spark.sparkContext.accumulator([], Listing())
        count = spark.sparkContext.accumulator(0)

        def visit(i: int) -> int:
            ids.add([i])
            count.add(1)
            return i

        with use_engine(spark, engine):
            numbers(spark, 25).select(udf(visit, "bigint", useArrow=arrow)("id")).collect()
        return [*ids.value, count.value]

    assert seen(parity.left) == seen(parity.right) == [*range(25), 25]


def test_order_of_calls_over_several_functions(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        calls: list[str] = []

        def make(name: str) -> Any:
            def visit(i: int) -> str:
                calls.append(f"{name}{i}")
                return " ".join(calls[-6:])

            return udf(visit, "string", useArrow=arrow)

        a, b, c = make("a"), make("b"), make("c")
        return numbers(spark, 7).select(a("id").alias("a"), b("id").alias("b"), c(a("id")))

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "3"}):
        parity.same_rows(build)


NESTED = "named_struct('l', array(id, NULL), 'm', map('k', id), 'r', named_struct('x', id))"


def test_arguments_are_changed(parity: Parity, arrow: bool) -> None:
    def change(row: Any) -> str:
        row.l.append("more")
        row.l[0] = None
        row.m["new"] = []
        row.m.pop("k")
        return describe(row)

    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 5).select(expr(NESTED).alias("r"))
        changed = udf(change, "string", useArrow=arrow)
        seen = udf(describe, "string", useArrow=arrow)
        # The second function gets the same column after the first has changed its values.
        return frame.select(changed("r").alias("a"), seen("r").alias("b"), changed("r").alias("c"))

    parity.same_rows(build)


def test_same_argument_twice(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 3).select(expr(NESTED).alias("r"), "id")

        def both(a: Any, b: Any) -> str:
            a.l.append(1)
            return f"{a is b} {a.l is b.l} {describe(b)}"

        return frame.select(udf(both, "string", useArrow=arrow)("r", "r").alias("both"))

    parity.same_rows(build)


def test_arguments_are_kept(parity: Parity, arrow: bool) -> None:
    """Kept arguments must stay what they were when later rows and batches are read."""

    def build(spark: SparkSession) -> DataFrame:
        kept: list[Any] = []

        def keep(*values: Any) -> str:
            kept.append(values)
            return describe(kept)

        names = ("string", "binary", "decimal_18_2", "timestamp", "double", "boolean")
        columns = [samples.named(samples.BASE, name) for name in names]
        columns += [samples.arrays(columns[0]), samples.string_maps(columns[1])]
        columns += [samples.structs(columns[0])]
        frame = samples.columns(spark, columns)
        return frame.select(udf(keep, "string", useArrow=arrow)(*frame.columns).alias("kept"))

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "2"}):
        parity.same_rows(build)


def test_argument_is_returned(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 5).select(
            expr(NESTED).alias("r"), expr("CAST(concat('b', id) AS BINARY)").alias("b")
        )
        row = frame.schema["r"].dataType

        def changed(r: Any) -> Any:
            r.l.append(7)
            return r

        def sliced(b: Any) -> Any:
            return bytearray(b) + b"!"

        return frame.select(
            udf(lambda r: r, row, useArrow=arrow)("r").alias("same"),
            udf(changed, row, useArrow=arrow)("r").alias("changed"),
            udf(lambda r: r.l, "array<bigint>", useArrow=arrow)("r").alias("part"),
            udf(sliced, "binary", useArrow=arrow)("b").alias("binary"),
        )

    parity.same_rows(build)


def test_state_lives_as_long_as_stocks(parity: Parity, arrow: bool) -> None:
    """A closure's state goes on over the batches of a task and starts anew with the next."""

    def build(spark: SparkSession) -> DataFrame:
        counts: dict[str, int] = {}

        def count(i: int) -> int:
            counts["n"] = counts.get("n", 0) + 1
            return counts["n"]

        return spark.range(0, 12, 1, 2).select(udf(count, "int", useArrow=arrow)("id").alias("n"))

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": "4"}):
        parity.same_rows(build)
        parity.same_rows(build)
