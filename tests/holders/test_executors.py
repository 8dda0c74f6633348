"""Executors of one host share models, and each device has its own, by Spark's addresses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_executors_of_a_host_share_a_model_for_each_device(tmp_path: Path) -> None:
    script = tmp_path / "devices"
    script.write_text("""#!/bin/sh\necho '{"name": "gpu", "addresses": ["0", "1"]}'\n""")
    script.chmod(0o755)
    app = Path(__file__).with_name("cluster_app.py")
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        [sys.executable, str(app), str(script)],
        env=variables,
        capture_output=True,
        text=True,
        timeout=240,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    models = [line.split() for line in done.stdout.splitlines()]
    assert sorted(device for _, device in models) == ["0", "1"]
