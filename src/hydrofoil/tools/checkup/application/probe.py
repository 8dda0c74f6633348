"""What one Python process has: versions, the extension, variables, and which worker it is.

Tasks run this where Hydrofoil may be missing, so it needs the standard library alone and is sent by
value. As a script it prints the facts of the Python that runs it.
"""

import importlib
import json
import os
import socket
import sys
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGES = ("hydrofoil", "pyspark", "pyarrow", "pandas", "numpy")

# Between them, these load every module of the extension.
CORE = (
    "hydrofoil._cext.rows",
    "hydrofoil._cext.udtf",
    "hydrofoil._cext.arrays.read",
    "hydrofoil._cext.arrays.write",
)

VARIABLES = ("HYDROFOIL", "HYDROFOIL_TRACE", "PYTHON_UDF_BATCH_SIZE")

# Long enough for the other slots to take a task too.
HOLD_SECONDS = 0.3


def answer(_: object) -> str:
    """Return the facts of a worker, for one row."""
    started = time.monotonic()
    found = facts()
    time.sleep(max(0.0, HOLD_SECONDS - (time.monotonic() - started)))
    return json.dumps(found)


def facts() -> dict[str, Any]:
    """Describe this process in JSON's terms."""
    worker = running_worker()  # Before this imports anything of Hydrofoil itself.
    return {
        "host": socket.gethostname(),
        "executable": sys.executable,
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": {name: package(name) for name in PACKAGES},
        "extension": extension(),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "worker": worker,
    }


def package(name: str) -> dict[str, Any]:
    """Import a package. ``recorded`` is the version in its metadata, ``version`` its own word."""
    found: dict[str, Any] = {"version": None, "recorded": None, "file": None, "error": None}
    try:
        found["recorded"] = metadata.version(name)
    except Exception:
        found["recorded"] = None  # Not installed, or put on the path by hand.
    try:
        module = importlib.import_module(name)
        found["version"] = str(module.__version__)
        found["file"] = module.__file__
    except (Exception, SystemExit) as error:
        found["error"] = f"{type(error).__name__}: {error}"
    return found


def extension() -> dict[str, Any]:
    """Load the extension. ``built`` names the files of its first module, whoever can load them."""
    found: dict[str, Any] = {"file": None, "error": None, "built": []}
    try:
        spec = find_spec("hydrofoil")
        for folder in (spec and spec.submodule_search_locations) or ():
            found["built"] += sorted(file.name for file in Path(folder, "_cext").glob("rows.*.so"))
        for name in CORE:
            importlib.import_module(name)
        found["file"] = sys.modules[CORE[0]].__file__
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
    return found


def running_worker() -> str | None:
    """Say whose code has called this one: "hydrofoil", "stock", or None outside of a worker."""
    names = []
    frame = sys._getframe()
    while frame is not None:
        names.append(str(frame.f_globals.get("__name__")))
        frame = frame.f_back  # type: ignore[assignment]
    if any(name.startswith(("hydrofoil.spark.", "hydrofoil.evals.")) for name in names):
        return "hydrofoil"
    inside = any(name.startswith("pyspark.") for name in [*names, *sys.orig_argv])
    return "stock" if inside else None


if __name__ == "__main__":
    print(json.dumps(facts()))
