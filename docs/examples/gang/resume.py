"""A rank dies in the middle of a training; the gang is started again and goes on where it was.

python resume.py
"""

import os
import tempfile

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang

STEPS = 30
EVERY = 10


def make_rows(spark: SparkSession) -> DataFrame:
    angle = F.col("id") * 0.7
    return spark.range(1_000).select(F.sin(angle).alias("x"), (3 * F.sin(angle) - 1).alias("y"))


def train(ctx, dies_at=None):
    """Gradient descent on a line. Rank 1 of the first attempt may die at some step."""
    state = ctx.checkpoint.restore(default={"line": np.zeros(2)})
    resumed_at = ctx.checkpoint.step
    [rows] = ctx.data.numpy()
    for step in range(resumed_at, STEPS):
        if step == dies_at and ctx.rank == 1 and ctx.attempt == 0:
            os._exit(1)
        error = state["line"][0] * rows["x"] + state["line"][1] - rows["y"]
        gradient = np.array([error @ rows["x"], error.sum(), len(error)])
        total = ctx.all_reduce(gradient)
        state["line"] = state["line"] - 0.5 * total[:2] / total[2]
        ctx.checkpoint.every(EVERY, state)  # Counts the step, too.
    return {"line": state["line"], "resumed_at": resumed_at, "attempt": ctx.attempt}


def main():
    spark = SparkSession.builder.appName("gang: resume").getOrCreate()
    rows = make_rows(spark)
    with tempfile.TemporaryDirectory() as folder:  # On a cluster: storage that all hosts reach.
        broken = gang.run(
            train,
            rows,
            num_tasks=2,
            args={"dies_at": 25},
            checkpoint=f"{folder}/broken",
            max_restarts=1,
            backoff=0.1,
        )
        whole = gang.run(train, rows, num_tasks=2, checkpoint=f"{folder}/whole")
    return {"broken": broken, "whole": whole}


if __name__ == "__main__":
    runs = main()
    print("failed attempts:", runs["broken"].attempts)
    print("went on at step", runs["broken"].value["resumed_at"], "to", runs["broken"].value["line"])
    print("without a failure:", runs["whole"].value["line"])
