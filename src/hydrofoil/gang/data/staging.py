"""The driver's part: a DataFrame cut into exactly one partition a rank.

A shuffle of a given number of partitions stands last before the ranks, unless ``balance="none"``.
Spark's AQE keeps such a number, and barrier stages, which reject unions, ``coalesce`` and some
joins within themselves, begin after it. Only of a DataFrame that turns out to be empty Spark leaves
the shuffle out, and the ranks with it; `Staged.empty` serves those who want ranks without rows.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.data.identity import POSITION, POSITION_BITS
from hydrofoil.gang.data.partitions import comes_in_order, ends_with_shuffle, has_even_parts

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

_KEY = "__hydrofoil_rank"
_BY_KEY = "key:"


class Staged:
    """A DataFrame of one partition a rank.

    Attributes
    ----------
    df : DataFrame
        Collecting the same DataFrame made of it again uses Spark's shuffle files again; a new one
        computes what lies before again, unless staging was asked to keep it.
    counts : list of int or None
        Rows of each rank, where they are known.
    """

    def __init__(
        self,
        df: "DataFrame",
        num_tasks: int,
        counts: list[int] | None = None,
        kept: "DataFrame | None" = None,
    ) -> None:
        self.df = df
        self._num_tasks = num_tasks
        self.counts = counts
        self._kept = kept

    def empty(self) -> "DataFrame":
        """A DataFrame of the same columns without rows, which every rank gets nothing of."""
        from pyspark.sql import DataFrame

        df: Any = self.df
        spark: Any = df.sparkSession
        nothing = spark._jsc.parallelize(spark._jvm.java.util.ArrayList(), self._num_tasks)
        return DataFrame(spark._jsparkSession.createDataFrame(nothing, df._jdf.schema()), spark)

    def release(self) -> None:
        """Give back what is kept on the cluster."""
        if self._kept is not None:
            given_back(self._kept)
            self._kept = None


def stage(
    df: "DataFrame",
    num_tasks: int,
    balance: str = "rows",
    columns: Sequence[str] | None = None,
    *,
    keep: bool = False,
    positions: bool = False,
) -> Staged:
    """Cut a DataFrame into the ranks' parts.

    Parameters
    ----------
    df : DataFrame
    num_tasks : int
        Ranks.
    balance : str
        ``rows``: dealt in turn, counts differ by about the number of partitions before.
        ``exact``: they differ by at most one, and are known beforehand; the rows are kept on disk
        and counted first. ``key:<column>``: rows of one value to one rank. ``none``: the
        DataFrame's own partitions, of which there have to be ``num_tasks``; unless it ends with
        ``repartition``, or is a source with columns made of it, it is computed and kept first
        (``localCheckpoint``), because the number can't be told otherwise.
    columns : sequence of str, optional
        Only these.
    keep : bool
        Keep the rows on disk before they are cut, so that a different number of ranks needs no
        recomputation.
    positions : bool
        Add a last column that says where a row is before the cut: partition and place there.

    Returns
    -------
    Staged

    Raises
    ------
    UsageError
        At an unknown ``balance`` or column; with ``none``, at a different number of partitions.
    UnsupportedError
        For a streaming DataFrame.
    """
    if num_tasks < 1:
        raise UsageError(f"num_tasks={num_tasks}: a gang has at least one rank")
    if df.isStreaming:
        raise UnsupportedError(
            "a streaming DataFrame never ends, and a gang's ranks need their parts",
            hint="call gang.run in foreachBatch, on the batch's DataFrame",
        )
    _check_columns(df, columns or ())
    by_key = balance.removeprefix(_BY_KEY) if balance.startswith(_BY_KEY) else None
    if by_key is not None:
        _check_columns(df, [by_key])
    elif balance not in ("rows", "exact", "none"):
        raise UsageError(
            f"balance={balance!r} is not known",
            hint='use "rows", "exact", "key:<column>" or "none"',
        )
    kept = None
    if by_key is None:  # The key may be no column of the ranks.
        df = _selected(df, columns)
    # A Spark Connect client sees no plans: what partitions there are, it has to count.
    if balance == "exact" or keep or (balance == "none" and not hasattr(df, "_jdf")):
        from pyspark import StorageLevel

        kept = df = df.persist(StorageLevel.DISK_ONLY)
    try:
        if balance == "none":
            df = _as_it_is(df, num_tasks, positions)
            return Staged(_with_positions(df) if positions else df, num_tasks, kept=kept)
        if positions:
            df = _with_positions(df)
        if balance == "exact":
            return _exact(df, num_tasks, kept)
        if by_key is None:
            return Staged(_in_turn(df, num_tasks), num_tasks, kept=kept)
        cut = df.repartition(num_tasks, _quoted(by_key))
        if columns is not None and positions:
            columns = [*columns, POSITION]
        return Staged(_selected(cut, columns), num_tasks, kept=kept)
    except BaseException:
        if kept is not None:
            given_back(kept)
        raise


def given_back(kept: "DataFrame") -> None:
    """Let the cluster keep a DataFrame no longer. No error of that hides why a gang has ended."""
    with suppress(Exception):  # The session has ended, and what it kept with it.
        kept.unpersist()


def _with_positions(df: "DataFrame") -> "DataFrame":
    from pyspark.sql import functions

    return df.withColumn(POSITION, functions.monotonically_increasing_id())


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _check_columns(df: "DataFrame", columns: Sequence[str]) -> None:
    if isinstance(columns, str):
        raise UsageError(f"columns={columns!r}: has to be a list", hint=f"[{columns!r}]")
    unknown = [name for name in columns if name not in df.columns]
    if unknown:
        raise UsageError(f"the DataFrame has no columns {unknown}; it has {df.columns}")


def _selected(df: "DataFrame", columns: Sequence[str] | None) -> "DataFrame":
    """The columns that ranks get, vectors of Spark's ML as arrays."""
    from pyspark.sql import functions

    names = list(df.columns if columns is None else columns)
    vectors = {
        field.name for field in df.schema.fields if type(field.dataType).__name__ == "VectorUDT"
    }
    if columns is None and not vectors:
        return df
    chosen = []
    for name in names:
        column = functions.col(_quoted(name))
        if name in vectors:
            from pyspark.ml.functions import vector_to_array

            column = vector_to_array(column).alias(name)
        chosen.append(column)
    return df.select(*chosen)


