"""Structured streaming: each micro-batch is planned anew, by Hydrofoil's operators too."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from columnar_compare import OURS, Comparison
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import use_conf

Query = Callable[[DataFrame], DataFrame]


def scalar(frame: DataFrame) -> DataFrame:
    return frame.select("s", F.udf(lambda v: v + 1, "long", useArrow=True)("n").alias("n"))


def mapped(frame: DataFrame) -> DataFrame:
    def same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches

    return frame.mapInArrow(same, frame.schema)


def counted(frame: DataFrame) -> DataFrame:
    return scalar(frame).groupBy((F.col("n") % 3).alias("g")).count()


def stream(spark: SparkSession, folder: Path, name: str, query: Query, ours: bool) -> list[str]:
    """Run a query over three files, one a micro-batch, and return all that it put out."""
    schema = "n long, s string"
    frame = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(str(folder))
    made = query(frame)
    mode = "complete" if query is counted else "append"
    with use_conf(spark, {ENABLED_KEY: str(ours).lower()}):
        writer = made.writeStream.format("memory").queryName(name).outputMode(mode)
        running = writer.trigger(availableNow=True).start()
        assert running.awaitTermination(120)
    plan = str(running._jsq.explainInternal(False))
    assert bool(OURS.search(plan)) == ours, plan
    return sorted(map(repr, spark.table(name).collect()))


@pytest.mark.parametrize("query", [scalar, mapped, counted], ids=lambda query: query.__name__)
def test_micro_batches(compare: Comparison, tmp_path: Path, query: Query) -> None:
    spark, before = compare.spark, compare.held()
    for i in range(3):
        rows = spark.range(i * 100, i * 100 + 90, 1, 1).selectExpr(
            "id AS n", "concat('s', id) AS s"
        )
        rows.write.mode("append").parquet(str(tmp_path))
    found = [
        stream(spark, tmp_path, f"{query.__name__}_{ours}", query, ours) for ours in (False, True)
    ]
    assert found[0] == found[1] and found[0]
    assert compare.held(before) == before
