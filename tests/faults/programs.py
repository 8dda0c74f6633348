"""Programs of `apps` that run in processes of their own, and what they have seen."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def seen(command: Sequence[str | Path], folder: Path) -> Any:
    """Run a program in a folder; return what it prints behind ``SEEN``, which is JSON."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"SPARK_CONF_DIR": str(folder)},
        timeout=300,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert len(said) == 1, done.stdout + done.stderr[-4000:]
    return json.loads(said[0].removeprefix("SEEN "))
