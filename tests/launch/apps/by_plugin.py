"""An application that knows nothing of Hydrofoil and prints what a plugin has made of its Spark."""

import json

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf


def look(_):
    import os
    import sys

    return json.dumps({"worker": sys.argv[0], "trace": os.environ.get("HYDROFOIL_TRACE")})


spark = SparkSession.builder.getOrCreate()
frame = spark.range(1).select(udf(look, "string", useArrow=True)("id"))
seen = json.loads(frame.head()[0])
plan = frame._jdf.queryExecution().executedPlan().toString()
properties = spark._jsc.sc().statusStore().environmentInfo().sparkProperties()
shown = {properties.apply(i)._1(): properties.apply(i)._2() for i in range(properties.length())}
wanted = ("spark.python.daemon.module", "spark.hydrofoil.plugin.applied")
seen |= {
    "operator": "HydrofoilEvalPython" in plan,
    "extensions": spark.sparkContext.getConf().get("spark.sql.extensions"),
    "files": spark._jsc.hadoopConfiguration().get("fs.AbstractFileSystem.file.impl"),
    "page": {key: shown[key] for key in wanted if key in shown},
}
print("SEEN", json.dumps(seen), flush=True)
spark.stop()
