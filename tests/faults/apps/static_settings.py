"""UDFs under settings that a running Spark can't change; prints what the workers saw."""

import json

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf


def look(_):
    import os
    import resource

    return json.dumps(
        {
            "limit": resource.getrlimit(resource.RLIMIT_AS)[0],
            "unix": os.environ.get("PYTHON_UNIX_DOMAIN_ENABLED", "false"),
        }
    )


def take_too_much(_):
    return str(len(bytearray(8 << 30)))


def answer(function):
    try:
        return spark.range(1).select(udf(function, "string")("id")).head()[0]
    except Exception as error:
        return "MemoryError" if "MemoryError" in str(error) else str(error)


spark = SparkSession.builder.getOrCreate()
seen = json.loads(answer(look)) | {"too much": answer(take_too_much)}
seen["sum"] = spark.sparkContext.parallelize(range(100), 4).map(lambda x: x + 1).sum()
print("SEEN", json.dumps(seen), flush=True)
spark.stop()
