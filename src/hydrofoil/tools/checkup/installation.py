"""Spark, Hydrofoil and its extension, as the driver's Python has them."""

import os
import re
import sys
from pathlib import Path

from hydrofoil.process.needs import minor, release
from hydrofoil.settings.installing import PYSPARK, hydrofoil_for
from hydrofoil.spark.versions import VERSIONS
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Finding, Level
from hydrofoil.tools.checkup.versions import supported_spark


def spark_version(driver: Facts) -> str | None:
    """Return the version of pyspark, or of SPARK_HOME's jars where only spark-submit finds it."""
    return driver.packages["pyspark"].version or jars_version(os.environ.get("SPARK_HOME"))


def jars_version(home: str | None) -> str | None:
    """Return the version in the name of Spark's core jar; None if there is none."""
    if not home:
        return None
    for jar in Path(home, "jars").glob("spark-core_*.jar"):
        found = re.fullmatch(r"spark-core_[\d.]+-(.+)\.jar", jar.name)
        if found:
            return found[1]
    return None


def check_spark(driver: Facts) -> Finding:
    """Check that pyspark is there, matches SPARK_HOME, and is one that Hydrofoil speeds up."""
    package = driver.packages["pyspark"]
    home = os.environ.get("SPARK_HOME")
    in_home = jars_version(home)
    install = f"{driver.executable} -m {PYSPARK}"
    if home and in_home is None:
        return Finding(
            "Spark",
            Level.BROKEN,
            f"SPARK_HOME is {home}, which has no jars/spark-core_*.jar",
            "set SPARK_HOME to a Spark installation, or unset it to use the installed pyspark",
        )
    if package.version is None and (in_home is None or not package.missing):
        found = "not installed" if package.missing else f"can't be imported: {package.error}"
        return Finding("Spark", Level.BROKEN, found, f"{install}, or set SPARK_HOME")
    version = package.version or str(in_home)
    found = f"{version} ({package.folder or home})"
    if in_home and package.version and _published(in_home) != _published(package.version):
        return Finding(
            "Spark",
            Level.BROKEN,
            f"pyspark is {package.version}, but SPARK_HOME ({home}) has Spark {in_home}",
            f"unset SPARK_HOME, or {driver.executable} -m pip install "
            f"pyspark=={_published(in_home)}",
        )
    if minor(version) not in VERSIONS:
        return Finding(
            "Spark",
            Level.WARNING,
            found,
            f"this release of Hydrofoil speeds up Spark {supported_spark()}; on any other, "
            "everything runs on stock PySpark: upgrade Hydrofoil or Spark",
        )
    return Finding("Spark", Level.OK, found)


def _published(version: str) -> str:
    """The release that a version is a build of: vendors put names and numbers of theirs behind it,
    and not the same in jars and in pyspark."""
    return ".".join(map(str, release(version)[:3]))


def check_hydrofoil(process: Facts) -> Finding:
    """Check that the package can be imported."""
    package = process.packages["hydrofoil"]
    if package.version is None:
        found = "not installed" if package.missing else f"can't be imported: {package.error}"
        return Finding("Hydrofoil", Level.BROKEN, found, hydrofoil_for(process.executable))
    return Finding("Hydrofoil", Level.OK, f"{package.version} ({package.folder})")


def check_extension(process: Facts, where: str) -> Finding:
    """Check that the compiled core loads; where it doesn't, say what is there instead."""
    extension = process.extension
    if extension.error is None:
        return Finding("extension", Level.OK, f"loads ({extension.file})")
    reinstall = (
        f"install a wheel of Hydrofoil made for Python {minor(process.python)} and this platform "
        f"{where} ({hydrofoil_for(process.executable)}; in a source tree: make build)"
    )
    if not extension.built:
        return Finding(
            "extension",
            Level.BROKEN,
            "missing: the package has no compiled core, so stock PySpark's worker would run",
            reinstall,
        )
    there = ", ".join(extension.built)
    return Finding(
        "extension",
        Level.BROKEN,
        f"can't be loaded ({extension.error}); there is {there}",
        reinstall,
    )


def check_driver_python(problem: str) -> Finding:
    """Report a Python that could not even be probed."""
    return Finding(
        "Python",
        Level.BROKEN,
        problem,
        "import pyspark, pyarrow, numpy and pandas one by one with "
        f"{sys.executable}, and reinstall the one that ends it",
    )
