"""The same queries under the settings that change how Spark plans and runs them."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from columnar_compare import Comparison
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.engines import WARM_STOCK

# Every so many cases of each test, unless HYDROFOIL_PARITY=full: see tests/conftest.py.
ONE_IN = 4

SETTINGS = {
    "spark.sql.adaptive.enabled": ("true", "false"),
    "spark.sql.ansi.enabled": ("true", "false"),
    "spark.sql.columnVector.offheap.enabled": ("true", "false"),
    "spark.sql.codegen.wholeStage": ("true", "false"),
}
ALL = [dict(zip(SETTINGS, values, strict=True)) for values in product(*SETTINGS.values())]

OTHERS = (
    {"spark.sql.codegen.factoryMode": "NO_CODEGEN"},
    {"spark.sql.codegen.maxFields": "1"},
    {"spark.sql.codegen.hugeMethodLimit": "10"},
    {"spark.sql.parquet.enableVectorizedReader": "false"},
    {"spark.sql.inMemoryColumnarStorage.enableVectorizedReader": "false"},
    {"spark.sql.parquet.columnarReaderBatchSize": "13"},
    {"spark.sql.session.timeZone": "America/Los_Angeles"},
    {"spark.sql.execution.arrow.compression.codec": "zstd"},
    {"spark.sql.execution.arrow.useLargeVarTypes": "true"},
    {"spark.sql.execution.pandas.udf.buffer.size": "64"},
    {"spark.sql.execution.pythonUDF.arrow.concurrency.level": "2"},
    {"spark.sql.shuffle.partitions": "1"},
    {"spark.sql.adaptive.coalescePartitions.enabled": "false"},
    {"spark.sql.optimizer.nestedSchemaPruning.enabled": "false"},
    {"spark.sql.execution.pandas.structHandlingMode": "dict"},
    {"spark.sql.pyspark.jvmStacktrace.enabled": "true"},
    {"spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled": "false"},
    {"spark.sql.execution.pythonUDF.arrow.enabled": "true"},
    {"spark.sql.execution.arrow.maxRecordsPerOutputBatch": "3"},
)


def query(spark: SparkSession, files: Path) -> DataFrame:
    """A scan, a join that Spark may change its mind on, functions of three kinds, a total."""
    path = files / "settings"
    if not path.exists():
        spark.range(0, 4000, 1, 2).selectExpr(
            "id", "id % 20 AS k", "IF(id % 7 = 0, NULL, concat('s', id)) AS s",
            "timestamp_seconds(id * 1000000) AS t", "named_struct('a', id, 'b', array(id)) AS r",
        ).write.parquet(str(path))  # fmt: skip
    data = spark.read.parquet(str(path))
    keys = data.where("id < 15").select("k", F.udf(lambda v: v * 2, "long", useArrow=True)("id"))
    shown = F.udf(lambda s, t, r: f"{s} {t} {r}", "string", useArrow=True)("s", "t", "r")
    size = F.pandas_udf(lambda s: s.str.len(), "double")("s")
    joined = data.select("k", shown.alias("shown"), size.alias("size"), "r").join(keys, "k")
    same = joined.mapInArrow(lambda batches: batches, joined.schema)
    return same.groupBy("k").agg(F.max("shown"), F.sum("size"), F.max("r.a"), F.count("*"))


@pytest.mark.parametrize("settings", ALL, ids=lambda s: "-".join(v[0] for v in s.values()))
def test_all_of_four(compare: Comparison, files: Path, settings: dict[str, str]) -> None:
    compare.same(lambda spark: query(spark, files), conf=settings, in_order=False)


@pytest.mark.parametrize("settings", OTHERS, ids=lambda s: next(iter(s)).rpartition(".")[2])
def test_one_of_many(compare: Comparison, files: Path, settings: dict[str, str]) -> None:
    # Some of them are among those for which Spark's operators stay.
    compare.same(
        lambda spark: query(spark, files),
        conf=settings,
        in_order=False,
        ours=None,
        engines=[WARM_STOCK],
    )


@pytest.mark.parametrize("ansi", ["true", "false"])
def test_overflow_below_and_above(compare: Comparison, ansi: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        same = F.pandas_udf(lambda s: s, "int")
        frame = spark.range(0, 10, 1, 1).selectExpr("CAST(id + 2147483640 AS INT) AS i")
        return frame.select(same(F.col("i") + 5) + 1)

    outcome = compare.same(build, conf={"spark.sql.ansi.enabled": ansi})
    assert bool(outcome.error) == (ansi == "true")


def test_series_of_a_time_zone(compare: Comparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        @F.pandas_udf("string")
        def shown(t: pd.Series) -> pd.Series:
            return t.astype(str)

        frame = spark.range(0, 100, 1, 1).select(
            F.timestamp_seconds(F.col("id") * 10**7).alias("t")
        )
        return frame.select("t", shown("t"))

    compare.same(build, conf={"spark.sql.session.timeZone": "Asia/Kolkata"})
