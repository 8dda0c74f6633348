"""The barrier DataFrame of a gang: staged data, or nothing, mapped by the ranks' function."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UnsupportedError
from hydrofoil.gang.errors import EmptyPartition
from hydrofoil.gang.rank import RankSpec
from hydrofoil.gang.seams import Staged
from hydrofoil.gang.slots import profile_for
from hydrofoil.gang.task import RESULT_SCHEMA, function_for

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Ranks:
    """Makes one for each attempt, over input that Spark computes once for each size."""

    def __init__(
        self,
        spark: "SparkSession",
        df: "DataFrame | None",
        spec: RankSpec,
        balance: str,
        columns: Sequence[str] | None,
        keep: bool,
    ) -> None:
        self._spark = spark
        self._df = df
        self._spec = spec
        self._balance = balance
        self._columns = columns
        self._keep = keep
        self._staged: list[Staged] = []
        self._input: tuple[int, DataFrame, Any, list[int] | None] | None = None

    def of(self, world_size: int) -> "DataFrame":
        """Return the DataFrame of results for so many ranks; may compute what they are fed with."""
        if self._input is None or self._input[0] != world_size:
            self._input = (world_size, *self._make_input(world_size))
        _, frame, schema, counts = self._input
        more: dict[str, Any] = {}
        profile = profile_for(self._spark, self._spec.resources)
        if profile is not None:
            if self._spark.version.startswith("3."):
                raise UnsupportedError(
                    f"{self._spec.resources}: Spark {self._spark.version} can't give "
                    "mapInArrow's stages resources of their own",
                    hint="set spark.task.cpus and spark.task.resource.gpu.amount for the "
                    "application, or use Spark 4",
                )
            more["profile"] = profile
        function = function_for(self._spec, schema, counts)
        return frame.mapInArrow(function, RESULT_SCHEMA, barrier=True, **more)

    def _make_input(self, world_size: int) -> tuple["DataFrame", Any, list[int] | None]:
        if self._df is None:
            if self._spec.source is not None:
                self._check(self._spec.source.counts(world_size))
            return self._spark.range(0, world_size, 1, world_size), None, None
        from pyspark.sql.pandas.types import to_arrow_schema

        from hydrofoil.gang.data.staging import stage

        columns = None if self._columns is None else list(self._columns)
        staged = stage(
            self._df,
            world_size,
            self._balance,
            columns,
            keep=self._keep,
            positions=self._spec.order == "stable",
        )
        self._staged.append(staged)  # What one keeps, the next may use.
        self._check(staged.counts)
        schema = to_arrow_schema(staged.df.schema)
        return _computed_once(staged.df), schema, staged.counts

    def _check(self, counts: list[int] | None) -> None:
        if counts is not None and not self._spec.allow_empty:
            _check_counts(counts)

    def __enter__(self) -> "Ranks":
        return self

    def __exit__(self, *_: object) -> None:
        for staged in self._staged:
            staged.release()


def _computed_once(df: "DataFrame") -> "DataFrame":
    """Return the same rows, planned already: what is made of it uses the same shuffle files.

    Collecting one DataFrame again would do so, too, but Spark's AQE keeps the failure of the first
    time, and a new one made of ``df`` would be planned, and computed, anew. Files that were lost
    with an executor are computed again.
    """
    from pyspark.sql import DataFrame

    spark = df.sparkSession
    rows = df._jdf.queryExecution().toRdd()
    planned = spark._jsparkSession.internalCreateDataFrame(rows, df._jdf.schema(), False)
    return DataFrame(planned, spark)


def _check_counts(counts: list[int]) -> None:
    empty = [rank for rank, rows in enumerate(counts) if not rows]
    if empty:
        raise EmptyPartition(
            f"{sum(counts)} rows for {len(counts)} ranks: rank(s) "
            f"{', '.join(map(str, empty))} would have none",
            hint="fewer num_tasks, or allow_empty=True where the function copes",
            rank=empty[0],
            ranks=empty,
            counts=counts,
        )
