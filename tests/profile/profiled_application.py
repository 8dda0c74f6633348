"""An application with one row UDF and one applyInPandas, both of which use known CPU time."""

import sys
import time

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

ROWS, BURNING_ROWS, A_ROW = 200_000, 1_000, 0.001
GROUPS, A_GROUP = 60, 0.01


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def main() -> None:
    spark = SparkSession.builder.getOrCreate()

    @udf("long")
    def sometimes_slow(x):
        if x % (ROWS // BURNING_ROWS) == 0:
            burn(A_ROW)
        return x + 1

    def slow_group(group: pd.DataFrame) -> pd.DataFrame:
        burn(A_GROUP)
        return group.assign(v=group.v - group.v.mean())

    total = spark.range(ROWS).select(sometimes_slow("id").alias("v")).agg({"v": "sum"}).first()[0]
    assert total == ROWS * (ROWS + 1) // 2
    rows = spark.range(GROUPS * 500).selectExpr(f"id % {GROUPS} as k", "id * 1.0D as v")
    groups = rows.groupBy("k").applyInPandas(slow_group, "k long, v double")
    print("groups:", groups.select("k").distinct().count(), *sys.argv[1:])
    spark.stop()


if __name__ == "__main__":
    main()
