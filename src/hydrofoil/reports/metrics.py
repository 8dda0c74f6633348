"""Counts of rows that failed or were slow, and of calls, in Spark's UI, by the JVM's half."""

from typing import Any

# The names of metrics that operators of the JVM's half have.
FAILED, SLOW = "rows that failed", "rows that were slow"
CALLS, CALLS_AGAIN = "calls of services", "calls made again"
# In milliseconds.
WAITED = "time waiting for limits"
COST = "cost of calls"


def add(execution: int, name: str, function: str, rows: int) -> bool:
    """Add to a metric of the operator that runs a function.

    Parameters
    ----------
    execution : int
        Spark's id of the query.
    name : str
        One of the above.
    function : str
        Its name.
    rows : int
        How many more they are.

    Returns
    -------
    bool
        Whether an operator of the query has that metric; Spark's own ones have not.
    """
    from py4j.java_gateway import JavaClass
    from pyspark import SparkContext

    context: Any = SparkContext._active_spark_context
    if context is None:
        return False
    counts = context._jvm.org.apache.spark.sql.hydrofoil.exec.RowCounts
    # Without the jar it is a package of that name.
    if not isinstance(counts, JavaClass):
        return False
    return bool(counts.add(context._jsc.sc(), execution, name, function, rows))
