"""What the doctor knows of a Python process, driver or worker."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydrofoil.tools.checkup.application import probe
from hydrofoil.tools.programs import ended

_PROBE_SECONDS = 120

# Run a script without its folder, or this one, on the path: Python 3.10 has no option -P for that.
_RUN = """
import runpy, sys
sys.path[:] = filter(None, sys.path)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@dataclass(frozen=True)
class Package:
    """An import of a package: its version, or why it failed."""

    version: str | None
    recorded: str | None
    file: str | None
    error: str | None

    @property
    def folder(self) -> str | None:
        """Where it is installed."""
        return self.file and str(Path(self.file).parent)

    @property
    def missing(self) -> bool:
        """Whether there is none, as opposed to one that can't be imported."""
        return self.error is not None and self.error.startswith("ModuleNotFoundError: No module")


@dataclass(frozen=True)
class Extension:
    """The compiled core: the file that was loaded, or why not, and the files that are there."""

    file: str | None
    error: str | None
    built: list[str]


@dataclass(frozen=True)
class Facts:
    """One Python process; ``worker`` is None for the driver."""

    host: str
    executable: str
    python: str
    packages: dict[str, Package]
    extension: Extension
    environment: dict[str, str]
    worker: str | None

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Facts":
        """Read what `probe.facts` returned."""
        packages = {name: Package(**package) for name, package in found["packages"].items()}
        extension = Extension(**found["extension"])
        return cls(**(found | {"packages": packages, "extension": extension}))


def of_this_python() -> Facts | str:
    """Probe this Python in a process of its own, which may crash; a string says how it did."""
    path = os.pathsep.join(filter(None, sys.path))
    return of_python(sys.executable, {**os.environ, "PYTHONPATH": path})


def of_python(program: str, environment: Mapping[str, str]) -> Facts | str:
    """Probe a Python with an environment; a string says how it ended if it did not answer."""
    command = [program, "-c", _RUN, str(Path(probe.__file__))]
    done = ended(command, _PROBE_SECONDS, environment)
    if isinstance(done, str):
        return f"importing the packages failed: {done}"
    try:
        return Facts.of(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        last = done.stderr.strip().splitlines()[-1:] or ["nothing on stderr"]
        return f"importing the packages ended Python with status {done.returncode}: {last[0]}"
