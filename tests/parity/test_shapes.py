"""Where UDFs stand in a query, what kinds of functions they are, and under which settings."""

import functools
import math
import operator
import random
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import col, udf

from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe, identity

# See tests/conftest.py.
ONE_IN = 4

pytestmark = pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])

CONF = {
    "default": {},
    "batches of 1": {"spark.sql.execution.arrow.maxRecordsPerBatch": "1"},
    "concurrency": {"spark.sql.execution.pythonUDF.arrow.concurrency.level": "4"},
    "legacy pandas": {"spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled": "true"},
    "safe": {"spark.sql.execution.pandas.convertToArrowArraySafely": "true"},
    "perf profiler": {"spark.sql.pyspark.udf.profiler": "perf"},
    "memory profiler": {"spark.sql.pyspark.udf.profiler": "memory"},
    "batches by size": {"spark.sql.execution.arrow.maxBytesPerBatch": "200"},
    "columnar input": {"spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "true"},
}


def mixed_data(spark: SparkSession, count: int = 30) -> DataFrame:
    return numbers(spark, count).selectExpr(
        "id",
        "IF(id % 3 = 0, NULL, id / 2) AS d",
        "IF(id % 5 = 1, NULL, concat('s', id)) AS s",
        "named_struct('a', id, 'b', concat('x', id)) AS r",
        "sequence(0, id % 4) AS a",
        "timestamp_micros(id * 1000003) AS t",
    )


@pytest.mark.parametrize("conf", CONF)
def test_many_udfs_in_one_projection(parity: Parity, arrow: bool, conf: str) -> None:
    """Some stay on the fast path, some leave it in the middle, some never take it."""

    def build(spark: SparkSession) -> DataFrame:
        def make(function: Callable[..., Any], declared: str) -> Callable[..., Column]:
            return udf(function, declared, useArrow=arrow)

        plus = make(lambda x: x + 1, "bigint")
        return mixed_data(spark).select(
            plus("id").alias("plus"),
            make(lambda x: x and x * 0.5, "double")("d").alias("half"),
            make(lambda x: x if x % 7 else str(x), "string")("id").alias("leaves"),
            make(lambda s: s and s.upper(), "string")("s").alias("upper"),
            make(lambda r: (r.b, r.a), "struct<p:string,q:bigint>")("r").alias("swap"),
            make(lambda a: [x * 2 for x in a], "array<bigint>")("a").alias("twice"),
            make(lambda t: t.year, "int")("t").alias("year"),
            make(lambda *xs: describe(xs), "string")("id", "d", "s", "id").alias("four"),
            make(lambda: 42, "int")().alias("none"),
            plus(plus(plus("id"))).alias("chained"),
            make(lambda r, a: {r.b: len(a)}, "map<string,int>")("r", "a").alias("map"),
        )

    with parity.under(conf=CONF[conf]):
        if "profiler" in conf:
            parity.spark.profile.clear()
        parity.same_rows(build)


def test_chained(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        none_on_odd = udf(lambda x: None if x % 2 else x, "bigint", useArrow=arrow)
        # The outer function gets what the inner one returned, not what it declared.
        wrong_type = udf(lambda x: [x], "bigint", useArrow=arrow)
        seen = udf(describe, "string", useArrow=arrow)
        two = udf(lambda a, b: f"{a} {b}", "string", useArrow=arrow)
        return numbers(spark, 4).select(
            seen(none_on_odd("id")).alias("none"),
            seen(wrong_type("id")).alias("undeclared"),
            seen(seen(seen("id"))).alias("thrice"),
            two(none_on_odd("id"), "id").alias("two"),
            seen(none_on_odd(col("id") + 1)).alias("expression"),
        )

    def build_unchained(spark: SparkSession) -> DataFrame:
        """A function of two functions' results gets these by way of the JVM, converted."""
        wrong_type = udf(lambda x: [x], "bigint", useArrow=arrow)
        right_type = udf(lambda x: x, "bigint", useArrow=arrow)
        two = udf(lambda a, b: f"{a} {b}", "string", useArrow=arrow)
        return numbers(spark, 4).select(two(right_type("id"), wrong_type("id")).alias("both"))

    parity.same_rows(build)
    parity.same(build_unchained)


def test_kinds_of_callables(parity: Parity, arrow: bool) -> None:
    class Adder:
        def __init__(self, by: int) -> None:
            self.by = by

        def __call__(self, x: int) -> int:
            return x + self.by

        def method(self, x: int) -> int:
            return x * self.by

        @classmethod
        def of_class(cls, x: int) -> str:
            return f"{cls.__name__} {x}"

        @staticmethod
        def static(x: int) -> int:
            return -x

    def with_default(x: int, y: int = 10, *rest: int) -> int:
        return x + y + len(rest)

    by = 3

    def closure(x: int) -> int:
        return x * by

    def build(spark: SparkSession) -> DataFrame:
        def make(function: Callable[..., Any], declared: str = "bigint") -> Any:
            return udf(function, declared, useArrow=arrow)

        calls = {
            "object": make(Adder(5))("id"),
            "method": make(Adder(5).method)("id"),
            "class_method": make(Adder.of_class, "string")("id"),
            "static": make(Adder.static)("id"),
            "partial": make(functools.partial(with_default, y=1))("id"),
            "partial_two": make(functools.partial(operator.mul, 6))("id"),
            "default": make(with_default)("id"),
            "rest": make(with_default)("id", "id", "id", "id"),
            "closure": make(closure)("id"),
            "builtin": make(abs)("id"),
            "len": make(len, "int")("s"),
            "math": make(math.sqrt, "double")("id"),
            "upper": make(str.upper, "string")("s"),
            "itemgetter": make(operator.itemgetter(0), "bigint")("a"),
            "attrgetter": make(operator.attrgetter("b"), "string")("r"),
            "type": make(str, "string")("id"),
        }
        frame = mixed_data(spark, 6).filter("s IS NOT NULL")
        return frame.select(*[call.alias(name) for name, call in calls.items()])

    parity.same_rows(build)


def test_results_that_are_functions_results(parity: Parity, arrow: bool) -> None:
    """Generators, coroutines and async functions are not called by anyone."""

    def generate(x: int) -> Any:
        yield x

    async def later(x: int) -> int:
        return x

    for function in (generate, later):
        parity.same(
            lambda spark, function=function: numbers(spark, 2).select(
                udf(lambda x: type(function(x)).__name__, "string", useArrow=arrow)("id").alias("r")
            )
        )


def test_positions_in_a_query(parity: Parity, arrow: bool) -> None:
    def build_filter(spark: SparkSession) -> DataFrame:
        even = udf(lambda x: x % 2 == 0, "boolean", useArrow=arrow)
        maybe = udf(lambda x: None if x % 3 == 0 else True, "boolean", useArrow=arrow)
        return numbers(spark, 20).filter(even("id")).filter(maybe("id"))

    def build_join(spark: SparkSession) -> DataFrame:
        near = udf(lambda a, b: abs(a - b) < 2, "boolean", useArrow=arrow)
        left, right = numbers(spark, 6), numbers(spark, 6).withColumnRenamed("id", "other")
        return left.join(right, near("id", "other")).orderBy("id", "other")

    def build_group(spark: SparkSession) -> DataFrame:
        key = udf(lambda x: x % 3, "bigint", useArrow=arrow)
        value = udf(lambda x: float(x), "double", useArrow=arrow)
        frame = numbers(spark, 20).groupBy(key("id").alias("k"))
        return frame.agg(F.sum(value("id")).alias("s"), F.count("*").alias("n")).orderBy("k")

    def build_after_agg(spark: SparkSession) -> DataFrame:
        show = udf(describe, "string", useArrow=arrow)
        grouped = numbers(spark, 20).groupBy((col("id") % 2).alias("k"))
        return grouped.agg(show(F.collect_list("id")).alias("ids")).orderBy("k")

    def build_sort(spark: SparkSession) -> DataFrame:
        back = udf(lambda x: -x, "bigint", useArrow=arrow)
        return spark.range(0, 20, 1, 3).orderBy(back("id"))

    def build_conditional(spark: SparkSession) -> DataFrame:
        shout = udf(lambda x: f"{x}!", "string", useArrow=arrow)
        return numbers(spark, 6).select(
            F.when(col("id") > 3, shout("id")).otherwise(shout(-col("id"))).alias("c"),
            F.coalesce(shout(F.lit(None)), shout("id")).alias("d"),
            F.transform(F.array("id"), lambda x: x + 1)[0].alias("e"),
        )

    def build_literals(spark: SparkSession) -> DataFrame:
        show = udf(lambda *xs: describe(xs), "string", useArrow=arrow)
        return numbers(spark, 2).select(
            show(F.lit(1), F.lit("x"), F.lit(None), F.lit(1.5), F.lit(True), "id").alias("c")
        )

    def build_sql(spark: SparkSession) -> DataFrame:
        spark.udf.register("parity_show", udf(lambda a, b=0: describe((a, b)), "string"))
        return spark.sql("SELECT parity_show(id, b => id + 1) AS c, parity_show(id) FROM range(3)")

    def build_two_partitions(spark: SparkSession) -> DataFrame:
        show = udf(describe, "string", useArrow=arrow)
        return spark.range(0, 50, 1, 3).repartition(4, "id").select("id", show("id")).orderBy("id")

    for build in (
        build_filter,
        build_join,
        build_group,
        build_after_agg,
        build_sort,
        build_conditional,
        build_literals,
        build_sql,
        build_two_partitions,
    ):
        outcome = parity.same_rows(build)
        assert outcome.values, f"{build.__name__} gave no rows"


def test_nondeterministic(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        source = random.Random(7)
        draw = udf(lambda: source.random(), "double", useArrow=arrow).asNondeterministic()
        add = udf(lambda x: x + source.randrange(100), "bigint", useArrow=arrow)
        return numbers(spark, 10).select(
            draw().alias("a"), add.asNondeterministic()("id").alias("b"), draw().alias("c")
        )

    parity.same_rows(build)


def test_large_batches(parity: Parity, arrow: bool) -> None:
    """Several batches of the default size, with buffers that have to grow."""

    def build(spark: SparkSession) -> DataFrame:
        text = udf(lambda x: "é" * (x % 50) if x % 11 else None, "string", useArrow=arrow)
        items = udf(lambda x: list(range(x % 5)), "array<int>", useArrow=arrow)
        frame = numbers(spark, 25_000).select("id", text("id").alias("s"), items("id").alias("a"))
        return frame.agg(
            F.count("s"), F.sum(F.length("s")), F.sum(F.hash("id", "s", "a").cast("bigint"))
        )

    parity.same_rows(build)


def test_limits(parity: Parity, arrow: bool) -> None:
    """The JVM stops reading early."""

    def build(spark: SparkSession) -> DataFrame:
        return numbers(spark, 30_000).select(udf(identity, "bigint", useArrow=arrow)("id")).limit(3)

    parity.same_rows(build)
    parity.same_rows(build)


def test_reader_thread(parity: Parity, arrow: bool) -> None:
    """Input is read ahead in a thread, where stock allows it."""

    def build(spark: SparkSession) -> DataFrame:
        return mixed_data(spark).select(
            *[udf(describe, "string", useArrow=arrow)(name) for name in ("id", "s", "r", "t")]
        )

    def build_failing(spark: SparkSession) -> DataFrame:
        inverse = udf(lambda x: 100 // (20 - x), "bigint", useArrow=arrow)
        return numbers(spark, 40).select(inverse("id").alias("r"))

    conf = {"spark.sql.execution.arrow.maxRecordsPerBatch": "4"}
    with parity.under(conf=conf, environment={"SPARK_PIPELINED_UDF": "1"}):
        parity.same_rows(build)
        parity.same_error(build_failing)


def test_what_surrounds_a_task(parity: Parity, arrow: bool) -> None:
    """The task's context, its local properties and broadcast variables."""
    context = parity.spark.sparkContext
    shared = context.broadcast({"k": [1, 2]})

    def surroundings(x: int) -> str:
        from pyspark import TaskContext

        task = TaskContext.get()
        assert task is not None
        parts = [task.partitionId(), task.attemptNumber(), task.getLocalProperty("parity")]
        return describe([x, *parts, sorted(task.resources()), shared.value])

    context.setLocalProperty("parity", "a property")
    try:
        parity.same_rows(
            lambda spark: spark.range(0, 6, 1, 2).select(
                udf(surroundings, "string", useArrow=arrow)("id").alias("seen")
            )
        )
    finally:
        context.setLocalProperty("parity", None)  # type: ignore[arg-type]
