"""Runs the program of apps/cluster.py on a master with two hosts, and reads the service's log."""

import bisect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from doctor.cluster import standalone
from waiting import service

import hydrofoil

APP = Path(__file__).parent / "apps" / "cluster.py"
TESTS = Path(__file__).parents[1]
SOURCES = Path(hydrofoil.__file__).parents[1]


def run(
    folder: Path, what: str, *, rate: int, calls: int, tasks: int
) -> tuple[dict[str, Any], list[list[Any]]]:
    """What the program has found, and the log."""
    # Spark has no second attempt of a task on the host of the first.
    with service.running() as address, standalone(folder, 2, tasks // 2, apart=True) as master:
        done = subprocess.run(
            [
                *(sys.executable, str(APP), master, address, str(folder), what),
                *(str(rate), str(calls), str(tasks)),
            ],
            env=os.environ
            | {
                "PYSPARK_PYTHON": sys.executable,
                "PYTHONPATH": os.pathsep.join([str(SOURCES), str(TESTS)]),
            },
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        log = service.log_of(address)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return json.loads(lines[0].removeprefix("FOUND ")), log


def windows(log: list[list[Any]], seconds: float = 1.0) -> tuple[int, int]:
    """The most requests within any window, and the fewest within one in which all tasks had work.

    Those are the ones from when all have begun, two seconds after the first, to a second before the
    end, when none has more calls than it has begun.
    """
    times = sorted(entry[0] for entry in log)
    counts = [bisect.bisect_left(times, at + seconds) - i for i, at in enumerate(times)]
    inner = [
        # One that begins right behind a request has the fewest.
        count - 1
        for count, at in zip(counts, times, strict=True)
        if times[0] + 2 < at < times[-1] - 1 - seconds
    ]
    return max(counts), min(inner)
