"""The small job: a task for each slot, that says what the worker has and whose code runs it.

It does without Spark SQL, which would take longer to start than everything else.

Run by spark-submit, with the file to write the answer to. The answer's ``error`` is what Spark said
if the job failed.
"""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydrofoil.settings.launch import STOCK
from hydrofoil.tools.checkup.application import probe

if TYPE_CHECKING:
    from pyspark import SparkContext

# A cluster may have thousands of slots; some of each host's are enough.
MOST_TASKS = 1000

SETTLED_SECONDS = 1.0


def main(output: Path) -> None:
    found: dict[str, Any] = {"processes": [], "hosts": 0, "error": None}
    try:
        run(found, {})
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
        # Known by now, should what follows take too long.
        write(found, output)
        # Stock's workers can run where Hydrofoil's can't, and say what is there.
        with suppress(Exception):
            run(found, STOCK)
    write(found, output)


def write(found: dict[str, Any], output: Path) -> None:
    """Write the answer, whole or not at all."""
    draft = output.with_suffix(".draft")
    draft.write_text(json.dumps(found), encoding="utf-8")
    draft.replace(output)


def run(found: dict[str, Any], settings: dict[str, str]) -> None:
    from pyspark import SparkConf, SparkContext

    conf = SparkConf().setAppName("hydrofoil doctor").setAll(list(settings.items()))
    with SparkContext(conf=conf) as context:
        context.setLogLevel("ERROR")
        found["hosts"] = executor_hosts(context)
        found["processes"] = answers(context)


def answers(context: "SparkContext") -> list[dict[str, Any]]:
    """Return the facts of each task's worker."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(probe)  # type: ignore[no-untyped-call]
    try:
        tasks = min(context.defaultParallelism, MOST_TASKS)
        found = context.parallelize(range(tasks), tasks).map(probe.answer).collect()
    finally:
        cloudpickle.unregister_pickle_by_value(probe)  # type: ignore[no-untyped-call]
    return [json.loads(answer) for answer in found]


def executor_hosts(context: "SparkContext") -> int:
    """Count the executors' hosts, once one has run a task and no more executors are joining."""
    if str(context.master).startswith("local"):
        return 1
    jvm: Any = context._jvm
    context._jsc.parallelize(jvm.java.util.ArrayList([0]), 1).count()
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
