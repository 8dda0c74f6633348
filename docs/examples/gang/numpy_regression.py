"""Linear regression with NumPy alone: ranks add up what their rows say, and solve the same system.

python numpy_regression.py
"""

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang

WEIGHTS = [2.0, -1.0, 0.5]


def make_rows(spark: SparkSession) -> DataFrame:
    """5,000 rows of 3 features, a label that is linear in them, and some noise."""
    waves = [F.sin(F.col("id") * (0.7 + n)).alias(f"x{n}") for n in range(3)]
    label = sum(weight * F.col(f"x{n}") for n, weight in enumerate(WEIGHTS))
    return (
        spark.range(5_000)
        .select(*waves, (F.sin(F.col("id") * 97.3) / 10).alias("noise"))
        .select("x0", "x1", "x2", (label + F.col("noise")).alias("label"))
    )


def train(ctx):
    """What each rank does: normal equations over batches, then over ranks."""
    products, moments = np.zeros((3, 3)), np.zeros(3)
    for batch in ctx.data.numpy(batch_size=500, steps="uneven"):
        features = np.column_stack([batch[name] for name in ("x0", "x1", "x2")])
        products += features.T @ features
        moments += features.T @ batch["label"]
    return np.linalg.solve(ctx.all_reduce(products), ctx.all_reduce(moments))


def main():
    spark = SparkSession.builder.appName("gang: numpy").getOrCreate()
    rows = make_rows(spark)
    result = gang.run(train, rows, num_tasks=2)
    frame = rows.toPandas()
    alone, *_ = np.linalg.lstsq(frame[["x0", "x1", "x2"]].to_numpy(), frame["label"], rcond=None)
    return {"ranks": list(result), "alone": alone}


if __name__ == "__main__":
    weights = main()
    print(weights)
