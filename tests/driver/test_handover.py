"""How the record batches of `collect` come from tasks to the driver, and what is left of them."""

import os
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.util import InheritableThread

import hydrofoil
from driver.conftest import Compare, outcome
from hydrofoil.driver.jvm_classes import jvm_class
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import use_conf, use_core_conf


def _is_old(spark: SparkSession) -> bool:
    return spark.version.startswith("3.")


def left_over(spark: SparkSession) -> tuple[int, int, int]:
    """Running jobs, jobs whose batches the JVM still has, and threads that serve a result."""
    jvm: Any = spark._jvm
    threads = jvm.Thread.getAllStackTraces().keySet().toString()
    # On Spark 3.5, Spark's own writer makes the batches.
    jobs = 0 if _is_old(spark) else jvm_class(spark.sparkContext, "frames.Handover").jobs()
    tracker = spark.sparkContext.statusTracker()
    return len(tracker.getActiveJobsIds()), jobs, threads.count("serve-Arrow")


def assert_nothing_left(spark: SparkSession, descriptors: int) -> None:
    deadline = time.monotonic() + 30
    while any(left_over(spark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_over(spark) == (0, 0, 0)
    # py4j may have opened or closed connections of its own.
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2


@pytest.mark.parametrize("writer", [True, False])
def test_the_order_of_partitions(spark: SparkSession, writer: bool) -> None:
    """The first one is the last that ends; some are empty; some have several batches."""
    compare = Compare(spark, writer)
    slow = "if(id = 0, reflect('java.lang.Thread', 'sleep', 500L), 'x') w"
    df = spark.range(0, 60_000, 1, 12).selectExpr("id", "repeat(id, 20) s", slow)
    rows = compare(lambda: df.where("id % 20000 < 11000").collect())
    assert [row.id for row in rows] == [i for i in range(60_000) if i % 20_000 < 11_000]


def test_tasks_results_are_small(spark: SparkSession) -> None:
    """In local mode, batches stay in the driver's JVM."""
    context = spark.sparkContext
    hydrofoil.enable(spark)
    context.setJobGroup("small results", "")
    try:
        with use_conf(spark, {ENABLED_KEY: "true"}):
            rows = spark.range(0, 200_000, 1, 2).selectExpr("id", "id * 2 d").collect()
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]
        hydrofoil.disable(spark)
    assert sum(row.d - 2 * row.id for row in rows) == 0 and len(rows) == 200_000
    jvm: Any = context._jsc.sc()
    jvm.listenerBus().waitUntilEmpty()
    [job] = context.statusTracker().getJobIdsForGroup("small results")
    stages = context.statusTracker().getJobInfo(job).stageIds  # type: ignore[union-attr]
    sizes = [jvm.statusStore().lastStageAttempt(stage).resultSize() for stage in stages]
    if _is_old(spark):
        assert sum(sizes) > 3_000_000
    else:
        assert 0 < sum(sizes) < 50_000


def test_a_task_that_fails_amid_others(spark: SparkSession, compare: Compare) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    df = spark.range(0, 80_000, 1, 4).selectExpr(
        "id", "if(id = 79000, raise_error(concat('no ', id)), repeat(id, 10)) s"
    )
    assert "no 79000" in str(compare(lambda: df.collect(), fast=None))
    assert_nothing_left(spark, descriptors)


def test_a_result_that_is_too_large_either_way(spark: SparkSession, compare: Compare) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    df = spark.range(0, 30_000, 1, 1).selectExpr("sha2(cast(id as string), 512) s")
    with use_core_conf(spark, {"spark.driver.maxResultSize": "1m"}):
        _kind, message = compare(lambda: df.collect(), fast=False)
    assert "Total size of serialized results of 1 tasks" in message
    assert "is bigger than spark.driver.maxResultSize (1024.0 KiB)" in message
    assert_nothing_left(spark, descriptors)


def _cancelled(spark: SparkSession, collect: Callable[[], Any]) -> Any:
    """What a call gives whose jobs are cancelled by their group as soon as one of them runs."""
    context = spark.sparkContext
    made = []

    def call() -> None:
        context.setJobGroup("to be cancelled", "", interruptOnCancel=True)
        made.append(outcome(collect))

    thread = InheritableThread(call)
    thread.start()
    deadline = time.monotonic() + 30
    while not context.statusTracker().getActiveJobsIds() and time.monotonic() < deadline:
        time.sleep(0.05)
    context.cancelJobGroup("to be cancelled")
    thread.join(60)
    assert not thread.is_alive()
    kind, message = made[0]
    return kind, re.sub(r"Job \d+", "Job N", message)


def test_a_group_of_jobs_that_is_cancelled(spark: SparkSession, compare: Compare) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    # The first task ends at once, the second one waits.
    wait = "if(id = 29999, reflect('java.lang.Thread', 'sleep', 100000L), 'x') w"
    df = spark.range(0, 30_000, 1, 2).selectExpr("id", wait)
    _kind, message = compare(lambda: _cancelled(spark, df.collect), fast=None)
    assert "cancelled" in message
    assert_nothing_left(spark, descriptors)
