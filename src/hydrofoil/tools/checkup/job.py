"""Running the small job with spark-submit, as the user's own program would be."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hydrofoil.settings.spark_command import bin_folder
from hydrofoil.settings.user_conf import spark_home
from hydrofoil.tools.checkup.application import probe
from hydrofoil.tools.checkup.facts import Facts

# Given before the user's settings, which win. The job is over before optimized code pays.
DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.task.maxFailures": "1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}

# In the log of a JVM that ended before the driver could say why.
_THROWN = re.compile(r"\b\w+(Exception|Error)\b|^error:", re.IGNORECASE)
_LAST_LINES = 5


@dataclass(frozen=True)
class Outcome:
    """What the tasks found, one entry a task; the number of hosts; why the job failed.

    After a failure, what there is of the tasks is from a second run, on stock workers.
    """

    processes: list[Facts]
    hosts: int
    error: str | None


def run(master: str, conf: Mapping[str, str], timeout: float, on_this_python: bool) -> Outcome:
    """Run the job.

    Parameters
    ----------
    master : str
        As for spark-submit.
    conf : mapping
        Spark settings beside those of spark-defaults.conf.
    timeout : float
        Seconds after which the job counts as failed.
    on_this_python : bool
        Whether workers use this Python where nothing names another, as `hydrofoil.configure` sees
        to; otherwise they use the ``python3`` that is first on PATH, which is this Python's folder
        where they run on this machine.

    Raises
    ------
    UsageError
        No Spark is installed.
    """
    # As an activated virtual environment has it, and as `hydrofoil submit` starts programs.
    path = os.pathsep.join([bin_folder(), os.environ.get("PATH", "")])
    environment = {**os.environ, "PYSPARK_DRIVER_PYTHON": sys.executable, "PATH": path}
    environment.pop("PYSPARK_SUBMIT_ARGS", None)  # `conf` has what it says.
    if on_this_python:
        environment.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = DEFAULTS | dict(conf) | {"spark.pyspark.driver.python": sys.executable}
    options = [word for item in settings.items() for word in ("--conf", "=".join(item))]
    submit = str(spark_home() / "bin" / "spark-submit")
    script = str(Path(probe.__file__).with_name("job.py"))
    with tempfile.TemporaryDirectory(prefix="hydrofoil-doctor-") as folder:
        answer, log = Path(folder, "answer.json"), Path(folder, "log")
        command = [submit, "--master", master, "--deploy-mode", "client", *options]
        with log.open("wb") as stream:
            # In the user's own folder, where paths in settings and variables may begin.
            process = subprocess.Popen(
                [*command, script, str(answer)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=environment,
                start_new_session=True,
            )
            late = _wait(process, timeout)
        return _read(answer, log, f"no answer after {timeout:g} s" if late else None)


def _wait(process: "subprocess.Popen[bytes]", timeout: float) -> bool:
    """Wait for the JVM and the driver; end both, and return True, if they take too long."""
    try:
        process.wait(timeout)
        return False
    except subprocess.TimeoutExpired:
        return True
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(answer: Path, log: Path, problem: str | None) -> Outcome:
    if answer.is_file():
        found = json.loads(answer.read_text(encoding="utf-8"))
        processes = [Facts.of(process) for process in found["processes"]]
        return Outcome(processes, found["hosts"], found["error"])
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line for line in lines if not line.lstrip().startswith(("at ", "... "))]
    thrown = [line for line in told if _THROWN.search(line)]
    return Outcome([], 0, "\n".join(filter(None, [problem, *(thrown or told)[-_LAST_LINES:]])))
