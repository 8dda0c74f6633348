"""Staging on real Spark: the number of ranks is exact whatever the DataFrame is made of."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.data.identity import POSITION
from hydrofoil.gang.data.partitions import has_even_parts
from hydrofoil.gang.data.staging import Staged, stage
from hydrofoil.tools.parity.engines import use_conf

# See tests/conftest.py.
ONE_IN = 3


@pytest.fixture(autouse=True)
def few_partitions(spark: SparkSession) -> Iterator[None]:
    yield
    spark.catalog.clearCache()


def parts(df: DataFrame, *, barrier: bool = True) -> list[list[int]]:
    """The ids of each task of a barrier stage, by rank."""

    def take(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        ids = [one for batch in batches for one in batch.column("id").to_pylist()]
        rank = TaskContext.get().partitionId()
        yield pa.RecordBatch.from_pydict({"rank": [rank], "ids": [ids]})

    taken = df.mapInArrow(take, "rank long, ids array<long>", barrier=barrier).collect()
    ranks = {row["rank"]: row["ids"] for row in taken}
    assert sorted(ranks) == list(range(len(taken)))
    return [ranks[rank] for rank in range(len(taken))]


# What barrier stages reject, what AQE makes one partition of, and some that are fine.
PLANS: dict[str, Callable[[SparkSession], DataFrame]] = {
    "range": lambda spark: spark.range(0, 100, 1, 7),
    "union": lambda spark: spark.range(50).union(spark.range(50, 100)),
    "coalesce": lambda spark: spark.range(0, 100, 1, 4).coalesce(1),
    "coalesce and cache": lambda spark: spark.range(0, 100, 1, 4).coalesce(1).cache(),
    "cross join": lambda spark: spark.range(100).crossJoin(
        spark.range(1).withColumnRenamed("id", "k")
    ),
    "join": lambda spark: spark.range(100).join(spark.range(200), "id"),
    "group": lambda spark: spark.range(100).groupBy("id").count(),
    "distinct": lambda spark: spark.range(100).distinct(),
    "order": lambda spark: spark.range(100).orderBy(f.desc("id")),
    "limit": lambda spark: spark.range(1000).orderBy("id").limit(100),
    "window": lambda spark: spark.range(100).selectExpr(
        "id", "row_number() over (partition by id % 3 order by id) as n"
    ),
    "repartition by key": lambda spark: spark.range(100).repartition("id"),
}


@pytest.mark.parametrize("balance", ["rows", "exact", "none", "key:id"])
@pytest.mark.parametrize("plan", PLANS)
def test_every_plan_gets_the_number_of_ranks(spark: SparkSession, plan: str, balance: str) -> None:
    df = PLANS[plan](spark)
    if balance == "none":
        # Its own partitions, whatever their number is.
        with pytest.raises(UsageError, match=r"has \d+ partitions, and there are 13 ranks") as e:
            stage(df, 13, "none")
        number = int(str(e.value).partition("num_tasks=")[2])
        if number > 2:
            pytest.skip(f"local[2] runs no {number} tasks at once")
        found = parts(stage(df, number, "none").df)
        assert len(found) == number
    else:
        staged = stage(df, 2, balance)
        found = parts(staged.df)
        assert len(found) == 2
        if staged.counts is not None:
            assert [len(part) for part in found] == staged.counts == [50, 50]
        staged.release()
    assert sorted(one for part in found for one in part) == list(range(100))


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("rows", [0, 1, 2, 1003])
@pytest.mark.parametrize("partitions", [1, 5])
def test_exact_counts_differ_by_one_at_most(
    spark: SparkSession, rows: int, ranks: int, partitions: int
) -> None:
    # Very uneven before: most rows lie in one partition.
    df = spark.range(0, rows, 1, partitions).where("id % 5 < 3 or id < 700")
    expected = df.count()
    staged = stage(df, ranks, "exact")
    assert staged.counts is not None
    assert (sum(staged.counts), len(staged.counts)) == (expected, ranks)
    assert max(staged.counts) - min(staged.counts) <= 1
    found = parts(staged.df, barrier=False)
    if expected:
        assert [len(part) for part in found] == staged.counts
    assert staged.df.columns == ["id"]
    staged.release()


def test_rows_go_to_ranks_by_key(spark: SparkSession) -> None:
    df = spark.range(100).selectExpr("id", "id % 7 as `the.key`")
    found = parts(stage(df, 2, "key:the.key", ["id"]).df)
    keys = [{one % 7 for one in part} for part in found]
    assert not keys[0] & keys[1]
    assert keys[0] | keys[1] == set(range(7))


def test_columns_are_chosen_before_the_shuffle(spark: SparkSession) -> None:
    df = spark.range(100).selectExpr("id", "id as `a.b`", "id as c")
    for balance in ("rows", "exact", "key:c", "none"):
        staged = stage(df, 2, balance, ["a.b", "id"])
        assert staged.df.columns == ["a.b", "id"]
        staged.release()
    with pytest.raises(UsageError, match=r"no columns \['d'\].*'id', 'a.b', 'c'"):
        stage(df, 2, "rows", ["d"])
    with pytest.raises(UsageError, match=r"no columns \['d'\]"):
        stage(df, 2, "key:d")
    with pytest.raises(UsageError, match="columns='id'"):
        stage(df, 2, "rows", "id")  # type: ignore[arg-type]


def test_vectors_become_arrays(spark: SparkSession) -> None:
    from pyspark.ml.linalg import Vectors

    df = spark.createDataFrame(
        [(Vectors.dense([1.0, 2.0]),), (Vectors.sparse(2, {1: 3.0}),)], ["v"]
    )
    rows = stage(df, 2).df.collect()
    assert sorted(row["v"] for row in rows) == [[0.0, 3.0], [1.0, 2.0]]


def test_a_plan_that_ends_with_its_shuffle_is_not_computed_twice(spark: SparkSession) -> None:
    counted = spark.sparkContext.accumulator(0)

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            counted.add(batch.num_rows)
            yield batch

    df = spark.range(100).mapInArrow(count, "id long").repartition(2).where("id >= 0")
    staged = stage(df, 2, "none")
    assert counted.value == 0
    assert len(parts(staged.df)) == 2
    assert counted.value == 100


def test_collecting_again_computes_nothing_before_the_cut_again(spark: SparkSession) -> None:
    counted = spark.sparkContext.accumulator(0)

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            counted.add(batch.num_rows)
            yield batch

    def ranks(staged: Staged) -> DataFrame:
        def take(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield pa.RecordBatch.from_pydict({"n": [batch.num_rows]})

        return staged.df.mapInArrow(take, "n long", barrier=True)

    df = spark.range(100).mapInArrow(count, "id long")
    taken = ranks(stage(df, 2))
    for _ in range(2):
        assert sum(row["n"] for row in taken.collect()) == 100
    assert counted.value == 100
    for size in (2, 1):
        kept = stage(df, size, keep=True)
        assert sum(row["n"] for row in ranks(kept).collect()) == 100
    # Another number of ranks reads what the first one kept.
    assert counted.value == 200
    kept.release()


def test_ranks_without_rows(spark: SparkSession) -> None:
    df = spark.range(100).where("id < 0").selectExpr("id", "named_struct('a', id) as s")
    staged = stage(df, 2)
    assert staged.empty().schema == staged.df.schema
    assert parts(staged.empty()) == [[], []]


def test_what_can_not_be_staged(spark: SparkSession) -> None:
    df = spark.range(10)
    with pytest.raises(UsageError, match="balance='even' is not known"):
        stage(df, 2, "even")
    with pytest.raises(UsageError, match="num_tasks=0"):
        stage(df, 0)
    stream = spark.readStream.format("rate").load()
    with pytest.raises(UnsupportedError, match="streaming"):
        stage(stream, 2)


@pytest.mark.parametrize("balance", ["rows", "exact", "key:id", "none"])
@pytest.mark.parametrize("plan", ["range", "union", "join", "order", "coalesce and cache"])
def test_positions_are_those_before_the_ranks(spark: SparkSession, plan: str, balance: str) -> None:
    """Each row's is where it is if the DataFrame itself is asked, and only ranks see them."""
    df = PLANS[plan](spark).withColumn("more", f.col("id") * 2)
    here = df.select("id", f.monotonically_increasing_id().alias("at")).collect()
    ranks = 2
    if balance == "none":
        ranks = df.rdd.getNumPartitions()
        if ranks > 2:
            df, ranks = df.coalesce(2), 2
            here = df.select("id", f.monotonically_increasing_id().alias("at")).collect()
    staged = stage(df, ranks, balance, ["id"], positions=True)
    try:
        assert staged.df.columns == ["id", POSITION]
        assert sorted(staged.df.collect()) == sorted(map(tuple, here))
        assert len(parts(staged.df)) == ranks
    finally:
        staged.release()


