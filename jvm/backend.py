"""The build backend (PEP 517) of pyproject.toml: setuptools', after it has made the jar.

Every sdist and every wheel holds the jar of the JVM's half. A checkout has to compile it, with the
one PySpark whose compiler is used: an isolated build gets it as a requirement. An sdist has the jar
of its sources already, so it needs neither Java nor PySpark.
"""

import sys
from typing import Any, NoReturn

from setuptools import build_meta
from setuptools.build_meta import (
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

import build as jar

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """What the build needs beside the requirements in pyproject.toml."""
    wanted = not (jar.left_out() or jar.is_built())
    # Before setuptools speaks, so that what is missing is the only line; on Windows setup.py stops.
    if wanted and sys.platform != "win32":
        try:
            jar.find_java()
        except jar.BuildError as error:
            _stop(f"{error}.")
    needed = list(build_meta.get_requires_for_build_wheel(config_settings))
    if wanted:
        try:
            jar.find_spark()
        except jar.NoSparkError:
            needed.append(f"pyspark=={jar.spark_release()}")
    return needed


get_requires_for_build_sdist = get_requires_for_build_wheel
get_requires_for_build_editable = get_requires_for_build_wheel


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel that holds the jar."""
    _make_jar()
    return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """Build what points to the checkout, and the jar there."""
    _make_jar()
    return str(build_meta.build_editable(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Build an sdist that holds the jar."""
    _make_jar()
    return str(build_meta.build_sdist(sdist_directory, config_settings))


def _make_jar() -> None:
    """Make the jar before setuptools speaks, so that what is missing is the only line."""
    if jar.left_out():
        print(f"hydrofoil: {jar.WITHOUT_JAR} is set: the JVM's half is left out", file=sys.stderr)
        return
    try:
        jar.build()
    except jar.NoSparkError as error:
        _stop(f"{error}; or build in isolation, which brings it (without --no-build-isolation).")
    except jar.BuildError as error:
        _stop(f"{error}.")


def _stop(error: str) -> NoReturn:
    sys.exit(
        f"hydrofoil: {jar.JAR.name} can't be built: {error} {jar.WITHOUT_JAR}=1 installs without "
        "it: the worker's half is fast, the JVM's half is missing."
    )
