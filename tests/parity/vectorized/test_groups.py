"""Groups of every size, keys of every kind, and several functions over different windows."""

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udf, pandas_udf
from pyspark.sql.pandas.functions import ArrowUDFType, PandasUDFType

from hydrofoil.tools.parity.data import NEAR
from hydrofoil.tools.parity.families import FAMILIES, Family
from hydrofoil.tools.parity.families import family as named
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.views import see

# See tests/conftest.py.
ONE_IN = 13

GROUPED = [
    family
    for family in FAMILIES
    if family.name.startswith(("applyIn", "cogroup", "grouped agg", "window"))
]
KEYED = [family for family in GROUPED if "key" in family.name]

ONE_PARTITION = {"spark.sql.shuffle.partitions": "1"}


def _sizes(*values: Any) -> str:
    """What a group holds, shortly."""
    parts = []
    for value in values:
        items = value if isinstance(value, tuple) else (value,)
        parts.append(str([len(item) if hasattr(item, "__len__") else item for item in items]))
    return " ".join(parts)


@pytest.mark.parametrize("family", GROUPED, ids=str)
def test_many_small_groups(parity: Parity, family: Family) -> None:
    """In the order of the answers within a partition, too."""

    def build(spark: SparkSession) -> DataFrame:
        rows = numbers(spark, 2000).selectExpr("id AS k", "explode(sequence(0, id % 3)) AS n")
        return family.observed(rows.selectExpr("k", "CAST(n AS BIGINT) AS n", "k / 2 AS d"), _sizes)

    with parity.under(conf=ONE_PARTITION):
        parity.same_rows(build)


@pytest.mark.parametrize("family", GROUPED, ids=str)
def test_one_large_group(parity: Parity, family: Family) -> None:
    if "bounded" in family.name:
        pytest.skip("a call for each row")

    def build(spark: SparkSession) -> DataFrame:
        rows = numbers(spark, 5000).selectExpr(
            "1 AS k", "id AS n", "IF(id % 700 = 1, NULL, id) AS i", "concat('s', id) AS s"
        )
        # Each row of a window gets the whole text.
        return family.observed(rows, _sizes if family.name.startswith("window") else see)

    with parity.under(
        conf={**ONE_PARTITION, "spark.sql.execution.arrow.maxRecordsPerBatch": "600"}
    ):
        parity.same_rows(build)


def test_keys(parity: Parity) -> None:
    """Every type as a key, alone and several at once."""
    for family in KEYED:

        def build(spark: SparkSession, family: Family = family) -> DataFrame:
            keys = [sample for sample in NEAR if sample.key]
            columns = [
                F.expr(
                    f"CASE id % {len(key.typed)} "
                    + " ".join(f"WHEN {i} THEN {value}" for i, value in enumerate(key.typed))
                    + " END"
                ).alias(key.name)
                for key in keys
            ]
            rows = numbers(spark, 12).select("id", *columns)
            grouped = rows.groupBy(*[key.name for key in keys])
            return _applied(family, grouped)

        parity.same_rows(build)


def _applied(family: Family, grouped: Any) -> DataFrame:
    function = family.wrap(family.texts(see))
    method = "applyInArrow" if family.arrow else "applyInPandas"
    if family.name.startswith("cogroup"):
        grouped = grouped.cogroup(grouped)
    return getattr(grouped, method)(function, "made string")  # type: ignore[no-any-return]


@pytest.mark.parametrize("family", KEYED, ids=str)
@pytest.mark.parametrize(
    "keys",
    [
        (), ("id",), ("d",), ("f",), ("s", "d"), ("id % 2",), ("id % 2", "upper(s)"), ("t",),
        ("struct(id % 2, s)",), ("CAST('0001-01-01' AS TIMESTAMP_NTZ)",), ("NULL",), ("id", "id"),
    ],
    ids=str,
)  # fmt: skip
def test_kinds_of_keys(parity: Parity, family: Family, keys: tuple[str, ...]) -> None:
    """No key, nulls, NaN, both zeros, several keys, expressions, and no other columns."""

    def build(spark: SparkSession) -> DataFrame:
        rows = numbers(spark, 8).selectExpr(
            "IF(id = 3, NULL, id) AS id",
            "CASE id WHEN 1 THEN CAST('NaN' AS DOUBLE) WHEN 2 THEN 0.0D WHEN 3 THEN -0.0D "
            "WHEN 4 THEN NULL ELSE 1.5D END AS d",
            "CASE id WHEN 1 THEN CAST('NaN' AS FLOAT) WHEN 2 THEN 0.0F WHEN 3 THEN -0.0F END AS f",
            "IF(id % 2 = 0, NULL, concat('s', id % 3)) AS s",
            "timestamp_micros(id % 3) AS t",
        )
        return _applied(family, rows.groupBy(*map(F.expr, keys)))

    parity.same(build)


