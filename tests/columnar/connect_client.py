"""Run the cases as a client of a Spark Connect server; print what comes of each.

Argument: the server's address.
"""

import json
import sys

import connect_cases
from pyspark import cloudpickle
from pyspark.sql import SparkSession

cloudpickle.register_pickle_by_value(connect_cases)
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
print("OUTCOMES", json.dumps(connect_cases.outcomes(spark)), flush=True)
