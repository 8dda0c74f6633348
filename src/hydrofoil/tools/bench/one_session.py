"""What starting Python costs in one session.

Run as ``python -m hydrofoil.tools.bench.one_session ENGINE``; prints
JSON. The session has one slot for each of `WORKERS`, so that as many workers start.
"""

import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hydrofoil.recordings.recording import Recording

DAEMONS = {"stock": "pyspark.daemon", "Hydrofoil": "hydrofoil.daemon"}
WORKERS = 8
# Workers asked for, one after the other, by a daemon of their own.
_NEW_WORKERS = 7


def run_once(engine: str) -> dict[str, float]:
    """All figures of one engine; needs a process without a Spark."""
    from pyspark.sql.functions import udf

    from hydrofoil.tools.replay.recorder import record

    spark = _session(engine)
    spark.sparkContext.setLogLevel("ERROR")
    # The JVM's own first query is not the question.
    spark.range(1000).selectExpr("sum(id + 1)").collect()

    started = time.perf_counter()
    spark.range(0, 1000, 1, 1).select(udf(lambda x: x + 1, "long")("id")).collect()
    first_query = time.perf_counter() - started

    occupy = udf(_hold_worker, "string")
    rows = spark.range(0, WORKERS, 1, WORKERS).select(occupy("id")).collect()
    pids = {int(row[0].split()[0]) for row in rows}
    daemons = {int(row[0].split()[1]) for row in rows}
    if len(pids) != WORKERS:
        raise RuntimeError(f"{len(pids)} workers served {WORKERS} partitions at the same time")
    workers, daemon = (sum(map(_pss, group)) for group in (pids, daemons))

    one_row = spark.range(0, 1, 1, 1).select(udf(lambda x: x + 1, "long")("id"))
    [task] = record(spark, one_row.collect)
    found: Any = spark.range(1).select(udf(_look, "string")("id")).head()
    spark.stop()
    ready = _time_new_workers(engine, task, json.loads(found[0]))
    return {
        "first_query_s": first_query,
        "worker_ready_ms": statistics.median(ready),
        "workers_pss_mb": workers / 1e6,
        "all_pss_mb": (workers + daemon) / 1e6,
    }


def _session(engine: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    from hydrofoil.settings.launch import session

    conf = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    if engine == "Hydrofoil":
        return session(f"local[{WORKERS}]", "hydrofoil bench", conf)
    builder = SparkSession.builder.master(f"local[{WORKERS}]")
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _hold_worker(_: Any) -> str:
    """Keep this worker busy until all of the others have started."""
    import os
    import time

    time.sleep(6)
    return f"{os.getpid()} {os.getppid()}"


def _look(_: Any) -> str:
    """What Spark adds to a worker's environment."""
    import json
    import os

    spark = [name for name in os.environ if name.startswith("SPARK_")]
    return json.dumps({name: os.environ[name] for name in [*spark, "PYTHONPATH"]})


def _time_new_workers(engine: str, task: "Recording", environment: dict[str, str]) -> list[float]:
    """Run one task in each of a few new workers of a daemon, as the JVM asks for them.

    Returns the milliseconds from asking for a worker to the first byte of its answer.
    """
    secret = "startup"
    daemon = subprocess.Popen(
        [sys.executable, "-m", DAEMONS[engine], "pyspark.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ
        | environment
        | task.environment
        | {"PYTHON_WORKER_FACTORY_SECRET": secret, "OMP_NUM_THREADS": "1"},
    )
    assert daemon.stdin is not None and daemon.stdout is not None
    [port] = struct.unpack("!i", daemon.stdout.read(4))
    times = []
    with ExitStack() as open_connections:  # A worker that ends would be in the next one's way.
        for _ in range(_NEW_WORKERS):
            started = time.perf_counter()
            connection = socket.create_connection(("127.0.0.1", port))
            open_connections.enter_context(connection)
            answer = connection.makefile("rb")
            answer.read(4)  # The process id.
            connection.sendall(struct.pack("!i", len(secret)) + secret.encode())
            assert answer.read(6)[4:] == b"ok"
            connection.sendall(task.data)
            assert answer.read(1), f"a worker of {DAEMONS[engine]} ended without an answer"
            times.append(1e3 * (time.perf_counter() - started))
    daemon.stdin.close()
    daemon.wait()
    return times


def _pss(pid: int) -> int:
    """A process's memory in bytes, where a page that n processes share counts 1/n."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("Pss:")]
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(run_once(sys.argv[1])), flush=True)
