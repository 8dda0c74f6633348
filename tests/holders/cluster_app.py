"""Two executors of a host, with two devices each of the same addresses, and a model for a device.

Prints the process and the device of each model that answered, and ends once these have.
"""

import os
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hydrofoil
from hydrofoil.holders.linux import start_time

CONF = {
    "spark.ui.enabled": "false",
    "spark.worker.resource.gpu.amount": "2",
    "spark.worker.resource.gpu.discoveryScript": sys.argv[1],
    "spark.executor.resource.gpu.amount": "2",
    "spark.task.resource.gpu.amount": "1",
    "spark.hydrofoil.models.linger": "1s",
}


def load() -> str:
    return f"{os.getpid()} {os.environ['CUDA_VISIBLE_DEVICES']}"


@hydrofoil.batch_udf(load=load, batch_size=4, device="cuda", share="host", return_type="string")
def here(model: str, x: NDArray[np.int64]) -> Any:
    return [model] * len(x)


@hydrofoil.udf
def slowly(x: int) -> str:
    time.sleep(1)
    return os.environ["SPARK_EXECUTOR_DIRS"]


session = hydrofoil.session("local-cluster[2,2,1024]", conf=CONF)
rows = session.range(0, 8, 1, 8).select(here("id").alias("m"), slowly("id").alias("e")).collect()
assert len({row.e for row in rows}) == 2, "both executors have run tasks"
found = {row.m for row in rows}
session.stop()
until = time.monotonic() + 60
while any(start_time(int(model.split()[0])) for model in found):
    assert time.monotonic() < until, "processes are left"
    time.sleep(0.05)
for model in sorted(found):
    print(model)
