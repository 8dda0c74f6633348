"""The types that a user's program sees."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("program.py")


def test_program_passes_the_type_checker(tmp_path: Path) -> None:
    """An ignored error that is none fails too: ``--strict`` warns of unused ignores."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", str(PROGRAM)]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_public_names_are_typed() -> None:
    """Every public name is known to the type checker, not only to ``__getattr__``."""
    import hydrofoil

    source = Path(hydrofoil.__file__).read_text(encoding="utf-8")
    imported = source.split("if TYPE_CHECKING:")[1].split("__version__")[0]
    for name in hydrofoil._PUBLIC:
        assert name in imported, f"{name} has no import under TYPE_CHECKING in hydrofoil/__init__"
