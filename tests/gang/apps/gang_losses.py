"""Gangs of a cluster that lose an executor, or a worker.

Arguments: a folder for checkpoints, and the losses by name.
"""

import json
import os
import signal
import sys
import time
from typing import Any

import psutil
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from hydrofoil import gang

cloudpickle.register_pickle_by_value(sys.modules[__name__])

STEPS = 12
FAULT_AT = 7


def lineage() -> list[int]:
    """The executor's JVM and its worker's, from a rank's process."""
    java = [process for process in psutil.Process().parents() if process.name() == "java"]
    return [process.pid for process in java]


def train(ctx: Any, fault: str, steps: int) -> dict[str, Any]:
    """Count steps; in the first attempt, something ends the last rank's executor halfway."""
    state = ctx.checkpoint.restore(default={"step": 0, "sum": 0.0})
    began_at = state["step"]
    rows = sum(batch.num_rows for batch in ctx.data.arrow())
    for step in range(began_at, steps):
        total = float(sum(ctx.all_gather(1.0)) / ctx.world_size)
        state = {"step": step + 1, "sum": state["sum"] + total}
        ctx.checkpoint.save(state, step=step + 1)
        last = ctx.rank == ctx.world_size - 1
        if ctx.attempt == 0 and step + 1 == FAULT_AT and last:
            executor, worker = lineage()[:2]
            if fault == "worker":
                os.kill(worker, signal.SIGKILL)
            os.kill(executor, signal.SIGKILL)
            time.sleep(600)
    return {
        "began_at": began_at,
        "world_size": ctx.world_size,
        "rows": rows,
        "executor": lineage()[0],
        **state,
    }


def attempt(spark: SparkSession, folder: str, fault: str, **options: Any) -> dict[str, Any]:
    df = spark.range(0, 1000, 1, 4)
    started = time.monotonic()
    result = gang.run(
        train,
        df,
        args=(fault, STEPS),
        checkpoint=os.path.join(folder, fault),
        backoff=1.0,
        start_timeout=90.0,
        **options,
    )
    return {
        "values": result.values,
        "errors": [
            {"kind": type(error).__name__, "rank": error.rank, "host": error.host}
            for error in result.attempts
        ],
        "seconds": time.monotonic() - started,
    }


LOSSES: dict[str, dict[str, Any]] = {
    "executor": {"num_tasks": 4},
    "worker": {"elastic": (2, 4)},
}


def main(folder: str, *losses: str) -> None:
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    told: dict[str, Any] = {"slots": gang.preflight(spark, 4, wait=60.0).total}
    try:
        gang.run(train, num_tasks=5)
    except gang.SlotError as error:
        told["too many"] = str(error)
    for loss in losses:
        told[loss] = attempt(spark, folder, loss, max_restarts=2, **LOSSES[loss])
    spark.stop()
    print("GANG " + json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
