"""Counts of failed rows in Spark's UI, by the JVM's half."""

from typing import Any


def add(execution: int, function: str, rows: int) -> bool:
    """Add to the metric "rows that failed" of the operator that runs a function.

    Parameters
    ----------
    execution : int
        Spark's id of the query.
    function : str
        Its name.
    rows : int
        How many more rows have failed.

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
    failed_rows = context._jvm.org.apache.spark.sql.hydrofoil.exec.FailedRows
    # Without the jar it is a package of that name.
    if not isinstance(failed_rows, JavaClass):
        return False
    return bool(failed_rows.add(context._jsc.sc(), execution, function, rows))
