"""Plain functions under the limit of the workers' memory; prints what came of them."""

import json

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.getOrCreate()
data = spark.range(0, 1000, 1, 1)


def answer(make):
    try:
        column = make()("id")
        return data.select(column.alias("x")).groupBy().sum("x").head()[0]
    except Exception as error:
        return str(error)


def take_too_much():
    return udf(lambda x: len(bytearray(2 << 30)), "long")


seen = {
    "pickled": answer(lambda: udf(lambda x: x + 1, "long", useArrow=False)),
    "arrow": answer(lambda: udf(lambda x: x + 1, "long", useArrow=True)),
    "too much": answer(take_too_much),
}
print("SEEN", json.dumps(seen), flush=True)
spark.stop()
