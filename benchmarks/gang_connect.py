"""Gangs over Spark Connect beside classic ones: how long the smallest gang takes, and a question.

    python -m benchmarks.gang_connect [--repeat 10]

Each in a process of its own with a server or driver of its own, on local[2]; medians, after a first
run that starts Python workers.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import click

_MARK = "GANG CONNECT "


def measured(remote: bool, repeat: int) -> dict[str, float]:
    from pyspark.sql import SparkSession

    from hydrofoil import gang

    builder: Any = SparkSession.builder
    builder = builder.remote("local[2]") if remote else builder.master("local[2]")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.python.daemon.module": "hydrofoil.daemon",
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    found = {
        "smallest gang": median(repeat, lambda: gang.run(lambda ctx: ctx.rank, num_tasks=2)),
        "gang that is too large": median(repeat, lambda: too_large(gang)),
    }
    if remote:
        found |= of_questions(spark, repeat)
    spark.stop()
    return found


def of_questions(spark: Any, repeat: int) -> dict[str, float]:
    """A question that is answered at once; what it costs the server's Python, and a hub's start."""
    from hydrofoil.gang.connect.relay import ask
    from hydrofoil.gang.session import session_of

    def start() -> None:
        session_of(spark).hub().__exit__(None, None, None)

    with session_of(spark).hub() as hub:
        one = median(repeat, lambda: ask(spark, "tell", hub.address, hub.secret, _QUESTION))
    return {"question": one, "hub, started and ended": median(repeat, start)}


_QUESTION = {"kind": "driver", "do": [], "wait": 0.0, "seen": None, "there": []}


def too_large(gang: Any) -> None:
    try:
        gang.run(lambda ctx: ctx.rank, num_tasks=99)
    except gang.SlotError:
        return


def median(repeat: int, call: Callable[[], Any]) -> float:
    """Milliseconds."""
    call()
    taken = []
    for _ in range(repeat):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


@click.command()
@click.option("--repeat", default=10, show_default=True, type=click.IntRange(1))
@click.option("--one", type=click.Choice(["classic", "connect"]), hidden=True)
def main(repeat: int, one: str | None) -> None:
    """Measure both, and print a table."""
    if one is not None:
        print(_MARK + json.dumps(measured(one == "connect", repeat)), flush=True)
        return
    found: dict[str, dict[str, float]] = {}
    for kind in ("classic", "connect"):
        command = [sys.executable, "-m", "benchmarks.gang_connect", "--repeat", str(repeat)]
        done = subprocess.run(
            [*command, "--one", kind],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_TESTING": "1"},
        )
        [line] = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
        found[kind] = json.loads(line.removeprefix(_MARK))
    print(f"{'ms':24}{'classic':>10}{'connect':>10}")
    for name, value in found["connect"].items():
        classic = found["classic"].get(name)
        print(f"{name:24}{'' if classic is None else format(classic, '10.0f'):>10}{value:10.0f}")


if __name__ == "__main__":
    main()
