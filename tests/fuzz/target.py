"""What targets have in common: a module of `targets` has a function ``one`` that tries an input.

It returns, also where the input is refused as it should be; whatever it raises is a fault. Targets
run in a fuzzer's process (``make fuzz``) and, with the kept inputs, in a plain Python (`replay`).
"""

import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"

Target = Callable[[bytes], None]


def names() -> list[str]:
    """All targets."""
    return sorted(path.stem for path in (HERE / "targets").glob("[a-z]*.py"))


def target(name: str) -> Target:
    """The function that tries an input."""
    one: Target = import_module(f"fuzz.targets.{name}").one
    return one


def guarded(name: str) -> Target:
    """The same for a fuzzer, which sees a fault where the process aborts."""
    one = target(name)

    def run(data: bytes) -> None:
        try:
            one(data)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os.abort()

    return run


def kept(name: str) -> dict[str, bytes]:
    """A target's kept inputs, by their files' names."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).iterdir())}
