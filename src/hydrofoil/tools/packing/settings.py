"""The Spark settings that have executors, and the driver, use an archive."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from hydrofoil.settings import plugin
from hydrofoil.tools.packing.environment import Environment

ARCHIVES_KEY = "spark.archives"
PYTHON_KEY = "spark.pyspark.python"
DRIVER_KEY = "spark.pyspark.driver.python"

# Spark unpacks the archive in the working directory of executors, under this name.
NAME = "environment"
PYTHON = f"./{NAME}/bin/python"


def client(
    archive: Path, environment: Environment, jar: Path, present: Mapping[str, str]
) -> dict[str, str]:
    """Return what spark-submit needs where the driver runs on this host, in the environment."""
    made = cluster(archive, jar, present)
    return {**made, DRIVER_KEY: str(environment.python)}


def cluster(archive: Path, jar: Path, present: Mapping[str, str]) -> dict[str, str]:
    """Return what it needs where the driver runs on the cluster, which unpacks it there as well.

    Parameters
    ----------
    archive, jar : Path
    present : mapping
        Settings that the user has made already, to whose lists Hydrofoil's items are added.
    """
    archives = [item for part in present.get(ARCHIVES_KEY, "").split(",") if (item := part.strip())]
    return {
        ARCHIVES_KEY: ",".join([*archives, f"{_named(archive)}#{NAME}"]),
        PYTHON_KEY: PYTHON,
        **plugin.additions(present, jar),
    }


def _named(archive: Path) -> str:
    """The archive as Spark finds it with a name behind it, which it takes for one only in a URI: a
    path with a blank is none."""
    path = str(archive)
    return path if quote(path) == path else archive.as_uri()