def test_partitions_that_come_in_any_order_have_no_positions(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="an order of their own"):
        stage(spark.range(10).repartition(2), 2, "none", positions=True)


def plan_of(df: DataFrame) -> str:
    java: Any = df
    return str(java._jdf.queryExecution().executedPlan())


def test_rows_of_files_and_ranges_are_dealt_without_sorting(
    spark: SparkSession, tmp_path: Path
) -> None:
    path = str(tmp_path / "files")
    spark.range(0, 101, 1, 4).write.parquet(path)
    for df in (
        spark.range(0, 101, 1, 4),
        spark.read.parquet(path),
        spark.range(101).where("id > 0"),
    ):
        staged = stage(df, 2)
        assert "RoundRobin" not in plan_of(staged.df)
        found = parts(staged.df)
        assert sorted(found[0] + found[1]) == sorted(row.id for row in df.collect())
        assert abs(len(found[0]) - len(found[1])) <= df.rdd.getNumPartitions()
    # What a task that runs again may get in a different order, Spark has to sort.
    shuffled = spark.range(100).groupBy("id").count()
    assert "RoundRobin" in plan_of(stage(shuffled, 2).df)


def test_even_parts(spark: SparkSession, tmp_path: Path) -> None:
    """Files are even by their bytes, and nobody knows what a filter leaves."""
    even, uneven = str(tmp_path / "even"), str(tmp_path / "uneven")
    spark.range(0, 4000, 1, 2).write.parquet(even)
    spark.range(0, 4000, 1, 1).write.parquet(uneven)
    spark.range(0, 10, 1, 1).write.mode("append").parquet(uneven)
    with use_conf(spark, {"spark.sql.files.openCostInBytes": "128MB"}):  # A file a partition.
        files, others = spark.read.parquet(even), spark.read.parquet(uneven)
        assert files.rdd.getNumPartitions() == others.rdd.getNumPartitions() == 2
        assert has_even_parts(files.selectExpr("id + 1 as id"), 2)
        assert not has_even_parts(files, 1)
        assert not has_even_parts(files.where("id > 3"), 2)
        assert not has_even_parts(others, 2)
        staged = stage(files, 2, "none")
        assert "Scan parquet" in plan_of(staged.df)  # Nothing was computed beforehand.
        assert sorted(map(len, parts(staged.df))) == [2000, 2000]
    assert has_even_parts(spark.range(0, 10, 1, 2), 2)
    assert not has_even_parts(spark.range(0, 10, 1, 2).distinct(), 2)
