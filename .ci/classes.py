"""Archive the classes that a small Spark application loads: .ci/classes.py FILE

A JVM that is given the file (-XX:SharedArchiveFile) starts in half the time.
"""

import sys
import tempfile

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, udf

builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
builder = builder.config("spark.ui.showConsoleProgress", "false")
options = f"-XX:ArchiveClassesAtExit={sys.argv[1]} -Xlog:disable -XX:TieredStopAtLevel=1"
spark = builder.config("spark.driver.extraJavaOptions", options).getOrCreate()
with tempfile.TemporaryDirectory() as folder:
    spark.range(100).selectExpr("id", "id % 3 AS k", "'s' AS s").write.parquet(f"{folder}/rows")
    rows = spark.read.parquet(f"{folder}/rows")
    rows.select(udf(lambda i: i + 1, "long")("id"), "s").collect()
    rows.groupBy("k").applyInArrow(lambda group: group, rows.schema).orderBy(col("id")).collect()
    rows.mapInPandas(lambda batches: batches, rows.schema).cache().count()
gateway = spark.sparkContext._gateway
spark.stop()
gateway.shutdown()
# The JVM writes the file on its way out, which it takes when its input ends.
gateway.proc.stdin.close()
sys.exit(gateway.proc.wait())
