"""The program that the pages call app.py."""

import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.appName(sys.argv[0]).getOrCreate()


@udf("string")
def describe(item: str, amount: int) -> str:
    return f"{item} x {amount}"


orders = spark.sql("select * from values ('tea', 2), ('coffee', 1) as orders(item, amount)")
print([row[0] for row in orders.select(describe("item", "amount")).collect()])
spark.stop()
