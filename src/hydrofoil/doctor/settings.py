"""The Spark settings that a program started here would have, and where each comes from."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hydrofoil.cli.spark_command import spark_home
from hydrofoil.errors import UsageError
from hydrofoil.launch import settings as launch_settings

SUBMIT_ARGUMENTS = "PYSPARK_SUBMIT_ARGS"
CONFIGURED = "hydrofoil.configure"


@dataclass(frozen=True)
class Setting:
    """A value and the file, variable or option that gives it."""

    value: str
    source: str


Settings = Mapping[str, Setting]


def gather(given: Mapping[str, str], configured: bool) -> dict[str, Setting]:
    """Collect settings in Spark's own order, later ones winning.

    Parameters
    ----------
    given : mapping
        What ``--conf`` asks for.
    configured : bool
        Whether the program calls `hydrofoil.configure` or is started by ``hydrofoil submit``.
    """
    found: dict[str, Setting] = {}
    file = defaults_file()
    if file is not None and file.is_file():
        defaults = parse_properties(file.read_text(encoding="utf-8", errors="replace"))
        found |= {key: Setting(value, str(file)) for key, value in defaults.items()}
    arguments = parse_arguments(os.environ.get(SUBMIT_ARGUMENTS, ""))
    found |= {key: Setting(value, SUBMIT_ARGUMENTS) for key, value in arguments.items()}
    if configured:
        added = launch_settings()
        found |= {key: Setting(value, CONFIGURED) for key, value in added.items()}
    return found | {key: Setting(value, "--conf") for key, value in given.items()}


def defaults_file() -> Path | None:
    """Return where spark-defaults.conf would be; None if there is no Spark."""
    folder = os.environ.get("SPARK_CONF_DIR")
    if folder:
        return Path(folder, "spark-defaults.conf")
    try:
        return spark_home() / "conf" / "spark-defaults.conf"
    except (UsageError, ImportError, ValueError):
        return None


def parse_properties(text: str) -> dict[str, str]:
    """Read lines of a key and a value, with blanks, ``=`` or ``:`` between them."""
    found = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] in "#!":
            continue
        end = next((i for i, character in enumerate(line) if character in "=: \t"), len(line))
        rest = line[end:].strip()
        found[line[:end]] = rest[1:].strip() if rest[:1] in ("=", ":") else rest
    return found


def parse_arguments(text: str) -> dict[str, str]:
    """Read the settings in the options of spark-submit; what can't be split holds none."""
    try:
        words = shlex.split(text)
    except ValueError:
        return {}
    found = {}
    for option, word in pairwise(words):
        if option in ("--conf", "-c") and "=" in word:
            key, _, value = word.partition("=")
            found[key] = value
    return found
