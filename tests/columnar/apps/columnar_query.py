"""An application that says whether its functions ran in Hydrofoil's operators, and its answer."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

import hydrofoil

if "configure" in sys.argv:
    # The JVM has been running for another session, which knew nothing of it.
    if "later" in sys.argv:
        SparkSession.builder.getOrCreate().stop()
    spark = hydrofoil.configure(SparkSession.Builder()).getOrCreate()
else:
    spark = SparkSession.builder.getOrCreate()

frame = spark.range(0, 1000, 1, 4).select(udf(lambda v: v + 1, "long", useArrow=True)("id"))
same = frame.mapInArrow(lambda batches: batches, "y long").repartition(2)
total = same.groupBy().sum("y")
answer = total.collect()[0][0]
plan = str(total._jdf.queryExecution().executedPlan().toString())
executors = spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()
# Some record batches of each partition, from the driver's JVM or from others.
rows = hydrofoil.collect(spark.range(0, 60_000, 1, 3).selectExpr("id", "repeat(id, 10) s"))
report = {
    "answer": answer,
    "collected": rows == [(i, str(i) * 10) for i in range(60_000)],
    "operators": ["HydrofoilEvalPython" in plan, "HydrofoilMapInBatch" in plan],
    "processes": len(executors),
}
print("SEEN", json.dumps(report), flush=True)
spark.stop()
