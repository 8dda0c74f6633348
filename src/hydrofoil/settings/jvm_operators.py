"""The JVM's half: the jar whose operators exchange columns with Python, and how Spark loads it.

It works with the workers of stock PySpark too, as Hydrofoil's work without it. While a session
runs, ``spark.hydrofoil.columnar.enabled`` turns it off and on again.
"""

import os
import sys
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.settings.user_conf import JARS_KEY, spark_home, spark_version

EXTENSION = "org.hydrofoil.spark.HydrofoilExtensions"
EXTENSIONS_KEY = "spark.sql.extensions"
ENABLED_KEY = "spark.hydrofoil.columnar.enabled"
CLASS_PATH_KEY = "spark.driver.extraClassPath"
# Settings that hold lists, to which Hydrofoil adds.
KEYS = (JARS_KEY, EXTENSIONS_KEY)

_JAR = "hydrofoil-spark.jar"


def jar() -> Path | None:
    """Return the jar of this installation, or None if it was built without one."""
    return jar_in(Path(__file__).parents[1])


def jar_in(package: Path) -> Path | None:
    """Return the jar of a ``hydrofoil`` package by its folder, or None if it has none."""
    path = package / "jars" / _JAR
    return path if path.is_file() else None


@cache
def spark_lines(path: Path) -> tuple[str, ...]:
    """Return the minor versions of Spark, such as 4.3, that a jar has operators for."""
    with zipfile.ZipFile(path) as archive:
        manifest = archive.read("META-INF/MANIFEST.MF").decode()
    entries = dict(line.split(": ", 1) for line in manifest.splitlines() if line)
    return tuple(entries["Spark-Versions"].split())


def why_not(version: str | None) -> str | None:
    """Return why the operators can't be used on a version of Spark; None if they can."""
    path = jar()
    if path is None:
        return (
            f"this installation has no jars/{_JAR}: install a wheel, or run make jar in a checkout"
        )
    if version is None:
        return "no Spark was found to load them"
    return left_out_by(version)


def left_out_by(version: str | None) -> str | None:
    """Return why a version of Spark leaves the operators out where settings name them.

    None if it does not, or if that can't be known: without a version, or a jar here.
    """
    path = jar()
    if path is None or version is None:
        return None
    lines = spark_lines(path)
    if ".".join(version.split(".")[:2]) in lines:
        return None
    return f"Spark {version} is not one of those that they are for ({', '.join(lines)})"


def settings(columnar: bool | None, present: Mapping[str, str]) -> dict[str, str]:
    """Return the Spark settings that turn the operators on, beside what the user has set.

    Parameters
    ----------
    columnar : bool, optional
        Whether to turn them on; by default where that is possible, and where it is not, one line
        on stderr says why.
    present : mapping
        The settings that the session would have. To lists among them Hydrofoil's items are added.

    Raises
    ------
    UsageError
        ``columnar`` is True, and they can't be turned on.
    """
    if columnar is False:
        return {}
    reason = why_not(spark_version())
    if reason is None:
        return additions(present)
    if columnar:
        raise UsageError(
            f"columnar=True, but {reason}", hint="leave it out, or install a build that has them"
        )
    _say(f"hydrofoil: the JVM's columnar operators are off: {reason}")
    return {}


def additions(present: Mapping[str, str], path: Path | None = None) -> dict[str, str]:
    """Return `KEYS` with the user's items and Hydrofoil's: this installation's jar, or ``path``."""
    path = path or jar()
    assert path is not None
    made = {EXTENSIONS_KEY: with_extension(present)}
    jars = _items(present.get(JARS_KEY, ""))
    if not is_given(present):
        made[JARS_KEY] = ",".join([*jars, str(path)])
    return made


def with_extension(present: Mapping[str, str]) -> str:
    """Return the list of extensions with the user's and Hydrofoil's."""
    extensions = _items(present.get(EXTENSIONS_KEY, ""))
    return ",".join(dict.fromkeys([*extensions, EXTENSION]))


def is_given(present: Mapping[str, str]) -> bool:
    """Whether Spark finds a jar of Hydrofoil's: by a setting, or in its own folder of jars."""
    jars = _items(present.get(JARS_KEY, ""))
    jars += present.get(CLASS_PATH_KEY, "").split(os.pathsep)
    return (
        any(name.endswith(f"/{_JAR}") for name in jars) or (spark_home() / "jars" / _JAR).exists()
    )


def is_on(present: Mapping[str, str]) -> bool:
    """Whether a session with these settings has the extension, and it is not disabled."""
    enabled = present.get(ENABLED_KEY, "true").strip().lower() != "false"
    return enabled and EXTENSION in _items(present.get(EXTENSIONS_KEY, ""))


def load_into(jvm: Any) -> None:
    """Have a JVM that runs already find the jar's classes, for the next SparkContext in it.

    Spark itself looks at ``spark.jars`` for the driver only when it starts the JVM.
    """
    path = jar()
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    url = jvm.java.io.File(str(path)).toURI().toURL()
    # Spark's own loader for what users add.
    if url not in list(loader.getURLs()):
        loader.addURL(url)


def _items(value: str) -> list[str]:
    return [item for part in value.split(",") if (item := part.strip())]


@cache
def _say(line: str) -> None:
    print(line, file=sys.stderr)
