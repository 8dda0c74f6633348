"""What a benchmark case is: data, a query over it, and what is asked of Hydrofoil."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Case:
    """One kind of UDF on one kind of data.

    Attributes
    ----------
    name : str
    data : callable (SparkSession, rows) -> DataFrame
        The UDF's input; a query that groups gets two partitions, so that Spark must shuffle them.
    query : callable (DataFrame) -> DataFrame
        Runs one Python task, whatever the size of the data.
    rows : int
        As many as take a worker about a second.
    unit : str
        What figures are divided by, for the reader: a row, or a group of ``unit_rows`` rows.
    target : float or None
        The least ratio of stock's CPU time to Hydrofoil's.
    function : callable or None
        What a bare loop over the rows calls; None where there is no such loop.
    floor_target : float or None
        The largest ratio of Hydrofoil's CPU time to that of the bare loop.
    """

    name: str
    data: Callable[[SparkSession, int], DataFrame]
    query: Callable[[DataFrame], DataFrame]
    rows: int
    unit: str = "row"
    unit_rows: int = 1
    target: float | None = None
    function: Callable[..., Any] | None = None
    floor_target: float | None = None


def columns(partitions: int = 1, **named: str) -> Callable[[SparkSession, int], DataFrame]:
    """Data with columns made by Spark expressions over ``id``, a row's number."""
    selected = [f"{expression} as {name}" for name, expression in named.items()]
    return lambda spark, rows: spark.range(0, rows, 1, partitions).selectExpr(*selected)
