"""The smoke of an installed package says when a half is missing. `make smoke` and `make wheels` run
it on wheels.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SMOKE = Path(__file__).with_name("smoke.py")
PACKAGE = Path(__file__).parents[2] / "src/hydrofoil"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("jars/*.jar", "smoke: the package has no jar"),
        ("_cext/rows.*.so", "No module named 'hydrofoil._cext.rows'"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, said: str) -> None:
    package = tmp_path / "hydrofoil"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    found = list(package.glob(missing))
    assert found, "there is nothing to take away: run make build jar"
    for path in found:
        path.unlink()
    done = subprocess.run(
        [sys.executable, SMOKE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
