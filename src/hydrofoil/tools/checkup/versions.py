"""THE table of versions that work, by Spark line, and checks of a process's packages against it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hydrofoil.spark.caps import LINES
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Finding, Level


@dataclass(frozen=True)
class Needs:
    """What a Spark line and Hydrofoil need. ``below`` is the first version not yet supported."""

    java: int
    python: str
    pyarrow: str
    pandas: str
    pandas_below: str
    numpy: str


# A lower bound is the higher one of Spark's and Hydrofoil's own.
_NEWEST = Needs(
    java=17,
    python="3.11",
    pyarrow="18.0.0",
    pandas="2.2.0",
    pandas_below="3",
    numpy="1.26",
)
NEEDS = {
    "4.3": _NEWEST,
    "4.2": replace(_NEWEST, python="3.10"),
    "4.1": replace(_NEWEST, python="3.10", pyarrow="15.0.0"),
    "4.0": replace(_NEWEST, python="3.10", pyarrow="15.0.0", pandas="2.0.0"),
    "3.5": replace(_NEWEST, python="3.10", java=8, pyarrow="15.0.0", pandas="2.0.0"),
}


def release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (2, 3) for "2.3rc1"."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else ()


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def needs_of(spark: str | None) -> Needs:
    """Return the needs of a Spark version; of the newest known line for any other."""
    newest = max(NEEDS, key=release)
    return NEEDS.get(minor(spark or newest), NEEDS[newest])


def supported_spark() -> str:
    return ", ".join(LINES)


def check_packages(process: Facts, spark: str | None, where: str) -> Iterator[Finding]:
    """Check Python, pyarrow, NumPy and pandas of a process; ``where`` names it in the advice."""
    needs = needs_of(spark)
    line = minor(spark or max(NEEDS, key=release))
    yield from _check_python(process, spark, where)
    for name, low, below in (
        ("pyarrow", needs.pyarrow, None),
        ("numpy", needs.numpy, None),
        ("pandas", needs.pandas, needs.pandas_below),
    ):
        yield _check_package(process, name, low, below, line, where)


def _check_python(process: Facts, spark: str | None, where: str) -> Iterator[Finding]:
    found = f"{process.python} ({process.executable})"
    who = f"Hydrofoil on Spark {minor(spark)}" if spark else "Hydrofoil"
    # Without a Spark there is nothing yet that needs more than the oldest Python.
    lines = [needs_of(spark)] if spark else NEEDS.values()
    needed = min((needs.python for needs in lines), key=release)
    if release(process.python) < release(needed):
        yield Finding(
            "Python",
            Level.BROKEN,
            found,
            f"{who} needs Python {needed} or newer {where}: make an environment with one and point "
            "PYSPARK_PYTHON to it",
        )
    else:
        yield Finding("Python", Level.OK, found)


def _check_package(
    process: Facts, name: str, low: str, below: str | None, line: str, where: str
) -> Finding:
    package = process.packages[name]
    wanted = f'"{name}>={low}{f",<{below}" if below else ""}"'
    install = f"{process.executable} -m pip install {wanted}"
    if package.version is None:
        found = "not installed" if package.missing else f"can't be imported: {package.error}"
        if package.recorded is not None:
            found = f"{package.recorded} {found}"
        return Finding(name, Level.BROKEN, found, _why_needed(name) + f"{install} {where}")
    found = f"{package.version} ({package.folder})"
    if release(package.version) < release(low):
        return Finding(
            name,
            Level.BROKEN,
            found,
            f"too old, since Hydrofoil on Spark {line} needs {name} {low} or newer: {install} "
            f"{where}",
        )
    if below is not None and release(package.version) >= release(below):
        return Finding(
            name,
            Level.WARNING,
            found,
            f"Spark {line} does not fully support {name} {below} yet: {install} {where}",
        )
    if package.recorded not in (None, package.version):
        return Finding(
            name,
            Level.WARNING,
            f"{found}, but its metadata says {package.recorded}",
            f"two installations are mixed: {process.executable} -m pip install "
            f"--force-reinstall {wanted} {where}",
        )
    return Finding(name, Level.OK, found)


def _why_needed(name: str) -> str:
    if name != "pandas":
        return ""
    return "functions of pandas and toPandas() fail, and PySpark pickles the rows of plain ones: "
