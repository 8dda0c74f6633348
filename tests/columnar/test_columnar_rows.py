"""Rows that parents without generated code are given: byte for byte those of Spark's operators."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from columnar_compare import Comparison
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import WARM_STOCK, use_conf, use_engine

# See tests/conftest.py.
ONE_IN = 3

CONF = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "700",
    # Plans are made at once, under the session's settings.
    "spark.sql.adaptive.enabled": "false",
}
# Columns by SQL over a number `id`, and whether some are null.
FIXED = (
    "id",
    "CAST(id AS INT) - 9 AS i",
    "CAST(id % 300 - 150 AS SMALLINT) AS h",
    "CAST(id % 200 - 100 AS TINYINT) AS b",
    "id % 3 = 0 AS flag",
    "id * -0.25D AS d",
    "CAST(id AS FLOAT) / 3 AS f",
    "double('NaN') AS nan",
    "DATE '2020-01-01' + CAST(id AS INT) AS day",
    "timestamp_micros(id * 1000003) AS t",
    "CAST(id - 500 AS DECIMAL(12, 2)) AS money",
    "NULL AS nothing",
)
# Of each length around a word of eight bytes, and past the two that are copied at once.
TEXTS = (
    "repeat('x', CAST(id % 19 AS INT)) AS short",
    "repeat('äß', CAST(id % 90 AS INT)) AS long",
    "CAST(repeat('b', CAST(id % 9 AS INT)) AS BINARY) AS bytes",
)
NESTED = (
    "array(id, id + 1) AS list",
    "named_struct('a', id, 'b', concat('s', id)) AS fields",
    "map('k', id) AS entries",
    "CAST(id AS DECIMAL(30, 5)) AS wide",
)


def with_nulls(columns: tuple[str, ...]) -> tuple[str, ...]:
    made = []
    for number, column in enumerate(columns):
        value, _, name = column.rpartition(" AS ")
        made.append(f"IF(id % {number + 2} = 0, NULL, {value or name}) AS {name}_null")
    return made[0], *made[1:]


def plus_one(column: str) -> Column:
    return F.udf(lambda v: v + 1, "long", useArrow=True)(column)


def same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def over(*columns: str, count: int = 2000) -> Callable[[SparkSession], DataFrame]:
    def build(spark: SparkSession) -> DataFrame:
        rows = spark.range(0, count, 1, 1).selectExpr(*columns)
        return rows.mapInArrow(same, rows.schema)

    return build


SHAPES = {
    "one number": over("id"),
    "fixed": over(*FIXED),
    "fixed, nulls": over(*with_nulls(FIXED)),
    "texts": over(*TEXTS),
    "texts, nulls": over(*with_nulls(TEXTS)),
    "all but nested": over(*FIXED, *TEXTS, *with_nulls(FIXED), *with_nulls(TEXTS)),
    "nested": over(*NESTED, *with_nulls(NESTED)),
    "more than 64 columns": over(
        *(f"IF(id % {n} = 0, NULL, id + {n}) AS c{n}" for n in range(2, 72))
    ),
    "long rows": over(
        "id",
        "repeat('z', CAST(id % 7 * id AS INT) * 100) AS huge",
        "concat('s', id) AS s",
        count=50,
    ),
    "one row": over(*FIXED, *TEXTS, count=1),
    "selected": lambda spark: over(*FIXED, *TEXTS)(spark).select(
        "d", F.col("i").alias("j"), "i", "id"
    ),
    "results only": lambda spark: spark.range(0, 50, 1, 1).select(plus_one("id")),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_bytes(compare: Comparison, shape: str) -> None:
    """What an exchange was given comes out of it as it was."""
    seen = {}
    for ours in ("false", "true"):
        settings = {ENABLED_KEY: ours, **CONF}
        with use_conf(compare.spark, settings), use_engine(compare.spark, WARM_STOCK):
            plan = SHAPES[shape](compare.spark).repartition(1)._jdf.queryExecution().executedPlan()
            seen[ours] = sorted(bytes(row.getBytes()) for row in plan.executeCollect())
            assert ("BatchesToRows" in plan.toString()) == (ours == "true")
    assert seen["true"]
    assert seen["true"] == seen["false"]


TEXT_EXPRESSIONS = (
    "length(s)",
    "upper(s)",
    "concat(s, '-', t)",
    "coalesce(s, t, 'none')",
    "CASE WHEN s IS NULL THEN t WHEN length(s) > 3 THEN s END",
    "s = t",
    "s IN ('x', '', 'xxx')",
    "s LIKE 'x%'",
    "substring(s, 2, 2)",
    "hash(s, t)",
    "isnull(s) OR s > 'x'",
    "struct(s, t)",
    "array(s, t)",
    "nullif(s, t)",
    "greatest(s, t)",
)


@pytest.mark.parametrize("codegen", ["true", "false"])
def test_texts_in_generated_code(compare: Comparison, codegen: str) -> None:
    """Every expression reads the strings of a batch, null ones too, without a row in between."""
    texts = (
        "IF(id % 3 = 0, NULL, repeat('x', CAST(id % 5 AS INT))) AS s",
        "IF(id % 4 = 0, NULL, repeat('x', CAST(id % 7 AS INT))) AS t",
    )
    compare.same(
        lambda spark: (
            over(*texts)(spark)
            .where("s IS NULL OR s != 'xx'")
            .selectExpr(*(f"{text} AS c{i}" for i, text in enumerate(TEXT_EXPRESSIONS)))
        ),
        conf={"spark.sql.codegen.wholeStage": codegen},
    )
    compare.same(
        lambda spark: (
            over(*texts)(spark)
            .groupBy("s")
            .agg(F.max("t"), F.min("t"), F.first("t"), F.count_distinct("t"), F.sum(F.length("t")))
            .orderBy("s")
        ),
        conf={"spark.sql.codegen.wholeStage": codegen},
    )
    compare.same(
        lambda spark: over(*texts)(spark).agg(F.max("s"), F.min("t"), F.max_by("s", F.length("t"))),
        conf={"spark.sql.codegen.wholeStage": codegen},
    )


def test_columns_selected_between_functions(compare: Comparison) -> None:
    """No rows are made between two functions where a projection only picks and names columns."""

    def build(spark: SparkSession) -> DataFrame:
        rows = spark.range(0, 2000, 1, 1).selectExpr("id", "id % 7 AS k", "concat('s', id) AS s")
        chosen = rows.select("s", plus_one("id").alias("y"), F.col("k").alias("z"), "k")
        return chosen.mapInArrow(same, chosen.schema)

    compare.same(build, conf=CONF)
    between = compare.plan.partition("HydrofoilMapInBatch")[2].partition("HydrofoilEvalPython")[0]
    assert "SelectColumns" in between
    assert "ArrowSink" not in between


def test_a_thousand_columns(compare: Comparison) -> None:
    """As many as one class of generated code writes."""
    columns = [f"id + {n} AS c{n}" for n in range(1000)]
    compare.same(over(*columns, count=3), engines=[WARM_STOCK])


def test_no_columns(compare: Comparison) -> None:
    compare.same(
        lambda spark: over("id")(spark).where("id > 5").select().repartition(2).groupBy().count()
    )
