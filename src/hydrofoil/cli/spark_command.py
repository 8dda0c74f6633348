"""Handing the process over to one of Spark's own commands with Hydrofoil turned on."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from hydrofoil.errors import UsageError
from hydrofoil.launch import settings


def replace_process(command: str, args: Sequence[str], rows: str | None = None) -> NoReturn:
    """Become `spark_command`.

    Raises
    ------
    UsageError
        No Spark is installed, or not that command; or ``rows`` is no way to exchange rows.
    """
    words, environment = spark_command(command, args, rows)
    sys.stdout.flush()
    os.execve(words[0], words, environment)


def spark_command(
    command: str, args: Sequence[str], rows: str | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return the command line and environment of one of Spark's commands with Hydrofoil on.

    ``command`` is a file of Spark's bin folder; ``args`` stand behind Hydrofoil's settings.
    Spark takes the last of two equal settings, so what the user asks for wins. The driver runs on
    this Python unless the environment names another; its folder goes in front of ``PATH``, as
    activating a virtual environment does, so that local workers find the same one.

    Raises
    ------
    UsageError
        No Spark is installed, or not that command.
    """
    path = spark_home() / "bin" / command
    if not path.is_file():
        raise UsageError(f"{path} does not exist", hint="set SPARK_HOME to a Spark installation")
    environment = dict(os.environ, PATH=os.pathsep.join([bin_folder(), os.environ.get("PATH", "")]))
    if not environment.get("PYSPARK_PYTHON"):
        environment.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    options = [word for item in settings(rows).items() for word in ("--conf", "=".join(item))]
    return [str(path), *options, *args], environment


def spark_home() -> Path:
    """Return SPARK_HOME, or the folder of the installed pyspark where that is not set."""
    if os.environ.get("SPARK_HOME"):
        return Path(os.environ["SPARK_HOME"])
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise UsageError(
            "no Spark found: SPARK_HOME is not set and pyspark is not installed for "
            f"{sys.executable}",
            hint='set SPARK_HOME, or pip install "hydrofoil[spark]"',
        )
    return Path(spec.origin).parent


def bin_folder() -> str:
    return str(Path(sys.executable).parent)
