"""The quarantine table where tasks run twice: each row that failed is there once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from doctor.cluster import standalone

import hydrofoil

APP = Path(__file__).parent / "apps" / "lost_executor.py"
SOURCES = Path(hydrofoil.__file__).parents[1]
ROWS = 1_000_000


@pytest.mark.slow
def test_an_executor_is_lost(tmp_path: Path) -> None:
    # Spark has no second attempt of a task on the host of the first.
    with standalone(tmp_path, workers=2, cores=4, apart=True) as master:
        done = subprocess.run(
            [sys.executable, str(APP), master, str(tmp_path)],
            env=os.environ | {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(SOURCES)},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    found = json.loads(lines[0].removeprefix("FOUND "))
    bad = list(range(13, ROWS, 1000))
    assert found["rows"] == ROWS
    assert found["good"] == ROWS - len(bad)
    assert found["sum"] == sum(range(ROWS)) - sum(bad)
    assert found["bad"] == bad
    assert found["places"] == [[n // 125_000, n % 125_000] for n in bad]
    assert found["counts"] == [len(bad), ROWS]
    # What has happened meanwhile: a second attempt, and partitions that were computed once more.
    assert (tmp_path / "killed").exists() and (tmp_path / "second").exists()
    assert found["stages"] > 1
    assert f"hydrofoil: 1,000 rows of {ROWS:,} failed in parse (ValueError 1,000)" in done.stderr
