"""Checks of a process's Python and packages against the table of versions that work."""

from collections.abc import Iterator

from hydrofoil.process.needs import NEEDS, minor, needs_of, release
from hydrofoil.spark.versions import VERSIONS
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Finding, Level


def supported_spark() -> str:
    return ", ".join(VERSIONS)


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
