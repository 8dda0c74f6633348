"""THE tables of the benchmark of many small groups: what is computed, and by which engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

GROUP_ENGINES = {"stock": "pyspark.daemon", "Hydrofoil": "hydrofoil.daemon"}
GROUP_SIZE = 10


@dataclass(frozen=True)
class GroupWorkload:
    """A query over rows (id long, v double) whose key is ``id``.

    ``target`` is the least speed-up over stock that the project asks for, by wall clock.
    """

    name: str
    query: "Callable[[DataFrame], DataFrame]"
    target: float | None = None

    def data(self, spark: "SparkSession", rows: int) -> "DataFrame":
        """Groups of ``GROUP_SIZE`` rows that are spread over the partitions, as from a table."""
        groups = max(rows // GROUP_SIZE, 1)
        return spark.range(rows).selectExpr(f"id % {groups} as id", "id * 0.5D as v")


def _same(group: Any) -> Any:
    return group


def _apply_in_pandas(data: "DataFrame") -> "DataFrame":
    return data.groupBy("id").applyInPandas(_same, "id long, v double")


def _apply_in_arrow(data: "DataFrame") -> "DataFrame":
    return data.groupBy("id").applyInArrow(_same, "id long, v double")


def _mean_in_pandas(data: "DataFrame") -> "DataFrame":
    import pandas as pd
    from pyspark.sql.pandas.functions import pandas_udf

    def mean(v: pd.Series) -> float:
        value: float = v.mean()
        return value

    # The overloads of pandas_udf have no place for a function of a group.
    declare: Any = pandas_udf
    return data.groupBy("id").agg(declare(mean, "double")("v").alias("v"))


def _mean_in_arrow(data: "DataFrame") -> "DataFrame":
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyspark.sql.pandas.functions import arrow_udf

    def mean(v: pa.Array) -> float:
        value: float = pc.mean(v).as_py()
        return value

    # The overloads of arrow_udf have no place for a function of a group.
    declare: Any = arrow_udf
    return data.groupBy("id").agg(declare(mean, "double")("v").alias("v"))


GROUP_WORKLOADS = {
    workload.name: workload
    for workload in (
        GroupWorkload("applyInPandas", _apply_in_pandas, target=8.0),
        GroupWorkload("mean-pandas", _mean_in_pandas, target=3.0),
        GroupWorkload("applyInArrow", _apply_in_arrow),
        GroupWorkload("mean-arrow", _mean_in_arrow),
    )
}
