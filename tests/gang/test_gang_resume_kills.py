"""Ranks that are killed at a drawn step, and what the consumers of all runs together have seen."""

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gang_forks import Forks, forking
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang
from hydrofoil.gang.errors import RankCrashed
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine

ROWS = 700
Runs = Callable[..., Any]  # As gang.run, without df and source.


def train(ctx: Any, seen: str, how: dict[str, Any], every: int, kill: Any = None) -> int:
    """Notes each batch down before the next step; one rank dies at a step of the first attempt."""
    ctx.checkpoint.restore()
    start = ctx.checkpoint.step
    with open(f"{seen}/{start:06}-{ctx.rank}.jsonl", "w") as notes:
        for step, batch in enumerate(ctx.data.numpy(["id"], **how), start):
            notes.write(json.dumps([step, batch["id"].tolist()]) + "\n")
            notes.flush()
            if kill is not None and ctx.attempt == 0 and kill == [ctx.rank, step]:
                os._exit(7)
            ctx.barrier()  # So that nobody saves this step.
            ctx.checkpoint.every(every, {"weights": step})
    return start


def noted(folder: Path) -> dict[int, list[list[list[int]]]]:
    """Of each run, by the step it began with: steps, of ranks, of rows."""
    runs: dict[int, list[list[list[int]]]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        start = int(path.name.partition("-")[0])
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [step for step, _ in lines] == list(range(start, start + len(lines)))
        steps = runs.setdefault(start, [])
        for place, (_, ids) in enumerate(lines):
            if place == len(steps):
                steps.append([])
            steps[place].append(ids)
    return runs


def flat(steps: list[list[list[int]]]) -> list[list[int]]:
    return [[one for ids in step for one in ids] for step in steps]


@dataclass(frozen=True)
class Drawn:
    """A run that is killed, and the one that goes on."""

    ranks: int
    then: int
    how: dict[str, Any]
    steps: int
    every: int
    kill: list[int]
    restarts: bool  # The same run starts its ranks again, or a second run goes on.

    @classmethod
    def of(cls, number: int, most: int) -> "Drawn":
        draw = random.Random(number)
        change = draw.choice(["same", "half", "twice"])
        sizes = [size for size in (1, 2, 3, 4) if size <= most]
        if change == "half":
            sizes = [size for size in sizes if size % 2 == 0]
        if change == "twice":
            sizes = [size for size in sizes if 2 * size <= most]
        ranks = draw.choice(sizes)
        then = {"same": ranks, "half": ranks // 2, "twice": ranks * 2}[change]
        how: dict[str, Any] = {
            "shuffle": draw.choice([True, True, False]),
            "seed": draw.randrange(100),
            "epochs": draw.choice([1, 2, 3]),
            "steps": draw.choice(["pad", "pad", "drop_last", "uneven"]),
        }
        size = draw.randrange(40, 200)
        if change == "same" and draw.random() < 0.5:
            how["batch_size"] = max(size // ranks, 1)
            if how["steps"] == "uneven":  # Ranks that meet in each step need equal ones.
                how["steps"] = "pad"
            if draw.random() < 0.3:
                how["shuffle"] = "global"
        else:
            how["global_batch_size"] = size
        per_epoch = ROWS // size
        steps = max(how["epochs"] * per_epoch, 1)
        kill = [draw.randrange(ranks), draw.randrange(steps)]
        return cls(
            ranks,
            then,
            how,
            steps,
            draw.randrange(1, 5),
            kill,
            change == "same" and kill[1] % 2 > 0,
        )


def check(run: Runs, folder: Path, drawn: Drawn) -> None:
    """Equal sequences: without a break, and with one."""
    whole, before, after = (folder / name for name in ("whole", "before", "after"))
    for each in (whole, before, after):
        each.mkdir(parents=True)
    args = {"how": drawn.how, "every": drawn.every, "seen": str(whole)}
    run(train, drawn.ranks, args=args, checkpoint=str(folder / "one"))
    [expected] = noted(whole).values()
    step = drawn.kill[1]
    start = step // drawn.every * drawn.every
    assert step < len(expected)
    options: dict[str, Any] = {"checkpoint": str(folder / "two")}
    killed = {**args, "seen": str(before), "kill": drawn.kill}
    if drawn.restarts:
        result = run(train, drawn.ranks, args=killed, max_restarts=1, backoff=0.0, **options)
        assert [type(error) for error in result.attempts] == [RankCrashed]
        found = noted(before)[start]
    else:
        with pytest.raises(RankCrashed):
            run(train, drawn.ranks, args=killed, **options)
        result = run(train, drawn.then, args={**args, "seen": str(after)}, **options)
        assert noted(before)[0][:step] == expected[:step]
        [found] = noted(after).values()
    assert list(result) == [start] * drawn.then
    if drawn.then == drawn.ranks:  # Rank by rank.
        assert found == expected[start:]
    else:
        assert flat(found) == flat(expected)[start:]


# --- Processes that read a table ------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("table")
    ids = list(range(ROWS))
    for number, (start, stop) in enumerate([(0, 301), (301, 302), (302, ROWS)]):
        part = pa.table({"id": pa.array(ids[start:stop], pa.int64())})
        pq.write_table(part, folder / f"part-{number}.parquet", row_group_size=64)
    return str(folder)


def test_processes_that_are_killed(table: str, tmp_path: Path) -> None:
    def run(function: Any, ranks: int, **options: Any) -> Any:
        source = gang.parquet(table)
        return gang.run_locally(ranks, function, source=source, order="stable", **options)

    check(run, tmp_path, Drawn.of(0, 4))


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with forking() as forks:
        yield forks


def forked(forks: Forks, table: str) -> Runs:
    def run(function: Any, ranks: int, **options: Any) -> Any:
        source = gang.parquet(table)
        return forks.run(ranks, function, source=source, order="stable", **options)

    return run


@pytest.mark.parametrize("number", range(12))
def test_forked_processes_that_are_killed(
    forks: Forks, table: str, tmp_path: Path, number: int
) -> None:
    check(forked(forks, table), tmp_path, Drawn.of(number, 4))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(200))
def test_forked_processes_that_are_killed_often(
    forks: Forks, table: str, tmp_path: Path, number: int
) -> None:
    check(forked(forks, table), tmp_path, Drawn.of(1000 + number, 4))


# --- Spark ----------------------------------------------------------------------------------------


def some_rows(spark: SparkSession) -> DataFrame:
    """Partitions of different sizes, one of them empty, from behind a shuffle by key."""
    df = spark.range(0, ROWS, 1, 5)
    keyed = df.repartition(7, F.col("id") % 5)
    return keyed.sortWithinPartitions("id").withColumn("x", F.col("id") * 0.5)


def on_spark(spark: SparkSession, **more: Any) -> Runs:
    def run(function: Any, ranks: int, **options: Any) -> Any:
        return gang.run(function, some_rows(spark), ranks, order="stable", **more, **options)

    return run


@pytest.mark.parametrize("number", [1, 4])
def test_ranks_on_spark_that_are_killed(spark: SparkSession, tmp_path: Path, number: int) -> None:
    with use_engine(spark, HYDROFOIL):
        check(on_spark(spark), tmp_path, Drawn.of(number, 2))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(60))
def test_ranks_on_spark_that_are_killed_often(
    spark: SparkSession, tmp_path: Path, number: int
) -> None:
    drawn = Drawn.of(2000 + number, 2)
    balance = ["rows", "exact", "key:id"][number % 3]
    with use_engine(spark, HYDROFOIL):
        check(on_spark(spark, balance=balance), tmp_path, drawn)
