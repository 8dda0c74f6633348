"""Do the Pythons that settings and variables name exist on this host, and run?"""

import os
import shutil
from collections.abc import Iterator

from hydrofoil.settings.sources import Settings
from hydrofoil.tools.checkup.finding import Finding, Level
from hydrofoil.tools.programs import ended

DRIVER_KEY = "spark.pyspark.driver.python"
WORKERS_KEY = "spark.pyspark.python"
# Of functions in queries it decides before the others; there is no variable for it.
SQL_KEY = "spark.sql.execution.pyspark.python"
DRIVER_VARIABLE = "PYSPARK_DRIVER_PYTHON"
WORKERS_VARIABLE = "PYSPARK_PYTHON"

_ANSWER = "a Python of major version"
_SECONDS = 60


def check(settings: Settings, master: str) -> Iterator[Finding]:
    """Report what is named and can't run here; what is well is left out.

    Workers of a cluster have their Python on other hosts: the job asks for it there.
    """
    for key, variable, whose in (
        (WORKERS_KEY, WORKERS_VARIABLE, "workers'"),
        (SQL_KEY, None, "workers'"),
        (DRIVER_KEY, DRIVER_VARIABLE, "driver's"),
    ):
        named = _named(settings, key, variable)
        if named is None or (whose == "workers'" and not master.startswith("local")):
            continue
        program, source = named
        # A driver may be started by something else than Python, such as jupyter.
        problem = _problem(program, must_be_python=whose == "workers'")
        if problem:
            yield Finding(
                f"{whose} Python",
                Level.BROKEN,
                f"{source} is {program}, {problem}",
                f"set {source} to the Python of an environment that has Hydrofoil, or leave it out",
            )


def _named(settings: Settings, key: str, variable: str | None) -> tuple[str, str] | None:
    """The program, and what names it: spark-submit takes the setting before the variable."""
    if key in settings:
        return settings[key].value, key
    if variable and os.environ.get(variable):
        return os.environ[variable], variable
    return None


def _problem(program: str, *, must_be_python: bool) -> str:
    found = shutil.which(program)
    if found is None:
        if not os.path.lexists(program):
            return "which does not exist"
        return "which can't be executed"
    if not must_be_python:
        return ""
    command = [found, "-c", f"import sys; print({_ANSWER!r}, sys.version_info[0])"]
    done = ended(command, _SECONDS)
    if isinstance(done, str):
        return f"which can't be run: {done}"
    if done.returncode or _ANSWER not in done.stdout:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        return f"which does not run Python code: exit status {done.returncode}, it says {said}"
    return ""
