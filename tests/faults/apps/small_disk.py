"""Queries that spill, where there is little room for it; prints what came of each engine's.

The session has a small file system for Spark's own files, off-heap memory, and encrypted spills.
"""

import json
import os
import sys

from pyspark.sql.functions import udf

import hydrofoil
from hydrofoil import gang
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_engine

DISK = sys.argv[1]
ENGINES = [STOCK, Engine("hydrofoil", HYDROFOIL.daemon, columnar=True)]
MB = 1 << 20

os.environ["PYSPARK_PYTHON"] = sys.executable
spark = hydrofoil.session(
    master="local[2]",
    conf={
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": DISK,
        "spark.memory.offHeap.enabled": "true",
        "spark.memory.offHeap.size": "200m",
        "spark.io.encryption.enabled": "true",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": f"{DISK}/warehouse",
        # What passes by the function waits on disk beyond this.
        "spark.hydrofoil.columnar.passThroughMemory": "1m",
    },
)
spark.sparkContext.setLogLevel("OFF")


def beside(rows: int) -> list[int]:
    """A sum over a function and what passes by it, in a shuffle."""
    frame = spark.range(0, rows, 1, 2).selectExpr("id", "concat(uuid(), repeat(uuid(), 20)) s")
    made = frame.select(udf(lambda i: i + 1, "long")("id").alias("n"), "s")
    shuffled = made.repartition(2, "n").selectExpr("count(n)", "sum(n)", "sum(length(s))")
    return [int(value) for value in shuffled.head()]


def of_gang(rows: int) -> int:
    def count(ctx):
        return sum(batch.num_rows for batch in ctx.data.arrow())

    frame = spark.range(0, rows, 1, 2).selectExpr("id", "repeat(uuid(), 20) s")
    os.makedirs(f"{DISK}/spool", exist_ok=True)
    return sum(gang.run(count, frame, num_tasks=2, spool=gang.Spool(dir=f"{DISK}/spool")))


def come_of(action, rows):
    try:
        return action(rows)
    except Exception as error:
        text = str(error)
        full = "No space left on device" in text or "no room" in text or "disk" in text.lower()
        return "full" if full else text[-2000:]


seen = {}
for engine in ENGINES:
    with use_engine(spark, engine):
        seen[engine.name] = [come_of(beside, 1000), come_of(beside, 60_000), come_of(beside, 1000)]
with use_engine(spark, ENGINES[1]):
    seen["gang"] = [come_of(of_gang, 1000), come_of(of_gang, 100_000), come_of(of_gang, 1000)]
    seen["spool"] = os.listdir(f"{DISK}/spool")
print("SEEN", json.dumps(seen), flush=True)
# Spark removes its own folder when its JVM ends, and that is later than this program's end.
jvm = spark.sparkContext._gateway.proc
spark.stop()
jvm.stdin.close()
jvm.wait(60)
