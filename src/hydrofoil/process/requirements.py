"""What is missing in this Python for PySpark's Arrow or for Hydrofoil, and what to do about it.

The ranges are those of `hydrofoil.process.needs`. The daemon, workers, the decorators'
`explain` and ``hydrofoil explain`` all say the same.
"""

import importlib
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hydrofoil.process import switch
from hydrofoil.process.needs import needs_of

# What the JVM's record batches need in a worker, and what nothing of Hydrofoil runs without.
FOR_ARROW = ("pyarrow", "pandas")
_FOR_HYDROFOIL = ("numpy", "pyarrow")


@dataclass(frozen=True)
class Missing:
    """A package that this Python lacks, and the command that brings it."""

    name: str
    what: str
    install: str

    def __str__(self) -> str:
        return f"{self.name} {self.what} for {sys.executable}: {self.install}"


def missing_for_arrow(spark: str | None = None) -> list[Missing]:
    """What PySpark needs to exchange record batches with Python functions, and this Python lacks.

    Without either, PySpark makes pickled functions of plain ones (up to 3.5 it raises), and every
    function of pandas or Arrow fails.

    Parameters
    ----------
    spark : str, optional
        The version of Spark; by default that of the installed PySpark.

    Returns
    -------
    list of Missing
        Empty where all is there. Nothing is imported that is not imported already.
    """
    return [Missing(n, "is not installed", install(n, spark)) for n in FOR_ARROW if not is_there(n)]


def is_there(name: str) -> bool:
    """Whether a package is installed; stubs leave a folder that can be imported, and is none."""
    if name in sys.modules:
        return True
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None


def install(name: str, spark: str | None = None) -> str:
    """The command that installs the versions of a package that a Spark version takes."""
    if spark is None:
        from pyspark.version import __version__ as spark
    needs = needs_of(spark)
    lowest = {"pyarrow": needs.pyarrow, "numpy": needs.numpy, "pandas": needs.pandas}[name]
    below = f",<{needs.pandas_below}" if name == "pandas" else ""
    return f'{sys.executable} -m pip install "{name}>={lowest}{below}"'


def lacking() -> str | None:
    """What a worker that Hydrofoil has been loaded in still lacks, for one line on stderr."""
    missing = missing_for_arrow()
    if not missing:
        return None
    names = " and ".join(one.name for one in missing)
    todo = " and ".join(one.install for one in missing)
    return (
        f"{names} {missing[0].what} for {sys.executable}, so functions of pandas fail, and where "
        f"the driver lacks it too PySpark pickles the rows of plain ones; {todo} on this host"
    )


def why_stock(error: BaseException) -> str:
    """Why Hydrofoil can't be loaded in this process, and what to do, for one line on stderr."""
    why, todo = _package() or _extension(error) or _unknown(error)
    return f"{why}, so stock PySpark's worker runs instead; {todo}, or set {switch.VARIABLE}=off"


def _package() -> tuple[str, str] | None:
    for name in _FOR_HYDROFOIL:
        if not is_there(name):
            return f"{name} is not installed for {sys.executable}", f"{install(name)} on this host"
        # What has been imported is not the fault; what fails here failed before.
        try:
            importlib.import_module(name)
        except Exception as error:
            again = install(name).replace("pip install", "pip install --force-reinstall")
            why = f"{name} can't be imported by {sys.executable} ({_text(error)})"
            return why, f"{again} on this host"
    return None


def _extension(error: BaseException) -> tuple[str, str] | None:
    if not isinstance(error, ImportError) or not str(error.name).startswith("hydrofoil._cext"):
        return None
    package = Path(__file__).parents[1]
    built = {file.name.partition(".")[2] for file in (package / "_cext").glob("*.so")}
    core = f"a core built for {', '.join(sorted(built))}" if built else "no compiled core"
    version = ".".join(map(str, sys.version_info[:2]))
    return (
        f"hydrofoil in {package} has {core}, which {sys.executable} can't load ({_text(error)})",
        f"install the driver's version of hydrofoil, built for Python {version}, on this host",
    )


def _unknown(error: BaseException) -> tuple[str, str]:
    return (
        f"can't be loaded ({_text(error)})",
        f"install the driver's version of hydrofoil for {sys.executable} on this host",
    )


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
