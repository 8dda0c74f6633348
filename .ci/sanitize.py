"""``make sanitize``: builds the core with sanitizers, and runs tests under them.

``python .ci/sanitize.py [PYTEST ARGUMENT ...]``. Without arguments: what finds most in two minutes.
With SANITIZE=long in the environment: all tests of the core, its slow ones too, those of what uses
it within a process, many examples; and all that again with the checks of Python's allocator.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "build" / "sanitized"
SHORT = ["tests/unit/cext/test_ownership.py", "tests/unit/cext/test_records.py"]
SHORT += [f"tests/unit/cext/test_{name}.py" for name in ("frames", "split", "export", "text")]
SHORT += ["tests/fuzz", "-m", "not slow"]
# Slow tests are among them.
LONG = ["tests/unit/cext", "tests/unit/evals", "tests/unit/dataframes", "tests/fuzz"]
LONG += [f"tests/unit/test_{name}.py" for name in ("stock_framing", "stream_batches")]
EXAMPLES = "4000"


def build() -> None:
    # To optimize takes longer than the tests are slower without.
    switches = {"HYDROFOIL_SANITIZE": "1", "HYDROFOIL_OPTIMIZE": "0"}
    BUILT.mkdir(parents=True, exist_ok=True)
    for path in (ROOT / "src").rglob("*"):
        copy = BUILT / path.relative_to(ROOT / "src")
        if path.is_file() and path.suffix in (".py", ".js"):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    folders = [f"--build-lib={BUILT}", f"--build-temp={BUILT / 'temp'}"]
    command = [sys.executable, "setup.py", "-q", "build_ext", *folders]
    subprocess.run(command, cwd=ROOT, env=os.environ | switches, check=True)


def is_long() -> bool:
    return os.environ.get("SANITIZE") == "long"


def preloaded() -> str:
    compiler = os.environ.get("CC", "cc")
    found = (
        subprocess.run(
            [compiler, f"-print-file-name={name}"], stdout=subprocess.PIPE, check=True, text=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    )
    return " ".join(found)


def sanitized() -> dict[str, str]:
    return {
        "LD_PRELOAD": preloaded(),
        # What Python itself holds at its end would be called lost.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        # Python's own allocator would hide what is written beyond a string.
        "PYTHONMALLOC": "malloc",
    }


def run(tests: list[str], environment: dict[str, str], package: Path) -> int:
    # A test may ask which core it runs on.
    examples = {"HYDROFOIL_EXAMPLES": EXAMPLES} if is_long() else {}
    # What the sanitizers say goes past Python.
    how = ["-q", "-p", "no:cacheprovider", "--capture=sys"]
    command = [sys.executable, "-m", "pytest", *how, *tests]
    path = {"PYTHONPATH": str(package)}
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | examples | environment | path, check=False
    ).returncode


def main() -> None:
    asked = sys.argv[1:]
    build()
    tests = asked or (LONG if is_long() else SHORT)
    failed = run(tests, sanitized(), BUILT)
    if is_long():
        failed |= run(tests, {"PYTHONMALLOC": "debug", "PYTHONDEVMODE": "0"}, ROOT / "src")
    sys.exit(failed)


if __name__ == "__main__":
    main()