def _exact(df: "DataFrame", num_tasks: int, kept: "DataFrame | None") -> Staged:
    from pyspark.sql import functions

    partition = functions.spark_partition_id()
    found = df.groupBy(partition.alias("partition")).count().collect()
    sizes = {row["partition"]: row["count"] for row in found}
    total = sum(sizes.values())
    counts = [total // num_tasks + (rank < total % num_tasks) for rank in range(num_tasks)]
    cut = _dealt(df, num_tasks, lambda place: _at(_first_ranks(sizes, num_tasks), place))
    return Staged(cut, num_tasks, counts, kept)


def _in_turn(df: "DataFrame", num_tasks: int) -> "DataFrame":
    """Each partition's rows to the ranks in turn.

    For that Spark sorts them first, so that a task that is run again deals them alike. Where rows
    come in the same order anyway, the time for that is saved.
    """
    if num_tasks == 1 or not comes_in_order(df):
        return df.repartition(num_tasks)
    return _dealt(df, num_tasks, lambda place: place)


def _dealt(df: "DataFrame", num_tasks: int, first: "Callable[[Column], Column]") -> "DataFrame":
    """Rows to the ranks in turn, from a rank on that is given for each partition."""
    from pyspark.sql import functions

    number = functions.monotonically_increasing_id()
    place = functions.shiftright(number, POSITION_BITS).cast("int")
    position = number.bitwiseAND(functions.lit((1 << POSITION_BITS) - 1))
    rank = functions.pmod(position + first(place), num_tasks)
    keys = functions.lit(_keys(df, num_tasks))
    cut = df.withColumn(_KEY, functions.element_at(keys, (rank + 1).cast("int")))
    return cut.repartition(num_tasks, _KEY).drop(_KEY)


def _at(values: Sequence[int], index: "Column") -> "Column":
    from pyspark.sql import functions

    return functions.element_at(functions.lit(list(values)), index + 1)


def _first_ranks(sizes: dict[int, int], num_tasks: int) -> list[int]:
    """The rank of each partition's first row, rows being numbered through all partitions."""
    firsts, before = [], 0
    for partition in range(max(sizes, default=0) + 1):
        firsts.append(before % num_tasks)
        before += sizes.get(partition, 0)
    return firsts


def _keys(df: "DataFrame", num_tasks: int) -> list[int]:
    """For each rank an integer that Spark's hash partitioning sends to it."""
    keys: dict[int, int] = {}
    step = 4 * num_tasks + 64
    while len(keys) < num_tasks:
        first = step * (len(keys) > 0) + max(keys.values(), default=0)
        [[ranks]] = df.sparkSession.sql(
            f"SELECT transform(sequence({first}, {first + step}), i -> pmod(hash(i), {num_tasks}))"
        ).collect()
        for key, rank in enumerate(ranks, first):
            keys.setdefault(rank, key)
    return [keys[rank] for rank in range(num_tasks)]


def _as_it_is(df: "DataFrame", num_tasks: int, positions: bool) -> "DataFrame":
    if hasattr(df, "_jdf"):
        if has_even_parts(df, num_tasks):
            return df
        if not ends_with_shuffle(df, num_tasks):
            df = df.localCheckpoint(eager=True)
        elif positions:
            raise UsageError(
                'balance="none" with a DataFrame that ends with repartition: its rows come in an '
                'order of their own each time, and order="stable" needs one',
                hint='leave balance and repartition out; or use balance="key:<column>"',
            )
        partitions = df.rdd.getNumPartitions()
    else:
        partitions = _counted(df)
    if partitions != num_tasks:
        raise UsageError(
            f'balance="none": the DataFrame has {partitions} partitions, and there are {num_tasks} '
            "ranks",
            hint=f"leave balance out, or df.repartition({num_tasks}), or num_tasks={partitions}",
        )
    return df


def _counted(df: "DataFrame") -> int:
    """The partitions of a DataFrame that is kept, and so has the same ones again."""

    def one(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        for _ in batches:
            pass
        yield pa.RecordBatch.from_pydict({"one": [1]})

    return df.mapInArrow(one, "one long").count()
