"""A DataFrame's record batches from the JVM: by the jar's generated code, or by Spark's writer."""

from typing import Any

from hydrofoil.driver.for_a_call import set_for_a_call
from hydrofoil.driver.jvm_classes import operator_class

_BATCH_KEY = "spark.sql.execution.arrow.maxRecordsPerBatch"
_NAME = "frames.FrameBatches"
# No limit but Spark's own setting.
_ANY_ROWS = 2**31 - 1


def rdd_of(frame: Any, most: int = _ANY_ROWS, most_of_spark: int = _ANY_ROWS) -> Any:
    """The JVM's RDD of a DataFrame's record batches; parts of the query may run already.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    most : int
        Rows of a batch at most; Spark's setting may say less.
    most_of_spark : int
        The same where Spark writes the batches, which it does not bound by their bytes.
    """
    writer = operator_class(frame._sc, _NAME)
    made = None if writer is None else writer.of(frame._jdf, most)
    if made is not None:
        return made
    jconf = frame.sparkSession._jsparkSession.sessionState().conf()

    def size() -> str | None:
        fits = most_of_spark == _ANY_ROWS or 0 < jconf.arrowMaxRecordsPerBatch() <= most_of_spark
        return None if fits else str(most_of_spark)

    with set_for_a_call(jconf, _BATCH_KEY, size):
        return frame._jdf.toArrowBatchRdd()


def served(frame: Any) -> Any:
    """What serves all record batches of a query, which runs."""
    writer = operator_class(frame._sc, _NAME)
    made = None if writer is None else writer.collect(frame._jdf)
    return frame._jdf.collectAsArrowToPython() if made is None else made
