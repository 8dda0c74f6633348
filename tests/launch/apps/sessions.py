"""An application that turns Hydrofoil on from its code, in several ways one after the other."""

import json
import os

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

import hydrofoil
from hydrofoil.errors import UsageError

del os.environ["PYSPARK_PYTHON"]
QUIET = {"spark.ui.enabled": "false", "spark.executorEnv.MINE": "kept"}


def look(_):
    import os
    import sys

    # The daemon loads pieces of Hydrofoil; stock's never does.
    return json.dumps(["hydrofoil" in sys.modules, os.environ.get("MINE")])


def ask(spark):
    return json.loads(spark.range(1).select(udf(look, "string")("id")).head()[0])


def report(name, value):
    print("SEEN", json.dumps({name: value}), flush=True)


builder = SparkSession.builder.master("local[1]").appName("sessions")
for key, value in QUIET.items():
    builder = builder.config(key, value)
spark = hydrofoil.configure(builder).getOrCreate()
report("configure", ask(spark))
report("again", hydrofoil.session() is spark)
spark.stop()

spark = hydrofoil.session(master="local[1]", conf=QUIET | {"spark.executorEnv.HYDROFOIL": "off"})
report("off", ask(spark))
spark.stop()

os.environ["HYDROFOIL"] = "off"
spark = hydrofoil.session(master="local[1]", conf=QUIET)
report("off here", [*ask(spark), spark.conf.get("spark.executorEnv.HYDROFOIL")])
spark.stop()
del os.environ["HYDROFOIL"]

stock = {"spark.python.daemon.module": "pyspark.daemon"}
plain = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
for key, value in stock.items():
    plain = plain.config(key, value)
spark = plain.getOrCreate()
try:
    hydrofoil.session()
except UsageError as error:
    report("running", str(error))
spark.stop()
