"""Train gradient-boosted trees with LightGBM on a DataFrame, and alone; compare what they predict.

    pip install lightgbm && python lightgbm_trees.py

Features have fewer values than LightGBM has bins, so both trainings bin them alike. Then they
differ in the order in which numbers are added up, and in no more.
"""

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang

PARAMS = {
    "objective": "regression",
    "learning_rate": 0.3,
    "num_leaves": 15,
    "min_data_in_bin": 1,
    "verbose": -1,
}
ROUNDS = 20


def make_rows(spark: SparkSession) -> DataFrame:
    """3,000 rows of 4 features, each rounded to tenths."""
    waves = [F.round(F.sin(F.col("id") * (0.7 + n)), 1) for n in range(4)]
    rows = spark.range(3_000).select(F.array(*waves).alias("features"))
    label = 3 * F.col("features")[0] + F.col("features")[1] * F.col("features")[2]
    return rows.withColumn("label", label)


def train(ctx):
    """What each rank does. All end with the same trees."""
    import lightgbm

    [rows] = ctx.data.numpy()  # One batch with all of this rank's rows.
    data = lightgbm.Dataset(rows["features"], rows["label"])
    booster = ctx.lightgbm.train(PARAMS, data, num_boost_round=ROUNDS)
    return booster.model_to_string()


def main():
    import lightgbm

    spark = SparkSession.builder.appName("gang: lightgbm").getOrCreate()
    rows = make_rows(spark)
    result = gang.run(train, rows, num_tasks=2)

    frame = rows.toPandas()
    features = np.stack(frame["features"].to_numpy())
    data = lightgbm.Dataset(features, frame["label"])
    alone = lightgbm.train(PARAMS, data, num_boost_round=ROUNDS).predict(features)
    together = [lightgbm.Booster(model_str=model).predict(features) for model in result]
    return {"together": together, "alone": alone, "label": frame["label"].to_numpy()}


if __name__ == "__main__":
    predicted = main()
    print("largest difference:", np.abs(predicted["together"][0] - predicted["alone"]).max())
