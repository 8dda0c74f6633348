"""The types that a user's program sees."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("program.py")
ROOT = Path(__file__).parents[2]


def test_program_passes_the_type_checker() -> None:
    """An ignored error that is none fails too: ``strict`` warns of unused ignores.

    By the project's settings, so that what `make lint` knows of the libraries is not found again.
    """
    command = [sys.executable, "-m", "mypy", str(PROGRAM)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_public_names_are_typed() -> None:
    """Every public name is known to the type checker, not only to ``__getattr__``."""
    import hydrofoil

    source = Path(hydrofoil.__file__).read_text(encoding="utf-8")
    imported = source.split("if TYPE_CHECKING:")[1].split("__version__")[0]
    for name in hydrofoil._PUBLIC:
        assert name in imported, f"{name} has no import under TYPE_CHECKING in hydrofoil/__init__"
