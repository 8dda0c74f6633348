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
    """Makes it once for each size: collecting it again uses Spark's shuffle files again."""

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
        self._staged: Staged | None = None
        self._made: tuple[int, DataFrame] | None = None

    def of(self, world_size: int) -> "DataFrame":
        """Return the DataFrame of results for so many ranks."""
        if self._made is not None and self._made[0] == world_size:
            return self._made[1]
        frame, schema = self._input(world_size)
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
        ranks = frame.mapInArrow(
            function_for(self._spec, schema), RESULT_SCHEMA, barrier=True, **more
        )
        self._made = (world_size, ranks)
        return ranks

    def _input(self, world_size: int) -> tuple["DataFrame", Any]:
        if self._df is None:
            return self._spark.range(0, world_size, 1, world_size), None
        from pyspark.sql.pandas.types import to_arrow_schema

        from hydrofoil.gang.data.staging import stage

        self._release()
        columns = None if self._columns is None else list(self._columns)
        staged = stage(self._df, world_size, self._balance, columns, keep=self._keep)
        self._staged = staged
        if staged.counts is not None and not self._spec.allow_empty:
            _check_counts(staged.counts)
        return staged.df, to_arrow_schema(staged.df.schema)

    def _release(self) -> None:
        if self._staged is not None:
            self._staged.release()
            self._staged = None

    def __enter__(self) -> "Ranks":
        return self

    def __exit__(self, *_: object) -> None:
        self._release()


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
