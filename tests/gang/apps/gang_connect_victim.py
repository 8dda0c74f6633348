"""A Spark Connect client that is killed in the middle of a gang.

Arguments: the server's address, a folder that executors reach, and what ranks do: "wait", "lock" or
"locks".
"""

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from hydrofoil import gang


def train(ctx: Any, folder: str, how: str) -> None:
    ctx.barrier()
    Path(folder, f"rank-{ctx.rank}-{os.getpid()}").touch()
    if how == "locks" or (how == "lock" and ctx.rank == 1):  # Native code keeps Python's lock.
        ctypes.PyDLL(None).sleep(600)
    time.sleep(600)


spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
spark.conf.set("spark.hydrofoil.gang.lease", "3")
gang.run(train, num_tasks=2, args=sys.argv[2:])
