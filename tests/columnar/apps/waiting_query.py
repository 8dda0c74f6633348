"""A query whose function waits, once it holds all of its input, until its process is killed.

The first attempt of the task says so in a file of the folder that the application is given; the
second one answers.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

ROWS = 300_000

spark = SparkSession.builder.getOrCreate()
folder = Path(sys.argv[1])


@F.pandas_udf("long")
def after_all(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    held = list(batches)
    if TaskContext.get().attemptNumber() == 0:
        written = folder / "writing"
        written.write_text(json.dumps([os.getpid(), os.getppid()]))
        written.rename(folder / "waiting")
        while True:
            time.sleep(60)
    yield from held


rows = spark.range(0, ROWS, 1, 1).selectExpr("id", "concat('row ', id) AS s")
frame = rows.select("s", after_all("id").alias("v"))
total = frame.selectExpr("sum(v)", "sum(length(s))")
answer = list(total.collect()[0])
plan = str(total._jdf.queryExecution().executedPlan().toString())
(folder / "answered").write_text(
    json.dumps({"answer": answer, "ours": "HydrofoilEvalPython" in plan})
)
# The cluster is looked at while the executor is still there.
while not (folder / "seen").exists():
    time.sleep(0.1)
spark.stop()
