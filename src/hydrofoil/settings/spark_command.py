"""Handing the process over to one of Spark's own commands with Hydrofoil turned on."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hydrofoil.errors import UsageError
from hydrofoil.settings.jvm_operators import KEYS
from hydrofoil.settings.launch import settings
from hydrofoil.settings.user_conf import conf_of, spark_home, with_conf


def replace_process(
    command: str, args: Sequence[str], rows: str | None = None, columnar: bool | None = None
) -> NoReturn:
    """Become `spark_command`.

    Raises
    ------
    UsageError
        No Spark is installed, or not that command; ``rows`` is no way to exchange rows; or there
        are no operators for ``columnar=True``.
    """
    words, environment = spark_command(command, args, rows, columnar)
    sys.stdout.flush()
    os.execve(words[0], words, environment)


def spark_command(
    command: str, args: Sequence[str], rows: str | None = None, columnar: bool | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return the command line and environment of one of Spark's commands with Hydrofoil on.

    ``command`` is a file of Spark's bin folder; ``args`` stand behind Hydrofoil's settings.
    Spark takes the last of two equal settings, so what the user asks for wins; to a list that the
    user gives, Hydrofoil's items are added in place. The driver runs on this Python unless the
    environment names another; its folder goes in front of ``PATH``, as activating a virtual
    environment does, so that local workers find the same one.

    Raises
    ------
    UsageError
        No Spark is installed, or not that command.
    """
    path = spark_home() / "bin" / command
    if not path.is_file():
        raise UsageError(f"{path} does not exist", hint="set SPARK_HOME to a Spark installation")
    added = settings(rows, columnar, conf_of(args))
    options = [word for item in added.items() for word in ("--conf", "=".join(item))]
    lists = {key: added[key] for key in KEYS if key in added}
    return [str(path), *options, *with_conf(args, lists)], on_this_python()


def on_this_python() -> dict[str, str]:
    """Return an environment in which the driver and local workers run this Python.

    Unless the environment names another. A cluster's executors keep theirs, to which this one's
    path says nothing.
    """
    environment = dict(os.environ, PATH=os.pathsep.join([bin_folder(), os.environ.get("PATH", "")]))
    if not environment.get("PYSPARK_PYTHON"):
        environment.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    return environment


def bin_folder() -> str:
    return str(Path(sys.executable).parent)
