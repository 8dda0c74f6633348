"""``gang.run`` on Spark, under both workers: ranks, arguments, results, environment, progress."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gang_leftovers import nothing_left
from pyspark.sql import SparkSession

from hydrofoil import gang
from hydrofoil.errors import UsageError
from hydrofoil.gang.progress import Update
from hydrofoil.tools.parity.engines import HYDROFOIL, Engine, use_engine


@pytest.fixture
def fast(spark: SparkSession) -> Iterator[None]:
    with use_engine(spark, HYDROFOIL):
        yield


def test_ranks_and_what_they_know(worker: Engine, spark: SparkSession) -> None:
    def train(ctx: Any, base: int, *, more: int = 0) -> dict[str, Any]:
        ctx.barrier()
        return {
            "rank": ctx.rank,
            "world_size": ctx.world_size,
            "local_rank": ctx.local_rank,
            "attempt": ctx.attempt,
            "hosts": len(set(ctx.hosts)),
            "device": ctx.device,
            "run_id": ctx.run_id,
            "sum": base + more,
            "pid": os.getpid(),
        }

    result = gang.run(train, num_tasks=2, args={"base": 1, "more": 2})
    assert len(result) == 2 and result.value is result[0]
    assert [each["rank"] for each in result] == [each["local_rank"] for each in result] == [0, 1]
    assert {each["pid"] for each in result}.isdisjoint({os.getpid()})
    [(world_size, attempt, hosts, device, total)] = {
        tuple(each[name] for name in ("world_size", "attempt", "hosts", "device", "sum"))
        for each in result
    }
    assert (world_size, attempt, hosts, device, total) == (2, 0, 1, "cpu", 3)
    assert result[0]["run_id"] == result[1]["run_id"]
    assert result.attempts == [] and result.timings["total_s"] > 0


def test_rows_reach_ranks_once(worker: Engine, spark: SparkSession) -> None:
    def train(ctx: Any) -> list[int]:
        return [row for batch in ctx.data.arrow() for row in batch.column("id").to_pylist()]

    df = spark.range(0, 1000, 1, 3).selectExpr("id", "id * 2 as twice")
    result = gang.run(train, df, num_tasks=2, columns=["id"])
    assert sorted(result[0] + result[1]) == list(range(1000))
    assert all(300 < len(rows) < 700 for rows in result)


def test_paths_of_checkpoints_are_the_drivers(
    fast: None, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Workers run where the JVM was started, executors in folders of their own.
    monkeypatch.chdir(tmp_path)

    def train(ctx: Any) -> None:
        ctx.checkpoint.save("state")

    gang.run(train, num_tasks=1, checkpoint="kept")
    assert list((tmp_path / "kept").glob("state-*"))


def test_as_many_as_there_are_slots(fast: None, spark: SparkSession) -> None:
    assert len(gang.run(lambda ctx: None)) == gang.preflight(spark).total == 2


def test_what_the_driver_hears(fast: None, spark: SparkSession, capfd: Any) -> None:
    def train(ctx: Any) -> None:
        import numpy as np

        ctx.log(f"hello from {ctx.rank}")
        for step in range(3):
            ctx.report(step=step + 1, total=3, loss=np.float32(0.5), name="x", odd=[1])

    heard: list[Update] = []
    threads = set()

    def on_progress(update: Update) -> None:
        threads.add(threading.get_ident())
        heard.append(update)

    result = gang.run(train, num_tasks=2, on_progress=on_progress)
    assert threads == {threading.get_ident()}
    for rank in (0, 1):
        of_rank = [update for update in heard if update.rank == rank]
        kinds = ["start", "log", "report", "report", "report", "return"]
        assert [update.kind for update in of_rank] == kinds
        assert of_rank[1].text == f"hello from {rank}"
        expected = {"step": 3, "total": 3, "loss": 0.5, "name": "x", "odd": "[1]"}
        assert of_rank[4].metrics == result.metrics[rank][-1] == expected
    assert "rank 0: hello from 0\n" in capfd.readouterr().err


def test_rows_seen_again_are_told_once(fast: None, spark: SparkSession) -> None:
    def total(ctx: Any, steps: Any) -> int:
        batches = ctx.data.numpy(batch_size=100, epochs=2, epoch=0, steps=steps)
        return sum(ctx.all_gather(sum(int(batch["id"].sum()) for batch in batches)))

    heard: dict[str, list[str]] = {"pad": [], "uneven": []}
    exact = 2 * sum(range(1001))
    for steps, lines in heard.items():
        result = gang.run(
            total,
            spark.range(1001),
            num_tasks=2,
            args=[steps],
            balance="exact",
            on_progress=lambda update, to=lines: to.append(update.text),  # type: ignore[misc]
        )
        assert (result.value == exact) == (steps == "uneven")
    assert sum("seen again" in line for line in heard["pad"]) == 1
    assert not any("seen again" in line for line in heard["uneven"])
    assert "exact sums" in repr(gang.plan(spark.range(3), 2))


def test_bars_on_a_terminal(fast: None, spark: SparkSession, capfd: Any) -> None:
    def train(ctx: Any) -> None:
        ctx.report(step=2, total=4, loss=0.25)

    gang.run(train, num_tasks=2, progress=True)
    shown = capfd.readouterr().err
    assert "rank 1" in shown and "2/4" in shown and "loss=0.25" in shown


def test_a_large_result(worker: Engine, spark: SparkSession) -> None:
    def train(ctx: Any) -> bytes:
        return bytes([ctx.rank]) * (20 << 20)

    result = gang.run(train, num_tasks=2)
    assert [(len(value), value[0], value[-1]) for value in result] == [
        (20 << 20, r, r) for r in (0, 1)
    ]


def test_variables_are_set_and_put_back(fast: None, spark: SparkSession) -> None:
    def look(ctx: Any) -> tuple[Any, ...]:
        names = "GANG_VARIABLE", "CUDA_VISIBLE_DEVICES"
        return (os.getpid(), *map(os.environ.get, names))

    first = gang.run(look, num_tasks=2, env={"GANG_VARIABLE": "set"})
    assert {values[1:] for values in first} == {("set", "")}
    # Spark hands out which of its idle workers it likes, also ones that other tests have used.
    for _ in range(20):
        second = gang.run(look, num_tasks=2, share_devices=True)
        assert {values[1:] for values in second} == {(None, None)}
        if {values[0] for values in first} & {values[0] for values in second}:
            return
    pytest.fail(f"no worker of {first} ran in 20 later gangs, the last of them {second}")


def test_two_gangs_at_once(fast: None, spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, name: str) -> list[str]:
        return ctx.all_gather(f"{name}{ctx.rank}")

    results: dict[str, Any] = {}

    def start(name: str) -> None:
        results[name] = list(gang.run(train, num_tasks=1, args=(name,)))

    from pyspark import InheritableThread

    with nothing_left(tmp_path):
        threads = [InheritableThread(target=start, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == {"a": [["a0"]], "b": [["b0"]]}


def test_a_restart_reuses_what_spark_has_computed(
    fast: None, spark: SparkSession, tmp_path: Path
) -> None:
    computed = spark.sparkContext.accumulator(0)

    def note(batches: Any) -> Any:
        for batch in batches:
            computed.add(batch.num_rows)
            yield batch

    def train(ctx: Any) -> tuple[int, int]:
        rows = sum(batch.num_rows for batch in ctx.data.arrow())
        if ctx.attempt == 0:
            os._exit(1)
        return ctx.attempt, rows

    df = spark.range(0, 100, 1, 2).mapInArrow(note, "id long")
    result = gang.run(train, df, num_tasks=2, max_restarts=1, backoff=0.1)
    assert [attempt for attempt, _ in result] == [1, 1]
    assert sum(rows for _, rows in result) == 100
    assert computed.value == 100


def test_elastic_takes_what_there_is(fast: None, spark: SparkSession) -> None:
    df = spark.range(100)
    result = gang.run(lambda ctx: ctx.data.num_rows, df, elastic=(1, 4))
    assert len(result) == 2
    with pytest.raises(gang.SlotError, match="needs 3 slots at once, and there are 2"):
        gang.run(lambda ctx: None, elastic=(3, 4))


def test_the_callers_job_group_holds(fast: None, spark: SparkSession) -> None:
    context = spark.sparkContext
    context.setJobGroup("mine", "my own description")
    try:
        gang.run(lambda ctx: None, num_tasks=2)
        assert len(context.statusTracker().getJobIdsForGroup("mine")) == 1
        assert context.getLocalProperty("hydrofoil.gang.attempt") is None
        assert len(context.getJobTags()) == 0
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)
        context.setLocalProperty("spark.job.description", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_tasks": 0}, "num_tasks=0 has to be 1 or more"),
        ({"args": 3}, "args=3 is neither"),
        ({"elastic": (2, 1)}, r"elastic=\(2, 1\) has to be"),
        ({"retry_on": ("lost", "odd")}, "retry_on: 'odd' is none of lost, crash"),
        ({"max_restarts": -1}, "max_restarts=-1"),
        ({"timeout": 0}, "timeout=0 has to be more than 0"),
    ],
)
def test_arguments_that_cannot_be(
    spark: SparkSession, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        gang.run(lambda ctx: None, **arguments)


def test_no_data_and_no_checkpoints(fast: None, spark: SparkSession) -> None:
    for attribute, word in (("data", "has no data"), ("checkpoint", "no place for checkpoints")):
        with pytest.raises(gang.UserError, match=word) as caught:
            gang.run(lambda ctx, name=attribute: getattr(ctx, name), num_tasks=1)
        assert isinstance(caught.value.__cause__, UsageError)
