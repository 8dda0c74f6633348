"""One run of a program under one engine, its workers profiled into a folder."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hydrofoil import daemon
from hydrofoil.process import switch
from hydrofoil.settings.spark_command import spark_command
from hydrofoil.tools.profiling import account, sampler
from hydrofoil.tools.programs import exit_code

ENGINES = ("stock", "Hydrofoil")
DAEMON = "hydrofoil.tools.profiling.daemon"

LOG = "spark.log"

_PATIENCE = 30.0


@dataclass(frozen=True)
class Sampling:
    """How stacks are taken: see `hydrofoil.tools.profiling.sampler`; "" is by what can be had."""

    choice: str = ""
    rate: int = 100


def run_program(args: Sequence[str], engine: str, folder: Path, sampling: Sampling) -> int:
    """Run spark-submit with ``args``, its log in `LOG` of the folder; returns its exit code.

    Stock's workers are chosen by ``HYDROFOIL=off``, so that a program which turns Hydrofoil on
    itself runs under both, too.

    Raises
    ------
    UsageError
        No Spark is installed.
    """
    variables = variables_of(engine, folder, sampling)
    added = {f"spark.executorEnv.{name}": value for name, value in variables.items()}
    added["spark.python.use.daemon"] = "true"
    options = [word for item in added.items() for word in ("--conf", "=".join(item))]
    with environment(variables):
        command, environ = spark_command("spark-submit", [*options, *args])
        try:
            with (folder / LOG).open("wb") as log:
                return exit_code(command, environ, log)
        finally:
            wait_for(folder)


def variables_of(engine: str, folder: Path, sampling: Sampling) -> dict[str, str]:
    """The environment of a run's daemon."""
    return {
        switch.VARIABLE: "off" if engine == "stock" else "on",
        daemon.IN_PLACE: DAEMON,
        account.FOLDER: str(folder),
        sampler.CHOICE: sampling.choice,
        sampler.RATE: str(sampling.rate),
    }


def wait_for(folder: Path) -> None:
    """Wait until the watchers of ended workers have written what they saw."""
    deadline = time.monotonic() + _PATIENCE
    for path in folder.glob(f"worker-*{account.SUFFIX}"):
        stem = path.with_suffix("")
        while _is_awaited(path, stem) and time.monotonic() < deadline:
            time.sleep(0.05)


def _is_awaited(path: Path, stem: Path) -> bool:
    if sampler.beside(stem, "clock").exists():
        return False
    return any(record.get("sampler") == sampler.PY_SPY for record in account.read(path))


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the time of the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
