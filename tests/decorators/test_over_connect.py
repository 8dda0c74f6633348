"""Every decorator through Spark Connect, whose server runs on stock's workers, then on ours."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyspark
import pytest

pytestmark = pytest.mark.skipif(
    pyspark.__version__.startswith("3."), reason="Spark 3.5's server is no part of PySpark"
)

CLIENT = Path(__file__).with_name("decorators_client.py")
EXPECTED = {
    "udf": [[[name, amount]] for amount, name in enumerate(["", "a", "aa", "aaa"])],
    "udf.sql": [[""], ["a"], ["aa"], ["aaa"]],
    "async_udf": [[["0", 0]], [["None", 1]], [["2", 2]], [["3", 3]]],
    "async_udf.limits": (
        "limited() has limits that all tasks share, or remembers answers, and a Spark Connect "
        "client has no driver beside it that could keep them"
    ),
    "pandas_udf": [[0.0], [None], [1.0], [1.5]],
    "pandas_udf.aggregate": [[0, 2], [1, 3]],
    "arrow_udf": [[1], [None], [3], [4]],
    "arrow_udf.sql": [[1], [None], [3], [4]],
    "numpy_udf": [[0.0], [None], [2 / 3], [0.75]],
    "numpy_udf.named": [[0.0], [0.5], [2 / 3], [0.75]],
    "batch_udf": [[1.0], [2.0], [3.0], [4.0]],
    "batch_udf.shared": [[1.0], [2.0], [3.0], [4.0]],
    "aggregate": [[0, 1.0], [1, 3.0]],
    "not deterministic": [[0.0], [0.5], [1.0], [1.5]],
    "torch_udf": [[0], [None], [-2], [-3]],
}


def results(daemon: str, folder: Path) -> dict[str, Any]:
    """What the client got from a server with this daemon."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(CLIENT), daemon],
        # PySpark then lets the server take any free port.
        env=os.environ | {"SPARK_TESTING": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULTS ")]
    assert lines, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    made: dict[str, Any] = json.loads(lines[0].removeprefix("RESULTS "))
    return made


@pytest.mark.parametrize(
    "daemon", [pytest.param("pyspark.daemon", marks=pytest.mark.slow), "hydrofoil.daemon"]
)
def test_every_decorator(daemon: str, tmp_path: Path) -> None:
    found = results(daemon, tmp_path)
    grouped = found.pop("group_by")
    assert [row[:2] for row in grouped] == [[0, 1.0], [1, 3.0]]
    assert [row[2] for row in grouped] == [[pytest.approx(0)], [pytest.approx(1, rel=0.01)]]
    assert found == {name: EXPECTED[name] for name in found}
    assert EXPECTED.keys() - found.keys() <= {"torch_udf"}
