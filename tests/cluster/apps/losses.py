"""Work on a cluster that loses a host meanwhile: losses.py SCENARIO FOLDER

A task on the host that is going to be lost says in FOLDER that it is in its function, and waits
there. Prints what came of the work.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark import TaskContext, cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil import gang

cloudpickle.register_pickle_by_value(sys.modules[__name__])

ROWS = 20_000
PARTITIONS = 6
VARIABLE = "HYDROFOIL_TEST_HOST"
VICTIM = "hydrofoil-b"
FOLDER = sys.argv[2] if len(sys.argv) > 2 else ""


def wait_to_be_lost(folder: str) -> None:
    """On the host that is going to be lost, until it is; once for a folder."""
    if os.environ.get(VARIABLE) == VICTIM:
        Path(folder, "waiting").touch()
        time.sleep(600)


def query(spark: SparkSession, folder: str) -> Any:
    """Plain functions, whose rows are written: each row once."""

    def function(i: int) -> str:
        if i % 1000 == 500:
            wait_to_be_lost(folder)
        return f"row {i}"

    frame = spark.range(0, ROWS, 1, PARTITIONS)
    frame.select("id", F.udf(function, "string")("id").alias("s")).write.parquet(f"{folder}/rows")
    rows = spark.read.parquet(f"{folder}/rows")
    return rows.selectExpr("count(id)", "sum(id)", "count(distinct s)").head().asDict().values()


def shuffle(spark: SparkSession, folder: str) -> Any:
    """Groups, whose rows lie on both hosts."""

    def function(group: pd.DataFrame) -> pd.DataFrame:
        wait_to_be_lost(folder)
        return pd.DataFrame({"n": [len(group)], "total": [group["id"].sum()]})

    frame = spark.range(0, ROWS, 1, PARTITIONS).selectExpr("id", "id % 40 k")
    made = frame.groupBy("k").applyInPandas(function, "n long, total long")
    return made.selectExpr("sum(n)", "sum(total)", "count(*)").head().asDict().values()


def inference(spark: SparkSession, folder: str) -> Any:
    """A model that is loaded once a worker, and batches of its own."""

    def predict(model: float, i: NDArray[np.int64]) -> NDArray[np.float64]:
        if i[0] % 1000 >= 500:
            wait_to_be_lost(folder)
        return i * model

    predicted = hydrofoil.batch_udf(load=lambda: 2.0, batch_size=100)(predict)
    frame = spark.range(0, ROWS, 1, PARTITIONS).select("id", predicted("id").alias("p"))
    return frame.selectExpr("count(p)", "cast(sum(p) as long)", "count(distinct p)").head()


def of_gang(spark: SparkSession, folder: str) -> Any:
    """Ranks that go on from their checkpoint, fewer than before."""

    def train(ctx: Any) -> list[Any]:
        state = ctx.checkpoint.restore(default={"step": 0})
        began = state["step"]
        rows = sum(batch.num_rows for batch in ctx.data.arrow())
        for step in range(began, 6):
            ctx.all_gather(step)
            ctx.checkpoint.save({"step": step + 1}, step=step + 1)
            if ctx.attempt == 0 and step == 3:
                ctx.barrier()
                wait_to_be_lost(folder)
        return [began, ctx.world_size, sum(ctx.all_gather(rows))]

    result = gang.run(
        train,
        spark.range(0, ROWS, 1, 4),
        elastic=(1, 2),
        max_restarts=2,
        backoff=1.0,
        start_timeout=90.0,
        checkpoint=f"{folder}/checkpoints",
    )
    return [*result.values, [type(error).__name__ for error in result.attempts]]


def again(spark: SparkSession, folder: str) -> Any:
    """Tasks that Spark runs more than once, under stock and under Hydrofoil: their rows once."""
    found = {}
    for engine, off in (("stock", "off"), ("hydrofoil", "")):
        spark.sparkContext.environment.update({"HYDROFOIL": off} if off else {})
        for how in ("raises", "is killed", "is slow"):
            place = f"{folder}/{engine} {how}"
            frame = spark.range(0, ROWS, 1, PARTITIONS)
            function = F.udf(failing(how), "long")
            frame.select(function("id").alias("n")).write.parquet(place)
            rows = spark.read.parquet(place)
            found[f"{engine} {how}"] = list(rows.selectExpr("count(n)", "sum(n)").head())
        spark.sparkContext.environment.pop("HYDROFOIL", None)
    return found


def failing(how: str) -> Callable[[int], int]:
    """A function whose first attempt at a task does not come to its end."""

    def function(i: int) -> int:
        context = TaskContext.get()
        if i == ROWS // 2 and context.attemptNumber() == 0:
            if how == "raises":
                raise ValueError("at first")
            if how == "is killed":
                os.kill(os.getpid(), 9)
            time.sleep(600)
        return i

    return function


SCENARIOS: dict[str, Callable[[SparkSession, str], Any]] = {
    "query": query,
    "shuffle": shuffle,
    "inference": inference,
    "gang": of_gang,
    "again": again,
}


if __name__ == "__main__":
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    # Both executors are there.
    while spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() < 3:
        time.sleep(0.2)
    answer = SCENARIOS[sys.argv[1]](spark, FOLDER)
    package = spark.range(1).select(F.udf(lambda _: hydrofoil.__file__)("id")).head()[0]
    worker = spark.range(1).select(F.udf(lambda _: sys.executable)("id")).head()[0]
    plan = spark.range(1).select(F.udf(lambda i: i)("id"))._jdf.queryExecution().toString()
    told = {"answer": answer, "package": package, "worker": worker, "plan": "Hydrofoil" in plan}
    print("TOLD", json.dumps(told, default=list), flush=True)
    spark.stop()
