"""What Spark's UI shows of a query."""

from typing import Any

from pyspark.sql import SparkSession


def shown(spark: SparkSession, metric: str, execution: int | None = None) -> list[str]:
    """The values of a metric of a query's operators; of the newest query without its number."""
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    store: Any = spark._jsparkSession.sharedState().statusStore()
    if execution is None:
        execution = max(_every(store.executionsList()), key=_number).executionId()
    ids = [
        found.accumulatorId()
        for node in _every(store.planGraph(execution).allNodes())
        for found in _every(node.metrics())
        if found.name() == metric
    ]
    values = [store.executionMetrics(execution).get(number) for number in ids]
    return [str(value.get()) for value in values if value.isDefined()]


def _number(execution: Any) -> int:
    return int(execution.executionId())


def _every(sequence: Any) -> list[Any]:
    return [sequence.apply(k) for k in range(sequence.size())]
