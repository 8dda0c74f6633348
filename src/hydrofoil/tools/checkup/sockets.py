"""Unix sockets between the JVM and its workers: whether they work where they are asked for."""

import os
import re
from collections.abc import Iterator

from hydrofoil.settings.sockets import (
    FOLDER_KEY,
    LONGEST_FOLDER,
    LONGEST_SETTING,
    UNIX_SOCKETS_KEY,
    VARIABLE,
    has_unix_sockets,
)
from hydrofoil.settings.sources import Setting, Settings
from hydrofoil.tools.checkup.finding import Finding, Level

_JAVA_OPTIONS = ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions")


def check(settings: Settings, spark: str | None) -> Iterator[Finding]:
    """Look at the settings of Unix sockets; TCP needs nothing and is not mentioned."""
    asked = settings.get(UNIX_SOCKETS_KEY) or _by_variable()
    if asked is None or asked.value.strip().lower() != "true":
        return
    found = f"Unix sockets ({asked.source})"
    if spark is not None and not has_unix_sockets(spark):
        yield Finding(
            "sockets",
            Level.NOTE,
            f"{found}, which Spark {spark} does not know: it uses TCP",
            f"nothing, or remove {UNIX_SOCKETS_KEY}",
        )
        return
    problem = next(_problems(settings), None)
    if problem is None:
        yield Finding("sockets", Level.OK, found)
    else:
        yield Finding(
            "sockets",
            Level.BROKEN,
            f"{found}: {problem}",
            f"set {FOLDER_KEY} to a short path that each host has, such as /tmp, or remove "
            f"{UNIX_SOCKETS_KEY}: over TCP, small tasks wait for nothing either",
        )


def _by_variable() -> Setting | None:
    value = os.environ.get(VARIABLE)
    return None if value is None else Setting(value, VARIABLE)


def _problems(settings: Settings) -> Iterator[str]:
    folder = settings.get(FOLDER_KEY)
    if folder is not None:
        size = len(folder.value)
        if size > LONGEST_SETTING:
            yield (
                f"{FOLDER_KEY} ({folder.source}) has {size} characters, and Spark takes "
                f"{LONGEST_SETTING}"
            )
        return
    for key in _JAVA_OPTIONS:
        options = settings[key].value if key in settings else ""
        for temporary in re.findall(r"-Djava\.io\.tmpdir=(\S+)", options):
            size = len(os.fsencode(temporary))
            if size > LONGEST_FOLDER:
                yield (
                    f"{key} has Java's temporary folder, where they are put, at a path of {size} "
                    f"bytes, and no socket can have a path that is longer than {LONGEST_FOLDER}, "
                    "without its own name"
                )
