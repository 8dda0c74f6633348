"""A Python environment that is to be packed: of which kind it is, and what it is tied to."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hydrofoil.errors import UsageError

VENV, CONDA = "venv", "conda"


@dataclass(frozen=True)
class Environment:
    """A folder with a Python of its own, made by venv or virtualenv, or by conda."""

    folder: Path
    kind: str

    @property
    def python(self) -> Path:
        """The Python in it."""
        return self.folder / "bin" / "python"

    @property
    def base(self) -> Path | None:
        """The Python outside of it that it can't run without; an environment of conda's has none.

        In an archive, too, a virtual environment names the Python that made it, by its path.
        """
        if self.kind == CONDA:
            return None
        path = self.python
        while path.is_relative_to(self.folder) and path.is_symlink():
            path = Path(os.path.normpath(path.parent / os.readlink(path)))
        if not path.is_relative_to(self.folder):
            return path
        # The program is a copy. The standard library still is that of the original.
        config = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        home = re.search(r"^home\s*=\s*(.*?)\s*$", config, re.MULTILINE)
        return Path(home[1], path.name) if home else None


def find(folder: Path) -> Environment:
    """Look at a folder.

    Raises
    ------
    UsageError
        It is no environment, or its Python can't be started.
    """
    folder = Path(os.path.abspath(folder))
    if (folder / "conda-meta").is_dir():
        found = Environment(folder, CONDA)
    elif (folder / "pyvenv.cfg").is_file():
        found = Environment(folder, VENV)
    else:
        raise UsageError(
            f"{folder} is no Python environment: it has neither pyvenv.cfg nor conda-meta",
            hint="name the folder of one, made by python -m venv or by conda create",
        )
    if not os.access(found.python, os.X_OK):
        leads = f", a link to {os.readlink(found.python)}" if found.python.is_symlink() else ""
        raise UsageError(
            f"{found.python}{leads} can't be started", hint="make the environment again"
        )
    return found
