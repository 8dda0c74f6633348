"""Functions that a Spark Connect client sends are compiled by its server, if that is asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).with_name("connect_client.py")


@pytest.mark.slow
@pytest.mark.parametrize("on", [True, False])
def test_a_client(on: bool, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(CLIENT), str(on).lower()],
        # PySpark then lets the server take any free port.
        env=os.environ | {"SPARK_TESTING": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULTS ")]
    assert lines, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    expected = [on, ["low", "low", "2!", "3!"]]
    found = json.loads(lines[0].removeprefix("RESULTS "))
    assert found == {"udf": expected, "registered": expected}
