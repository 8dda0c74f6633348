"""Is there a Java that Spark can run on?"""

import os
import re
import shutil

from hydrofoil.tools.checkup.finding import Finding, Level
from hydrofoil.tools.programs import ended

_ANSWER_SECONDS = 60


def check(needed: int) -> Finding:
    """Find the ``java`` that Spark's scripts would start, and ask it for its version."""
    install = (
        f"install a Java runtime, version {needed} or newer (such as the package "
        f"openjdk-{needed}-jre-headless), and set JAVA_HOME to its folder"
    )
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    if java is None:
        return Finding("Java", Level.BROKEN, "no java on PATH, and JAVA_HOME is not set", install)
    if shutil.which(java) is None:
        return Finding("Java", Level.BROKEN, f"JAVA_HOME is {home}, which has no bin/java", install)
    said = _version_output(java)
    major = parse(said)
    if major is None:
        first = (said.strip().splitlines() or ["nothing"])[0]
        return Finding("Java", Level.BROKEN, f"{java} -version says {first!r}", install)
    if major < needed:
        return Finding(
            "Java",
            Level.BROKEN,
            f"version {major} ({java})",
            f"too old, since Spark needs {needed} or newer: {install}",
        )
    return Finding("Java", Level.OK, f"version {major} ({java})")


def parse(said: str) -> int | None:
    """Return the feature version in the output of ``java -version``; 8 for "1.8.0_392"."""
    numbers = re.search(r'version "(\d+)(?:\.(\d+))?', said)
    if numbers is None:
        return None
    old_style = numbers[1] == "1" and numbers[2] is not None
    return int(numbers[2] if old_style else numbers[1])


def _version_output(java: str) -> str:
    done = ended([java, "-version"], _ANSWER_SECONDS)
    # It says so on standard error.
    return done if isinstance(done, str) else done.stderr + done.stdout
