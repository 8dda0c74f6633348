"""A million rows with a thousand bad ones over eight tasks, an executor lost, and speculation.

Is given a master with two hosts and a folder; prints what is in the result and in the quarantine
table there, as JSON.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from pyspark import TaskContext
from pyspark.sql import functions as F

import hydrofoil

ROWS, TASKS = 1_000_000, 8
master, folder = sys.argv[1], Path(sys.argv[2])
killed, second = str(folder / "killed"), str(folder / "second")

CONF = {
    "spark.driver.host": "127.0.0.1",
    "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"],
    "spark.speculation": "true",
    "spark.speculation.interval": "50ms",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.minTaskRuntime": "100ms",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.hydrofoil.quarantine.path": str(folder / "table"),
    "spark.ui.enabled": "false",
}


@hydrofoil.udf(on_error="quarantine")
def parse(s: str, n: int) -> int:
    """Of one partition, wait in its middle for a second attempt to get there."""
    if n == 5 * ROWS // TASKS + 50_000:
        context = TaskContext.get()
        assert context is not None
        if context.attemptNumber() > 0:
            Path(second).touch()
        for _ in range(900):
            if Path(second).exists():
                break
            time.sleep(0.1)
    return int(s)


@hydrofoil.udf
def passed_on(n: int) -> int:
    """Behind the shuffle: end an executor, once, with what it has written of the shuffle."""
    if n == ROWS // 2:
        try:
            os.close(os.open(killed, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return n
        pid = os.getppid()
        while Path(f"/proc/{pid}/comm").read_text().strip() != "java":
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(pid, signal.SIGKILL)
        time.sleep(60)
    return n


def main() -> None:
    """Run it."""
    spark = hydrofoil.session(master, conf=CONF)
    spark.sparkContext.setLogLevel("OFF")
    text = F.col("id").cast("string")
    data = spark.range(0, ROWS, 1, TASKS).select(
        "id", F.when(F.col("id") % 1000 == 13, "x").otherwise(text).alias("s")
    )
    parsed = data.select("id", parse("s", "id").alias("n")).repartition("id")
    result = parsed.select(passed_on("id").alias("id"), "n")
    total = result.agg(
        F.count("id").alias("rows"), F.count("n").alias("good"), F.sum("n").alias("sum")
    ).collect()[0]
    table = spark.read.parquet(str(folder / "table")).collect()
    (counts,) = (one for one in hydrofoil.failed_rows(spark) if one.function == "parse")
    found = {
        "rows": total.rows,
        "good": total.good,
        "sum": total.sum,
        "bad": sorted(json.loads(row.arguments)["n"] for row in table),
        "places": sorted([row.partition, row.row] for row in table),
        "stages": len({row.stage for row in table}),
        "counts": [counts.failed, counts.rows],
    }
    print("FOUND " + json.dumps(found))
    spark.stop()


main()
