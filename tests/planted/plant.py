"""``make planted``: plants a bug of each kind in a copy of the tree, and runs what should find it.

Fails where a bug is not found, or no longer fits into the code; else it says how long finding took.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "planted"
# What is compiled, and where it is put; with the sanitizers of the C compiler, as `make sanitize`.
SANITIZED = "build/sanitized"
FUZZED = "build/fuzz"


@dataclass(frozen=True)
class Bug:
    """A change of one place, and the command that has to fail because of it.

    Attributes
    ----------
    tool : str
        What finds it.
    sign : str
        What the command says then.
    """

    path: str
    right: str
    wrong: str
    tool: str
    command: list[str]
    sign: str


BUGS = {
    "a dropped reference": Bug(
        "cext/hydrofoil/_cext/objects/base.pyx",
        """            value = <object>PyList_GET_ITEM(values, k)
            if self.write(value) == LEFT:
""",
        """            if self.write(<object>PyList_GET_ITEM(values, k)) == LEFT:
""",
        "make sanitize",
        ["make", "sanitize", "TESTS=tests/unit/cext/test_ownership.py -x -q"],
        "heap-use-after-free",
    ),
    "a missing bounds check": Bug(
        "cext/hydrofoil/_cext/frames.pyx",
        "if at < 0 or count < 0 or at + count > self.size:",
        "if at < 0 or count < 0:",
        "make fuzz",
        ["make", "fuzz", "FUZZ=frames", "FUZZ_SECONDS=300"],
        "heap-buffer-overflow",
    ),
    "a lost reply": Bug(
        "src/hydrofoil/stream/batches.py",
        """            header.check(batch)
            if isinstance(batch, Encoded):
""",
        """            header.check(batch)
            if len(batch) == 4:
                continue
            if isinstance(batch, Encoded):
""",
        "the kept inputs, in make test",
        ["make", "test", "TESTS=tests/fuzz -k worker -q"],
        "AssertionError",
    ),
}


def plant(name: str, bug: Bug) -> tuple[bool, float]:
    """Whether the bug is found, and in how many seconds from the start of the tool."""
    copy = FOLDER / name.replace(" ", "-")
    shutil.rmtree(copy, ignore_errors=True)
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
    ).stdout.split("\0")
    for file in filter(None, tracked):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, copy / file)
    # What has been compiled, so that only what is changed is compiled again.
    for each in ("build", ".venv"):
        ...
    text = (copy / bug.path).read_text()
    if text.count(bug.right) != 1:
        sys.exit(f"planted: {bug.path} no longer has the place of {name!r}")
    (copy / bug.path).write_text(text.replace(bug.right, bug.wrong))
    return run(copy, bug)
