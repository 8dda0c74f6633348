"""An application that runs one workload of `hydrofoil bench`: WORKLOAD ROWS."""

import sys
import warnings

from pyspark.sql import SparkSession

from hydrofoil.tools.profiling.workloads import query_of


def main(name: str, rows: int) -> None:
    """Run the query once and drop its result."""
    warnings.simplefilter("ignore", UserWarning)
    spark = SparkSession.builder.appName(f"hydrofoil profile {name}").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    query_of(name, spark, rows).write.format("noop").mode("overwrite").save()
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
