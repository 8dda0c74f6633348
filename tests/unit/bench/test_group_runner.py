"""The runner of the benchmark of groups, on a real Spark and few rows."""

import os
from dataclasses import replace

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.bench.group_runner import GroupResult, GroupRunner
from hydrofoil.bench.groups import GROUP_ENGINES, GROUP_WORKLOADS
from hydrofoil.bench.report import groups_as_table
from hydrofoil.bench.runner import UnequalResultsError
from hydrofoil.bench.stopwatch import Sample


@pytest.mark.parametrize("name", GROUP_WORKLOADS)
def test_both_engines_compute_the_same(spark: SparkSession, name: str) -> None:
    steps: list[str] = []
    result = GroupRunner(spark, steps.append).run(GROUP_WORKLOADS[name], rows=300, repeat=1)
    assert list(result.samples) == list(GROUP_ENGINES)
    assert len(steps) == GroupRunner.steps(repeat=1)
    assert result.groups == 30
    assert all(result.wall(engine) > 0 for engine in GROUP_ENGINES)


def test_unequal_results_are_no_figure(spark: SparkSession) -> None:
    process = udf(lambda v: os.getpid(), "long")
    wrong = replace(
        GROUP_WORKLOADS["applyInPandas"], query=lambda data: data.select(process("v").alias("v"))
    )
    with pytest.raises(UnequalResultsError, match="stock and Hydrofoil differ"):
        GroupRunner(spark, lambda line: None).run(wrong, rows=100, repeat=1)


def test_figures_are_medians_a_group() -> None:
    samples = {
        "stock": [Sample(8.0, 1.0, 2.0), Sample(9.0, 9.0, 9.0), Sample(0.0, 0.0, 0.0)],
        "Hydrofoil": [Sample(2.0, 1.0, 0.5)],
    }
    result = GroupResult("mean", 3.0, 10_000_000, samples)
    assert result.speedup == 4.0
    assert result.jvm_us("stock") == 1.0
    assert result.python_us("stock") == 2.0
    assert groups_as_table([result]).row_count == 2
    entry = result.as_json()
    assert entry["speedup"] == 4.0
    assert entry["groups"] == 1_000_000