@pytest.mark.parametrize("family", [f for f in GROUPED if f.result != "scalar"], ids=str)
def test_far_keys_unseen(parity: Parity, family: Family) -> None:
    """Stock converts keys that the function is not given."""

    def build(spark: SparkSession) -> DataFrame:
        rows = numbers(spark, 3).withColumn("n", F.col("id"))
        return _applied(family, rows.groupBy(F.expr("TIMESTAMP_NTZ'0001-01-01' AS far")))

    parity.same(build)


@pytest.mark.parametrize("family", GROUPED, ids=str)
def test_nothing_but_keys(parity: Parity, family: Family) -> None:
    if "bounded" in family.name:
        pytest.skip("a bounded frame needs an order")
    parity.same(lambda spark: family.observed(numbers(spark, 6).selectExpr("id % 2 AS k"), _sizes))


UNBOUNDED = (Window.unboundedPreceding, Window.unboundedFollowing)
FRAMES = {
    "all": UNBOUNDED,
    "running": (Window.unboundedPreceding, Window.currentRow),
    "rest": (Window.currentRow, Window.unboundedFollowing),
    "around": (-1, 2),
    "behind": (-5, -3),
    "ahead": (3, 5),
}


@pytest.mark.parametrize("arrow", [False, True], ids=["pandas", "arrow"])
@pytest.mark.parametrize("names", [("all", "around"), ("running", "all", "behind"), ("ahead",)])
def test_windows(parity: Parity, arrow: bool, names: tuple[str, ...]) -> None:
    """Frames of rows and of ranges, several functions at once; some windows are empty."""

    def build(spark: SparkSession) -> DataFrame:
        import pyarrow.compute as pc

        def mean(values: Any) -> Any:
            return pc.mean(values) if arrow else values.mean()

        def text(*values: Any) -> Any:
            import pyarrow as pa

            seen = see(*values)
            return pa.scalar(seen) if arrow else seen

        def count(values: Any, other: Any = None) -> Any:
            import pyarrow as pa

            return pa.scalar(len(values)) if arrow else len(values)

        def make(function: Any, declared: str) -> Any:
            if arrow:
                return arrow_udf(function, declared, ArrowUDFType.GROUPED_AGG)
            return pandas_udf(function, declared, PandasUDFType.GROUPED_AGG)

        rows = numbers(spark, 20).selectExpr(
            "id % 3 AS k",
            "id AS n",
            "id / 2 AS d",
            "IF(id % 4 = 1, NULL, id) AS i",
            "string(id) AS s",
        )
        whole = Window.partitionBy("k").orderBy("n")
        made = []
        for name in names:
            over = whole.rowsBetween(*FRAMES[name])
            made += [
                make(mean, "double")("d").over(over).alias(f"mean_{name}"),
                make(text, "string")("i", "s").over(over).alias(f"text_{name}"),
                make(count, "bigint")("d", other="s").over(over).alias(f"count_{name}"),
                make(count, "int")("i")
                .over(whole.rangeBetween(*FRAMES[name]))
                .alias(f"range_{name}"),
            ]
        return rows.select("k", "n", *made)

    parity.same_rows(build)


def test_windows_of_both_kinds_of_scalars(parity: Parity) -> None:
    """pyarrow makes no array of some: it depends on which comes first."""

    def build(python: int | None) -> Any:
        def mixed(values: Any) -> Any:
            import pyarrow as pa

            first = values[0].as_py()
            if first == python:
                return float(first)
            return pa.scalar(None if first == 4 else first / 2, pa.float64())

        def rows(spark: SparkSession) -> DataFrame:
            make = arrow_udf(mixed, "double", ArrowUDFType.GROUPED_AGG)
            over = Window.partitionBy().orderBy("n").rowsBetween(0, 2)
            return numbers(spark, 6).selectExpr("id n").select("n", make("n").over(over).alias("m"))

        return rows

    parity.same_rows(build(None))
    parity.same_rows(build(0))
    parity.same(build(3))


@pytest.mark.parametrize("name", ["grouped agg pandas", "grouped agg arrow"])
def test_several_aggregates(parity: Parity, name: str) -> None:
    family = named(name)

    def build(spark: SparkSession) -> DataFrame:
        make = arrow_udf if family.arrow else pandas_udf
        kind = (ArrowUDFType if family.arrow else PandasUDFType).GROUPED_AGG
        texts = [family.texts(lambda *values, i=i: f"{i} {see(*values)}") for i in range(3)]
        rows = numbers(spark, 20).selectExpr(
            "id % 3 AS k", "id AS n", "id / 2 AS d", "string(id) s"
        )
        called = [make(text, "string", kind) for text in texts]
        return rows.groupBy("k").agg(
            called[0]("n").alias("a"), called[1]("d", "n").alias("b"), called[2]("s").alias("c"),
            called[0](F.col("n") + 1).alias("d"),
        )  # fmt: skip

    parity.same_rows(build)
