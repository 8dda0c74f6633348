"""Functions that wait over two hosts: a rate, and an executor that is lost in the midst of calls.

Is given a master, the service's address, a folder and what to do; prints what it has found as JSON.
"""

import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from waiting.caller import Caller

import hydrofoil

master, address, folder, what = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
rate, calls, tasks = (int(one) for one in sys.argv[5:8])
killed = str(folder / "killed")
remember = folder / "answers.db"

CONF = {
    "spark.driver.host": "127.0.0.1",
    "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"],
    "spark.ui.enabled": "false",
}


def end_executor() -> None:
    """Kill this worker's executor, once."""
    try:
        os.close(os.open(killed, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    Path(killed).write_text(str(time.time()))
    pid = os.getppid()
    while Path(f"/proc/{pid}/comm").read_text().strip() != "java":
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(pid, signal.SIGKILL)


async def ask(x: int, *, client: Any) -> str:
    """Ask, and in one place end the executor first."""
    if what == "kill" and x == calls // tasks // 2:
        end_executor()
    answer: str = await client.get(f"/ask?x={x}&ms=100")
    return answer


async def client() -> AsyncIterator[Caller]:
    """Connections to the service."""
    made = Caller(address)
    yield made
    made.close()


def main() -> None:
    """Run it."""
    spark = hydrofoil.session(master, conf=CONF)
    spark.sparkContext.setLogLevel("OFF")
    options: dict[str, Any] = {"rate": f"{rate}/s"}
    if what == "kill":
        options["remember"] = remember
    function = hydrofoil.async_udf(ask, **options)
    function.setup(client)
    # Workers are there before it is measured.
    spark.range(0, 10 * tasks, 1, tasks).select(
        hydrofoil.udf(lambda x: x, "bigint")("id")
    ).collect()
    began = time.time()
    rows = spark.range(0, calls, 1, tasks).select(function("id")).collect()
    seconds = time.time() - began
    counts = hydrofoil.waiting_calls(spark)[-1]
    found = {
        "seconds": seconds,
        "right": [row[0] for row in rows] == [f"answer to {x}" for x in range(calls)],
        "counts": [counts.calls, counts.rows, counts.saved],
        "killed": float(Path(killed).read_text()) if what == "kill" else 0.0,
    }
    print("FOUND " + json.dumps(found))
    spark.stop()


main()
