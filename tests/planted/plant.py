"""``make planted``: plants a bug of each kind in a copy of the tree, and runs what should find it.

Fails where a bug is not found, or no longer fits into the code; else it says what found it, and how
long that took.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "planted"
SECONDS = 600
# What has been compiled: only what is changed is compiled again.
COMPILED = ("build/cext", "build/sanitized", "build/fuzz")


@dataclass(frozen=True)
class Bug:
    """A change of one place, and the tool that has to fail because of it.

    Attributes
    ----------
    arguments : list of str
        Of Python, that run the tool.
    sign : str
        What it says then.
    """

    path: str
    right: str
    wrong: str
    tool: str
    arguments: list[str]
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
        [".ci/sanitize.py", "tests/unit/cext/test_ownership.py", "-x"],
        "heap-use-after-free",
    ),
    "a missing bounds check": Bug(
        "cext/hydrofoil/_cext/frames.pyx",
        "if at < 0 or count < 0 or at + count > self.size:",
        "if at < 0 or count < 0:",
        "make fuzz",
        ["tests/fuzz/run.py", "frames", "--seconds=300"],
        "SUMMARY: AddressSanitizer",
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
        "tests/fuzz, in make test",
        ["-m", "pytest", "-q", "tests/fuzz", "-k", "worker"],
        "AssertionError: ('",
    ),
}


def copied(name: str) -> Path:
    """A copy of the tree, with what has been compiled, and its times."""
    copy = FOLDER / name.replace(" ", "-")
    shutil.rmtree(copy, ignore_errors=True)
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
    ).stdout.split("\0")
    core = (str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.so"))
    for file in filter(None, [*tracked, *core]):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, copy / file)
    for folder in COMPILED:
        if (ROOT / folder).is_dir():
            left = shutil.ignore_patterns("corpus", "faults", "*.log")
            shutil.copytree(ROOT / folder, copy / folder, ignore=left)
    return copy


def found(name: str, bug: Bug) -> bool:
    """Whether the tool fails because of the bug."""
    copy = copied(name)
    text = (copy / bug.path).read_text()
    if text.count(bug.right) != 1:
        sys.exit(f"planted: {bug.path} no longer has the place of {name}")
    (copy / bug.path).write_text(text.replace(bug.right, bug.wrong))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *bug.arguments],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    took = time.monotonic() - began
    if done.returncode and bug.sign in done.stdout:
        print(f"{name}: found by {bug.tool} in {took:.0f} s, with what was compiled again")
        return True
    print(f"{name}: NOT found by {bug.tool}, which ended with\n{done.stdout[-3000:]}")
    return False


def main() -> None:
    asked = sys.argv[1:] or list(BUGS)
    sys.exit(not all([found(name, BUGS[name]) for name in asked]))


if __name__ == "__main__":
    main()
