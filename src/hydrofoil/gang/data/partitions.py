"""What a DataFrame's plan says of its partitions: how many, how large, and in which order.

Only plans that go through a source row by row are known. A Spark Connect client sees no plans.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ROW_BY_ROW = ("Project", "Filter")
_EVEN = ("Range", "LocalRelation")
# How much larger than the smallest one the largest partition of files may be.
_UNEVEN = 1.2


def ends_with_shuffle(df: "DataFrame", num_tasks: int) -> bool:
    """Whether a plan ends with a shuffle into so many partitions, but for steps row by row."""
    plan = _below(_optimized(df), _ROW_BY_ROW)
    name = _name(plan)
    if name == "RepartitionByExpression":
        return bool(plan.optNumPartitions().isDefined() and plan.numPartitions() == num_tasks)
    return bool(name == "Repartition" and plan.shuffle() and plan.numPartitions() == num_tasks)


def comes_in_order(df: "DataFrame") -> bool:
    """Whether a task that is run again gets the same rows in the same order."""
    return hasattr(df, "_jdf") and _is_known(_below(_optimized(df), _ROW_BY_ROW))


def has_even_parts(df: "DataFrame", num_tasks: int) -> bool:
    """Whether a DataFrame is so many partitions of about the same size, without any step between.

    Rows that a filter leaves out may all be in one partition, so there must be none.
    """
    if not hasattr(df, "_jdf"):
        return False
    source = _below(_optimized(df), ("Project",))
    if not _is_known(source):
        return False
    java: Any = df
    partitions = list(java._jdf.queryExecution().toRdd().partitions())
    if len(partitions) != num_tasks:
        return False
    if num_tasks == 1 or _name(source) in _EVEN:
        return True
    if any(_name(one) != "FilePartition" for one in partitions):
        return False
    sizes = [sum(file.length() for file in one.files()) for one in partitions]
    return bool(max(sizes) <= _UNEVEN * min(sizes))


def _optimized(df: Any) -> Any:
    return df._jdf.queryExecution().optimizedPlan()


def _below(plan: Any, names: tuple[str, ...]) -> Any:
    while _name(plan) in names:
        plan = plan.child()
    return plan


def _is_known(source: Any) -> bool:
    if _name(source) == "LogicalRelation":
        return _name(source.relation()) == "HadoopFsRelation"
    return _name(source) in _EVEN


def _name(thing: Any) -> str:
    return str(thing.getClass().getSimpleName())
