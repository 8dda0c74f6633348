"""The workloads of `hydrofoil bench` that can be profiled, by name: plain UDFs, and groups."""

from typing import TYPE_CHECKING

from hydrofoil.tools.bench.suites import groups, rows
from hydrofoil.tools.bench.ways import ARROW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAMES = (*rows.WORKLOADS, *groups.WORKLOADS)


def default_rows(name: str) -> int:
    """Rows for a profile of some seconds of CPU time under stock."""
    return rows.WORKLOADS[name].rows if name in rows.WORKLOADS else 1_000_000


def query_of(name: str, spark: "SparkSession", count: int) -> "DataFrame":
    """The workload's query over so many rows: a plain UDF of rows, or a function of groups."""
    if name in rows.WORKLOADS:
        contest = rows.WORKLOADS[name].contest([ARROW], count)
    else:
        contest = groups.contest(name, groups.SMALL, count)
    return contest.contestants[0].query(contest.data(spark, count))
