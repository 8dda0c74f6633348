"""The small job: one plain UDF, a task for each slot, that says what every worker has.

Run by spark-submit, with the file to write the answer to. The answer's ``error`` is what Spark said
if the job failed.
"""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydrofoil.doctor.application import probe
from hydrofoil.launch import STOCK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A cluster may have thousands of slots; some of each host's are enough.
MOST_TASKS = 1000

SETTLED_SECONDS = 1.0


def main(output: Path) -> None:
    found: dict[str, Any] = {"processes": [], "hosts": 0, "error": None}
    try:
        run(found, {})
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
        # Stock's workers can run where Hydrofoil's can't, and say what is there.
        with suppress(Exception):
            run(found, STOCK)
    output.write_text(json.dumps(found), encoding="utf-8")


def run(found: dict[str, Any], settings: dict[str, str]) -> None:
    from pyspark import cloudpickle
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import udf

    cloudpickle.register_pickle_by_value(probe)  # type: ignore[no-untyped-call]
    builder = SparkSession.builder.appName("hydrofoil doctor")
    for key, value in settings.items():
        builder = builder.config(key, value)
    with builder.getOrCreate() as spark:
        spark.sparkContext.setLogLevel("ERROR")
        found["hosts"] = executor_hosts(spark)
        tasks = min(spark.sparkContext.defaultParallelism, MOST_TASKS)
        # Pickled, so that neither driver nor workers need pyarrow for it.
        column = udf(probe.answer, "string", useArrow=False)("id")
        rows = spark.range(0, tasks, 1, tasks).select(column).collect()
        found["processes"] = [json.loads(row[0]) for row in rows]


def executor_hosts(spark: "SparkSession") -> int:
    """Count the executors' hosts, once one has run a task and no more executors are joining."""
    context = spark.sparkContext
    if str(context.master).startswith("local"):
        return 1
    spark.range(1).count()
    before, places = None, list[str]()
    while places != before:
        before = places
        time.sleep(SETTLED_SECONDS)
        # Each is a host and a port; the driver is among them.
        status = context._jsc.sc().getExecutorMemoryStatus().keys().toSeq()
        places = sorted(status.apply(i) for i in range(status.size()))
    hosts = [place.rpartition(":")[0] for place in places]
    driver = context.getConf().get("spark.driver.host")
    if driver in hosts:
        hosts.remove(driver)
    return len(set(hosts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
