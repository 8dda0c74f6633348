"""How long micro-batches of Structured Streaming take, from trigger to commit."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from hydrofoil.tools.parity.engines import use_conf

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Spark's code is generated and compiled in the first batches of a query.
_WARM_UP = 5
_PATIENCE_S = 120.0
_LOOK_EVERY_S = 0.2


# What writes checkpoints by Hadoop's older interface. By the newer one, which Spark takes where it
# can, Hadoop's own class starts a process for each look at a file of a local disk, 20 of them a
# batch; HDFS and object stores start none by either.
_MANAGER_KEY = "spark.sql.streaming.checkpointFileManagerClass"
_PACKAGE = "org.apache.spark.sql.execution.streaming"
_MANAGERS = tuple(
    f"{package}.FileSystemBasedCheckpointFileManager"
    for package in (f"{_PACKAGE}.checkpointing", _PACKAGE)
)


@dataclass(frozen=True)
class Streamed:
    """A streaming query: what it computes, or what it does with each batch.

    ``as_remote`` writes its checkpoint without processes, as on HDFS and object stores.
    """

    query: "Callable[[DataFrame], DataFrame] | None"
    each_batch: "Callable[[DataFrame, int], None] | None" = None
    as_remote: bool = False


def stream(spark: "SparkSession", streamed: Streamed, rows: int, batches: int) -> list[float]:
    """Run a query over batches of so many rows; milliseconds of each but the first ones."""
    data = (
        spark.readStream.format("rate-micro-batch")
        .option("rowsPerBatch", rows)
        .option("numPartitions", 2)
        .load()
    )
    made = data if streamed.query is None else streamed.query(data)
    name = f"bench_{uuid4().hex}"
    with (
        tempfile.TemporaryDirectory(prefix="hydrofoil-bench-") as folder,
        use_conf(spark, _without_processes(spark) if streamed.as_remote else {}),
    ):
        writer = made.writeStream.option("checkpointLocation", folder)
        if streamed.each_batch is None:
            writer = writer.format("memory").queryName(name)
        else:
            writer = writer.foreachBatch(streamed.each_batch)
        query = writer.start()
        try:
            deadline = time.monotonic() + _PATIENCE_S
            took: dict[int, float] = {}
            while len(took) < _WARM_UP + batches:
                if query.exception() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"a stream stopped early: {query.exception()}")
                time.sleep(_LOOK_EVERY_S)
                # Cheap to ask for: who looks at all batches all the time slows them down.
                last = query.lastProgress
                if last is None or last["batchId"] < _WARM_UP + batches:
                    continue
                for progress in query.recentProgress:
                    if progress["numInputRows"]:
                        took[progress["batchId"]] = progress["durationMs"]["triggerExecution"]
        finally:
            query.stop()
    spark.catalog.dropTempView(name)
    return [took[number] for number in sorted(took)][_WARM_UP : _WARM_UP + batches]


def _without_processes(spark: "SparkSession") -> dict[str, str]:
    utils = spark._jvm.org.apache.spark.util.Utils  # type: ignore[union-attr]
    [manager] = [name for name in _MANAGERS if utils.classIsLoadable(name)]
    return {_MANAGER_KEY: manager}
