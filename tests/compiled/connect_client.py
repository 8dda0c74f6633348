"""Run a compiled function as a client of a Spark Connect server in this process; print the results.

Argument: whether the server is to compile.
"""

import json
import os
import sys

from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil.compiling.asked import KEY
from hydrofoil.settings import jvm_operators, launch
from hydrofoil.tools.parity.session import CONF

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def bucket(x):
    return "low" if x < 2 else f"{x}!"


os.environ["PYSPARK_PYTHON"] = sys.executable
builder = SparkSession.builder.remote("local[1]")
settings = {**CONF, **launch.SETTINGS, **jvm_operators.additions({}), KEY: sys.argv[1]}
for key, value in settings.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
hydrofoil.enable(spark)
spark.udf.register("bucket_of_sql", bucket, "string")
results = {}
for name, frame in {
    "udf": spark.range(4).select(F.udf(bucket, "string")("id")),
    "registered": spark.sql("SELECT bucket_of_sql(id) FROM range(4)"),
}.items():
    rows = [row[0] for row in frame.collect()]
    results[name] = ["CompiledUdf" in frame._explain_string(), rows]
print("RESULTS", json.dumps(results), flush=True)
