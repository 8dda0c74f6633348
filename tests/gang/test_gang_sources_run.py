"""Gangs on real Spark that read a table themselves while it is written to."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from hydrofoil import gang
from hydrofoil.gang.errors import GangError


def numbers(start: int, stop: int) -> pa.Table:
    return pa.table({"id": pa.array(range(start, stop), pa.int64())})


def overwrite(path: str, attempt: int) -> None:
    write_deltalake(path, numbers(9000, 9500 + attempt), mode="overwrite")


def append(path: str, attempt: int) -> None:
    write_deltalake(path, numbers(9000, 9500), mode="append")


def train(ctx: Any, path: str, seen: str, commit: Any) -> int:
    """Commits to the table before anybody has read and after, and loses a rank once."""
    if ctx.rank == 0:
        commit(path, ctx.attempt)
    ctx.barrier()
    ids: list[int] = []
    for epoch in range(2):
        for batch in ctx.data.numpy(["id"], batch_size=100, steps="uneven"):
            ids += batch["id"].tolist()
        if ctx.rank == 0:
            commit(path, ctx.attempt)
        ctx.barrier()
        assert len(ids) == (epoch + 1) * ctx.data.num_rows
    Path(seen, f"{ctx.attempt}-{ctx.rank}.json").write_text(json.dumps(ids))
    ctx.barrier()
    if ctx.attempt == 0 and ctx.rank == 1:
        os._exit(3)
    return int(ctx.data.num_rows)


@pytest.mark.parametrize("commit", [overwrite, append])
def test_every_rank_of_every_attempt_sees_one_version(
    spark: SparkSession, tmp_path: Path, commit: Any
) -> None:
    path = str(tmp_path / "table")
    write_deltalake(path, numbers(0, 600))
    write_deltalake(path, numbers(600, 1001), mode="append")
    seen = tmp_path / "seen"
    seen.mkdir()
    result = gang.run(
        train,
        num_tasks=2,
        source=gang.delta(path),
        args={"path": path, "seen": str(seen), "commit": commit},
        max_restarts=1,
        backoff=0.0,
        spark=spark,
    )
    assert list(result) == [501, 500]
    assert DeltaTable(path).version() == 1 + 2 * 3
    for attempt in (0, 1):
        ids = [
            number
            for rank in (0, 1)
            for number in json.loads((seen / f"{attempt}-{rank}.json").read_text())
        ]
        assert sorted(ids) == sorted([*range(1001)] * 2), attempt


def test_files_that_are_vacuumed_before_a_rank_reads_them(
    spark: SparkSession, tmp_path: Path
) -> None:
    path = str(tmp_path / "table")
    write_deltalake(path, numbers(0, 600))
    source = gang.delta(path).pin()
    write_deltalake(path, numbers(0, 1), mode="overwrite")
    DeltaTable(path).vacuum(0, enforce_retention_duration=False, dry_run=False)

    def count(ctx: Any) -> int:
        return sum(batch.num_rows for batch in ctx.data.arrow(batch_size=100))

    with pytest.raises(GangError, match=r"part-(.|\n)*version 0 is gone: VACUUM"):
        gang.run(count, num_tasks=2, source=source, spark=spark)


def test_an_export_feeds_a_gang(spark: SparkSession, tmp_path: Path) -> None:
    gang.export(spark.range(0, 1001, 1, 3), tmp_path / "set")
    pq.write_table(numbers(0, 1001), tmp_path / "one.parquet")

    def total(ctx: Any) -> int:
        return int(sum(batch["id"].sum() for batch in ctx.data.torch(batch_size=64, epochs=2)))

    for source in (gang.arrow(tmp_path / "set"), gang.parquet(tmp_path / "one.parquet")):
        result = gang.run(total, num_tasks=2, source=source, spark=spark, args=None)
        # The smaller rank sees one row twice an epoch, so that both make as many steps.
        assert sum(result) >= 2 * sum(range(1001))
