"""Train gradient-boosted trees with XGBoost on a DataFrame, and alone; compare what they predict.

    pip install xgboost && python xgboost_trees.py

Features have fewer values than XGBoost has bins, so both trainings bin them alike. Then they differ
in the order in which numbers are added up, and in no more.
"""

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang

PARAMS = {"objective": "reg:squarederror", "max_depth": 4, "eta": 0.3, "tree_method": "hist"}
ROUNDS = 20


def make_rows(spark: SparkSession) -> DataFrame:
    """3,000 rows of 5 features, each rounded to hundredths."""
    waves = [F.round(F.sin(F.col("id") * (0.7 + n)), 2).cast("float") for n in range(5)]
    rows = spark.range(3_000).select(F.array(*waves).alias("features"))
    label = 3 * F.col("features")[0] + F.col("features")[1] * F.col("features")[2]
    return rows.withColumn("label", label.cast("float"))


def train(ctx):
    """What each rank does. All end with the same trees."""
    import xgboost

    [rows] = ctx.data.numpy()  # One batch with all of this rank's rows.
    boosting = ctx.xgboost  # Ranks are joined from here on.
    data = xgboost.QuantileDMatrix(rows["features"], rows["label"])
    booster = boosting.train(PARAMS, data, num_boost_round=ROUNDS)
    return bytes(booster.save_raw())


def main():
    import xgboost

    spark = SparkSession.builder.appName("gang: xgboost").getOrCreate()
    rows = make_rows(spark)
    result = gang.run(train, rows, num_tasks=2)

    frame = rows.toPandas()
    features = np.stack(frame["features"].to_numpy())
    data = xgboost.QuantileDMatrix(features, frame["label"])
    alone = xgboost.train(PARAMS, data, num_boost_round=ROUNDS).predict(data)
    together = [xgboost.Booster(model_file=bytearray(model)).predict(data) for model in result]
    return {"together": together, "alone": alone, "label": frame["label"].to_numpy()}


if __name__ == "__main__":
    predicted = main()
    print("largest difference:", np.abs(predicted["together"][0] - predicted["alone"]).max())
