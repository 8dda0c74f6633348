"""Queries while the JVM may open few descriptors more, or none; prints what came of each."""

import json
import os
import sys
from contextlib import contextmanager

import psutil
from pyspark.sql.functions import udf

import hydrofoil
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_engine, use_environment

ENGINES = [STOCK, HYDROFOIL, Engine("columnar", HYDROFOIL.daemon, columnar=True)]
# An answer takes some for each of its tasks and for itself, in the JVM and in what it starts.
ROOM = [0, 1, 2, 4, 8, 200]

os.environ["PYSPARK_PYTHON"] = sys.executable
spark = hydrofoil.session(
    master="local[4]",
    conf={"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"},
)
spark.sparkContext.setLogLevel("OFF")
jvm = psutil.Process(int(spark.sparkContext._jvm.ProcessHandle.current().pid()))
usual = jvm.rlimit(psutil.RLIMIT_NOFILE)


@contextmanager
def descriptors(room):
    jvm.rlimit(psutil.RLIMIT_NOFILE, (jvm.num_fds() + room, usual[1]))
    try:
        yield
    finally:
        jvm.rlimit(psutil.RLIMIT_NOFILE, usual)


def query():
    frame = spark.range(0, 4000, 1, 4).repartition(4)
    made = frame.select(udf(lambda x: x + 1, "long")("id").alias("n"))
    return int(made.selectExpr("sum(n)").head()[0])


def come_of(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__


seen = {}
for engine in ENGINES:
    with use_engine(spark, engine):
        assert query() == query()  # What the JVM loads for it is loaded.
        for room in ROOM:
            # It starts a daemon of its own, whose limit is the JVM's.
            with use_environment(spark, {"HYDROFOIL_TEST_ROOM": str(room)}):
                with descriptors(room):
                    found = come_of(query)
                after = come_of(query)
            seen.setdefault(engine.name, []).append([room, found, after])
print("SEEN", json.dumps(seen), flush=True)
spark.stop()
