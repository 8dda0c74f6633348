"""What a user sees beside the answer: plans and why, metrics, profiles, logs."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyspark
import pytest
from columnar_compare import Comparison, final_plan
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import use_conf

LINE = tuple(map(int, pyspark.__version__.split(".")[:2]))
ON = {ENABLED_KEY: "true"}
CODEC = {"spark.sql.execution.arrow.compression.codec": "zstd"}


def same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


def plus(*columns: Any) -> Any:
    return F.udf(lambda v: v + 1, "long", useArrow=True)(*columns)


def metrics(frame: DataFrame, operator: str) -> dict[str, int]:
    """The metrics of the plan's first operator of that name."""
    plan = frame._jdf.queryExecution().executedPlan()
    while "AdaptiveSparkPlan" in plan.nodeName():
        plan = plan.executedPlan()
    found = plan
    while operator not in found.nodeName():
        found = found.children().head()
    names = found.metrics().keySet().toSeq()
    every = [names.apply(i) for i in range(names.size())]
    return {name: found.metrics().apply(name).value() for name in every}


@pytest.mark.parametrize("kind", ["udf", "map"])
def test_metrics(compare: Comparison, kind: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = spark.range(0, 5000, 1, 2)
        return (
            frame.select("id", plus("id")) if kind == "udf" else frame.mapInArrow(same, "id long")
        )

    spark = compare.spark
    with use_conf(spark, ON):
        ours = build(spark)
        ours.collect()
    stock = build(spark)
    stock.collect()
    name = "EvalPython" if kind == "udf" else "MapIn"
    own = metrics(ours, f"Hydrofoil{name}")
    sparks = metrics(stock, name)
    # Spark's are all there, and what counts rows counts the same.
    assert set(sparks) <= set(own)
    for metric in ("pythonNumRowsReceived", "numOutputRows"):
        if metric in sparks:
            assert own[metric] == sparks[metric] == 5000
    assert own["pythonDataSent"] >= 5000 * 8 and own["pythonDataReceived"] >= 5000 * 8


COLLATED = "CAST(id AS STRING) COLLATE UNICODE_CI"
REASONS = {
    "pickled": (lambda f: f.select(F.udf(lambda v: v, "long", useArrow=False)("id")), {}),
    "codec": (lambda f: f.select(plus("id")), CODEC),
    "type": (
        lambda f: f.select(F.udf(lambda v: 1, "long", useArrow=True)(F.expr(COLLATED))),
        {},
    ),
}


@pytest.mark.parametrize("case", REASONS)
def test_explain_says_why_not(
    compare: Comparison, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    build, conf = REASONS[case]
    with use_conf(compare.spark, {**ON, **conf}):
        build(compare.spark.range(0, 10, 1, 1).where("id > 3")).explain()
    said = capsys.readouterr().out
    assert "not Hydrofoil's: " in said, said


@pytest.mark.parametrize("mode", ["simple", "extended", "formatted", "codegen", "cost"])
def test_explain_of_ours(
    compare: Comparison, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    with use_conf(compare.spark, ON):
        frame = compare.spark.range(10).select(plus("id")).mapInArrow(same, "y long")
        # Of the filter there is code, which EXPLAIN CODEGEN shows with what is below it.
        frame.where("y > 0").explain(mode)
    said = capsys.readouterr().out
    assert "HydrofoilEvalPython" in said and "HydrofoilMapInBatch" in said


def test_rows_become_batches_inside_generated_code(compare: Comparison) -> None:
    with use_conf(compare.spark, ON):
        frame = compare.spark.range(0, 100, 1, 1).where("id > 3").select(plus("id"))
        frame.collect()
    plan = final_plan(frame)
    assert "*(1) ArrowSink" in plan, plan
    assert "RowToColumnar" not in plan, plan


def test_a_shuffles_rows_become_batches_a_block_at_a_time(compare: Comparison) -> None:
    with use_conf(compare.spark, ON):
        frame = compare.spark.range(0, 100, 1, 1).repartition(2).select(plus("id"))
        frame.collect()
    plan = final_plan(frame)
    assert "UnsafeRowsToArrow" in plan, plan
    assert "ArrowSink" not in plan, plan


@pytest.mark.parametrize("profiler", ["perf", "memory"])
def test_profiles(compare: Comparison, profiler: str) -> None:
    if profiler == "memory":
        pytest.importorskip("memory_profiler")
    spark = compare.spark

    def profiled(ours: bool) -> tuple[list[str], int]:
        spark.profile.clear()
        settings = {ENABLED_KEY: str(ours).lower(), "spark.sql.pyspark.udf.profiler": profiler}
        with use_conf(spark, settings):
            answer = [repr(row) for row in spark.range(0, 100, 1, 2).select(plus("id")).collect()]
        results = spark._profiler_collector._perf_profile_results
        return answer, len(results)

    assert profiled(True) == profiled(False)
    spark.profile.clear()


@pytest.mark.skipif(LINE < (4, 1), reason="Spark 4.0 keeps no logs of workers")
def test_logs_of_workers(compare: Comparison) -> None:
    spark = compare.spark

    def log(v: int) -> int:
        import logging

        logging.getLogger("mine").warning("saw %d", v)
        return v

    def logged(ours: bool) -> list[str]:
        conf = {"spark.sql.pyspark.worker.logging.enabled": "true"}
        with use_conf(spark, {ENABLED_KEY: str(ours).lower(), **conf}):
            fresh = spark.newSession()
            for key, value in {ENABLED_KEY: str(ours).lower(), **conf}.items():
                fresh.conf.set(key, value)
            fresh.range(0, 5, 1, 1).select(F.udf(log, "long", useArrow=True)("id")).collect()
            return sorted(row.msg for row in fresh.tvf.python_worker_logs().collect())

    stock = logged(False)
    assert logged(True) == stock
    assert json.dumps(stock).count("saw") == 5
