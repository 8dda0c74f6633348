"""Examples on a cluster. Argument: the examples' folder."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")
folder = Path(sys.argv[1])

losses = runpy.run_path(str(folder / "ddp.py"), run_name="__main__")["losses"]
trees = runpy.run_path(str(folder / "xgboost_trees.py"), run_name="__main__")["predicted"]
differences = [float(np.abs(each - trees["alone"]).max()) for each in trees["together"]]
executors = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
print()
print("GANG " + json.dumps({"losses": losses, "trees": differences, "executors": executors}))
spark.stop()
