"""Every kind of grouped function, on groups of all sizes, and where its batches end."""

import grouped_functions
import pytest
from grouped_compare import GroupedComparison
from grouped_functions import ANSWER, KINDS, LINE, of_batches
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession

# Every so many cases of each test, unless HYDROFOIL_PARITY=full: see tests/conftest.py.
ONE_IN = 4

cloudpickle.register_pickle_by_value(grouped_functions)

SIZES = [1, 3, 7, 8, 20, 1, 14, 2, 15, 6]
BATCHED = [name for name in KINDS if "batches" in name]


def groups(spark: SparkSession, sizes: list[int], null: int | None = None) -> DataFrame:
    """Groups of these sizes, in one partition whose rows are not in their order; one key is null.

    How the shuffle leaves the rows of a group depends on what stands before it, so there is one
    partition before it too.
    """
    rows = [
        (None if k == null else k, k * 1000 + i)
        for k, size in enumerate(sizes)
        for i in range(size)
    ]
    rows.sort(key=lambda row: row[1] % 7)
    return spark.createDataFrame(rows, "k long, v long").coalesce(1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(compare: GroupedComparison, kind: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return KINDS[kind](groups(spark, SIZES, null=4))

    found = compare.same_rows(build, off=True, spark__sql__execution__arrow__maxRecordsPerBatch=7)
    assert len(found.values) >= len(SIZES)


@pytest.mark.parametrize("kind", ["pandas", "arrow aggregate", "cogrouped arrow"])
@pytest.mark.parametrize("size", [1, 10])
def test_many_small_groups(compare: GroupedComparison, kind: str, size: int) -> None:
    if kind not in KINDS:
        pytest.skip("not on this Spark")
    compare.same_rows(
        lambda spark: KINDS[kind](groups(spark, [size] * 1500)),
        spark__sql__adaptive__enabled=True,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows(compare: GroupedComparison, kind: str) -> None:
    found = compare.same_rows(lambda spark: KINDS[kind](groups(spark, [3]).where("v < 0")))
    assert found.values == ()


@pytest.mark.parametrize("limit", [0, 1, 100_000])
def test_rows_a_batch(compare: GroupedComparison, limit: int) -> None:
    for kind in BATCHED:
        compare.same_rows(
            lambda spark, kind=kind: KINDS[kind](groups(spark, [30, 1, 2, 30])),
            spark__sql__execution__arrow__maxRecordsPerBatch=limit,
        )


@pytest.mark.skipif(LINE < (4, 1), reason="a group is one batch")
@pytest.mark.parametrize("limit", [1, 100, 1000, 5000])
def test_bytes_a_batch(compare: GroupedComparison, limit: int) -> None:
    def build(spark: SparkSession) -> DataFrame:
        wide = groups(spark, [1, 50, 2, 70, 9]).selectExpr(
            "k",
            "v",
            "repeat('x', int(v % 40)) AS s",
            "if(v % 5 = 0, NULL, v % 3 = 0) AS b",
            "if(v % 6 = 0, NULL, struct(v AS x, if(v % 4 = 0, NULL, 'why') AS y)) AS n",
            "sequence(1, int(v % 4 + 1)) AS a",
            "array(struct(v AS z)) AS items" if limit == 1000 else "cast(v AS decimal(20, 3)) AS d",
            "if(v % 3 = 0, NULL, cast(v AS string)) AS last",
        )
        return wide.groupBy("k").applyInArrow(of_batches, ANSWER)

    found = compare.same_rows(build, spark__sql__execution__arrow__maxBytesPerBatch=limit)
    batches = [len(row[2].split(",")) for row in found.values]
    assert max(batches) > 1


@settings(settings.get_profile("grouped_exchange"))
@given(data=st.data())
def test_any_sizes(compare: GroupedComparison, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=60), label="sizes")
    limit = data.draw(st.sampled_from([1, 2, 7, 32, 10_000]), label="limit")
    kind = data.draw(st.sampled_from(list(KINDS)), label="kind")
    compare.same_rows(
        lambda spark: KINDS[kind](groups(spark, sizes)),
        spark__sql__execution__arrow__maxRecordsPerBatch=limit,
    )
