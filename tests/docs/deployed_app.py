"""The program that docs/deploying.md calls app.py; it says what ran it and its function."""

import json
import os
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf


def look(_):
    import sys

    import pandas

    return json.dumps(
        {
            "worker": sys.executable,
            "daemon": sys.argv[0],
            "package": sys.modules["hydrofoil"].__file__,
            "pandas": pandas.__file__,
        }
    )


remote = sys.argv[1:]
builder = SparkSession.builder
spark = (builder.remote(*remote) if remote else builder).getOrCreate()
frame = spark.range(1).mapInPandas(lambda frames: frames, "id long")
frame = frame.select(udf(look, "string", useArrow=True)("id").alias("seen"))
seen = json.loads(frame.head()[0])
seen |= {"driver": sys.executable, "folder": os.getcwd()}
if not remote:
    seen["plan"] = str(frame._jdf.queryExecution().executedPlan().toString())
print("SEEN", json.dumps(seen), flush=True)
spark.stop()
