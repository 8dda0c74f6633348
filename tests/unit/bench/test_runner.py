"""The end-to-end runner, on a real Spark and few rows."""

from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from hydrofoil.bench.report import as_table
from hydrofoil.bench.runner import EngineResult, Runner, UnequalResultsError, WorkloadResult
from hydrofoil.bench.stopwatch import Sample
from hydrofoil.bench.workloads import ARROW, ENGINES, PICKLED, WORKLOADS


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_engine_computes_the_same(spark: SparkSession, name: str) -> None:
    steps: list[str] = []
    result = Runner(spark, steps.append).run(WORKLOADS[name], ENGINES, rows=500, repeat=1)
    assert [engine.engine for engine in result.engines] == [engine.name for engine in ENGINES]
    assert len(steps) == Runner.steps(ENGINES, repeat=1)
    assert result.bytes_per_row > 0
    assert all(len(engine.samples) == 1 and engine.wall > 0 for engine in result.engines)
    assert all(engine.function_ns > 0 for engine in result.engines)


def test_unequal_results_are_no_figure(spark: SparkSession) -> None:
    wrong = replace(WORKLOADS["long"], row=lambda x: x + 2)
    with pytest.raises(UnequalResultsError, match=r"pandas_udf \(stock\) and row pickled"):
        Runner(spark, lambda line: None).run(wrong, ENGINES, rows=100, repeat=1)


def result(engine: str, wall: float) -> EngineResult:
    samples = [Sample(wall, jvm=1.0, python=2.0), Sample(wall * 9, 9.0, 9.0), Sample(0, 0, 0)]
    return EngineResult(engine, rows=1_000_000, samples=samples, function_ns=500.0)


def test_figures_are_medians_a_row() -> None:
    measured = result(ARROW, wall=2.0)
    assert measured.rows_per_second == 500_000
    assert measured.jvm_ns == 1000.0
    assert measured.python_ns == 2000.0
    assert measured.exchange_share == 0.75


def test_speed_up_is_by_wall_clock() -> None:
    fast = result("row (Hydrofoil)", wall=1.0)
    workload = WorkloadResult("long", 16.0, [result(ARROW, 2.0), fast])
    assert workload.speedup(fast, ARROW) == 2.0
    assert workload.speedup(fast, PICKLED) is None
    assert as_table(workload).row_count == 2
    entry = workload.as_json()["engines"][1]
    assert entry["speedup_over_row_arrow"] == 2.0
    assert entry["speedup_over_row_pickled"] is None
    assert entry["mb_per_s"] == 16.0
