"""A contestant of a benchmark in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def child(
    module: str,
    folder: str,
    form: str,
    name: str,
    rows: int,
    runs: int,
    tree: str | None = None,
) -> str:
    """Run one contestant of a benchmark in a process of its own; return its last line.

    ``tree`` is a checkout whose code it runs, in place of this one's.
    """
    environment = dict(os.environ)
    if tree is not None:
        environment["PYTHONPATH"] = str(Path(tree) / "src")
    options = ["--rows", str(rows), "--runs", str(runs), "--one", folder, form, name]
    done = subprocess.run(
        [sys.executable, "-m", module, *options],
        stdout=subprocess.PIPE,
        check=True,
        env=environment,
    )
    return done.stdout.decode().strip().rpartition("\n")[2]
