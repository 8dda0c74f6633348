"""Gangs over two executors, whose rows come in any order. Argument: a folder for checkpoints."""

import json
import os
import sys
from typing import Any

from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def train(ctx: Any, dies_at: int | None = None) -> dict[str, Any]:
    """Rows of a rank's own batches, and of global ones; these go on."""
    ctx.checkpoint.restore()
    start = ctx.checkpoint.step
    ctx.data.rows_per_rank  # noqa: B018
    own = ctx.data.numpy(["id"], batch_size=1000, shuffle=True, steps="uneven", epoch=0)
    seen = [batch["id"].tolist() for batch in own]
    everywhere = []
    batches = ctx.data.numpy(["id"], global_batch_size=1000, shuffle=True, epochs=2)
    for step, batch in enumerate(batches, start):
        everywhere.append(batch["id"].tolist())
        if step == dies_at and ctx.rank == 1:
            os._exit(1)
        ctx.barrier()
        ctx.checkpoint.every(5, step)
    arrival = [head >> 33 for head in ctx.data._identity._heads]
    return {"start": start, "own": seen, "global": everywhere, "arrival": arrival}


def main(folder: str) -> None:
    spark = SparkSession.builder.config("spark.reducer.maxSizeInFlight", "64k").getOrCreate()
    # Wide enough for many fetches.
    df = spark.range(0, 20_000, 1, 12).withColumn("text", F.repeat(F.lit("x"), 200))

    def run(ranks: int, name: str, **args: Any) -> list[dict[str, Any]]:
        place = f"{folder}/{name}"
        return list(gang.run(train, df, ranks, args=args, order="stable", checkpoint=place))

    told: dict[str, Any] = {"first": run(2, "first"), "second": run(2, "second")}
    try:
        run(2, "broken", dies_at=13)
    except gang.GangError as error:
        told["error"] = type(error).__name__
    told["rest"] = run(4, "broken")
    print("GANG " + json.dumps(told), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
