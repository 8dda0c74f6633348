"""The barrier DataFrame of a gang: staged data, or nothing, mapped by the ranks' function."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UnsupportedError
from hydrofoil.gang.errors import EmptyPartition
from hydrofoil.gang.rank import RankSpec
from hydrofoil.gang.seams import Staged
from hydrofoil.gang.session import Session
from hydrofoil.gang.task import RESULT_SCHEMA, function_for

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Ranks:
    """Makes one for each attempt, over input that Spark computes once for each size."""

    def __init__(
        self,
        session: Session,
        df: "DataFrame | None",
        spec: RankSpec,
        balance: str,
        columns: Sequence[str] | None,
        keep: bool,
        again: bool,
    ) -> None:
        self._session = session
        self._df = df
        self._spec = spec
        self._balance = balance
        self._columns = columns
        self._keep = keep
        self._again = again  # Whether there may be a further attempt.
        self._staged: list[Staged] = []
        self._releases: list[Callable[[], None]] = []
        self._input: tuple[int, DataFrame, Any, list[int] | None] | None = None

    def of(self, world_size: int, attempt: int, address: tuple[str, int]) -> "DataFrame":
        """Return the DataFrame of results for so many ranks; may compute what they are fed with.

        ``address`` is the hub's, which may be a new one for a new attempt.
        """
        if self._input is None or self._input[0] != world_size:
            self._input = (world_size, *self._make_input(world_size))
        _, frame, schema, counts = self._input
        more: dict[str, Any] = {}
        profile = self._session.profile(self._spec.resources)
        if profile is not None:
            version = self._session.spark.version
            if version.startswith("3."):
                raise UnsupportedError(
                    f"{self._spec.resources}: Spark {version} can't give "
                    "mapInArrow's stages resources of their own",
                    hint="set spark.task.cpus and spark.task.resource.gpu.amount for the "
                    "application, or use Spark 4",
                )
            more["profile"] = profile
        spec = replace(self._spec, address=address)
        function = function_for(spec, attempt, schema, counts)
        return frame.mapInArrow(function, RESULT_SCHEMA, barrier=True, **more)

    def _make_input(self, world_size: int) -> tuple["DataFrame", Any, list[int] | None]:
        if self._df is None:
            if self._spec.source is not None:
                self._check(self._spec.source.counts(world_size))
            return self._session.spark.range(0, world_size, 1, world_size), None, None
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
        rows, release = self._session.computed_once(staged.df, self._again)
        self._releases.append(release)
        return rows, schema, staged.counts

    def _check(self, counts: list[int] | None) -> None:
        if counts is not None and not self._spec.allow_empty:
            _check_counts(counts)

    def __enter__(self) -> "Ranks":
        return self

    def __exit__(self, *_: object) -> None:
        for release in [*self._releases, *(staged.release for staged in self._staged)]:
            release()


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
