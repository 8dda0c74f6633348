"""Whether an environment has what executors need of it, and all of it inside."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from hydrofoil.process.needs import minor
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.installing import PYSPARK
from hydrofoil.spark.versions import VERSIONS
from hydrofoil.tools.checkup import facts, installation, versions
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Finding, Level
from hydrofoil.tools.packing.environment import Environment

WHERE = "in the environment"

# What would have the environment's Python import from elsewhere, as executors' never does.
_HIDDEN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


def check(environment: Environment) -> tuple[Facts | None, list[Finding]]:
    """Return what the environment's Python has, None if it did not say, and what is wrong."""
    variables = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    found = facts.of_python(str(environment.python), variables)
    if isinstance(found, str):
        advice = "reinstall the package that it names, or make the environment again"
        return None, [Finding("Python", Level.BROKEN, found, advice)]
    spark = found.packages["pyspark"].version
    return found, [
        *versions.check_packages(found, spark, WHERE),
        _check_driver(found),
        _check_pyspark(found),
        installation.check_hydrofoil(found),
        installation.check_extension(found, WHERE),
        _check_jar(found),
        *_check_inside(environment, found),
        *_check_editable(environment),
    ]


def jar(found: Facts) -> Path | None:
    """Return the jar in an environment, or None."""
    folder = found.packages["hydrofoil"].folder
    return jvm_operators.jar_in(Path(folder)) if folder else None


def _check_driver(found: Facts) -> Finding:
    """PySpark runs no function on another minor version of Python than the driver's."""
    here = ".".join(map(str, sys.version_info[:2]))
    what = f"needs Python {minor(found.python)}, as executors will have"
    if minor(found.python) == here:
        return Finding("driver", Level.OK, what)
    return Finding(
        "driver",
        Level.WARNING,
        f"{what}; this command runs on {here}",
        f"run the driver by {found.executable}, or in cluster mode by the archive",
    )


def _check_pyspark(found: Facts) -> Finding:
    package = found.packages["pyspark"]
    if package.version is None:
        return Finding(
            "pyspark",
            Level.WARNING,
            "not installed" if package.missing else f"can't be imported: {package.error}",
            "executors get it from their Spark; without it nothing here can say for which "
            f"version of Spark the rest is: {found.executable} -m {PYSPARK}",
        )
    if minor(package.version) not in VERSIONS:
        return Finding(
            "pyspark",
            Level.WARNING,
            f"{package.version} ({package.folder})",
            f"this release of Hydrofoil speeds up Spark {versions.supported_spark()}",
        )
    return Finding("pyspark", Level.OK, f"{package.version} ({package.folder})")


def _check_jar(found: Facts) -> Finding:
    path = jar(found)
    if path is None:
        return Finding(
            "jar",
            Level.BROKEN,
            "the environment's Hydrofoil has no jar, which holds the plugin",
            "install a wheel that has it; HYDROFOIL_WITHOUT_JAR=1 builds one without",
        )
    return Finding("jar", Level.OK, str(path))


def _check_inside(environment: Environment, found: Facts) -> Iterator[Finding]:
    """What is imported from elsewhere would be missing on executors."""
    for name, package in found.packages.items():
        if package.folder and not Path(package.folder).is_relative_to(environment.folder):
            yield Finding(
                name,
                Level.BROKEN,
                f"is in {package.folder}, outside of the environment, and would be left out",
                f"{found.executable} -m pip install --force-reinstall it there, not as editable, "
                "and make the environment without --system-site-packages",
            )


def _check_editable(environment: Environment) -> Iterator[Finding]:
    """Editable packages are links to a folder elsewhere, by files of several kinds."""
    for file in environment.folder.glob("lib/python*/site-packages/*.dist-info/direct_url.json"):
        origin = json.loads(file.read_text(encoding="utf-8"))
        if origin.get("dir_info", {}).get("editable"):
            name = file.parent.name.partition("-")[0]
            yield Finding(
                name,
                Level.BROKEN,
                f"is installed as editable, from {origin.get('url')}, and would be left out",
                f"{environment.python} -m pip install that folder without --editable",
            )
