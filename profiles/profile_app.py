"""What `profiles/profile.html` is the profile of: one row UDF, and one applyInPandas."""

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf


def subtract_mean(group: pd.DataFrame) -> pd.DataFrame:
    return group.assign(v=group.v - group.v.mean())


spark = SparkSession.builder.getOrCreate()


@udf("long")
def plus_one(x):
    return x + 1


numbers = spark.range(8_000_000).select(plus_one("id").alias("v"))
numbers.write.format("noop").mode("overwrite").save()
rows = spark.range(1_000_000).selectExpr("id % 10000 as k", "id * 0.5D as v")
groups = rows.groupBy("k").applyInPandas(subtract_mean, "k long, v double")
groups.write.format("noop").mode("overwrite").save()
spark.stop()
