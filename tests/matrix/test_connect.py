"""Every eval type through Spark Connect, whose server runs on stock's workers, then on ours."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyspark
import pytest

from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.engines import WARM_STOCK
from matrix.test_eval_types import INSTALLED, PythonEvalType, paths

pytestmark = pytest.mark.skipif(
    pyspark.__version__.startswith("3."), reason="Spark 3.5's server is no part of PySpark"
)

TESTS = Path(__file__).parents[1]
# A Connect client has no RDDs; streaming queries' sinks are the server's.
NAMES = [name for name in INSTALLED if name != "NON_UDF" and "STATE" not in name]


def outcomes(daemon: str, folder: Path) -> dict[str, Any]:
    """What comes of each case under a server with this daemon."""
    folder.mkdir()
    found = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "matrix.connect_client",
            daemon,
            str(folder),
            *NAMES,
        ],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(found),
            "HYDROFOIL_TRACE": str(folder / "traces"),
            # PySpark then lets the server take any free port.
            "SPARK_TESTING": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("OUTCOMES ")]
    assert lines, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    made: dict[str, Any] = json.loads(lines[0].removeprefix("OUTCOMES "))
    return made


def test_every_eval_type(tmp_path: Path) -> None:
    stock = outcomes(WARM_STOCK.daemon, tmp_path / "stock")
    ours = outcomes("hydrofoil.daemon", tmp_path / "hydrofoil")
    assert ours == stock
    assert stock["rows"] == ["as the client's own"]
    assert stock["failing"] == ["as they should"]
    failed = {name: outcome for name, outcome in stock.items() if outcome[0].endswith("Exception")}
    assert not failed
    version = installed_version()
    assert version is not None
    for name in NAMES:
        planned = "fast" if getattr(PythonEvalType, name) in version.fast else "stock"
        assert paths(tmp_path / "hydrofoil" / "traces", name) == {planned}, name
