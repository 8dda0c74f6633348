"""A task that failed, run again in this process, without Spark's JVM."""

import io
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hydrofoil.failures.located import Located
from hydrofoil.failures.place import Detail
from hydrofoil.recordings.recording import ENVIRONMENT, Recording


class CantRunError(ValueError):
    """What is installed here can't run the task."""


@dataclass(frozen=True)
class Failed:
    """An error of a function.

    Attributes
    ----------
    error : BaseException
        With its notes, and a traceback whose frames have their variables.
    functions : sequence of callables
        All of the task.
    detail : Detail or None
        What is known of the call.
    """

    error: BaseException
    functions: Sequence[Any]
    detail: Detail | None


def run_again(recording: Recording) -> Failed | None:
    """Run a task on Hydrofoil's worker.

    Parameters
    ----------
    recording : Recording
        One that `hydrofoil.failures.kept` made, or any other.

    Returns
    -------
    Failed or None
        None where the functions do not fail here.

    Raises
    ------
    CantRunError
        The recording was made by a Python or a Spark version that this one can't stand in for.
    """
    _check(recording)
    from hydrofoil.worker import main

    failed: list[Failed] = []

    def watch(error: BaseException, functions: Sequence[Any], detail: Detail | None) -> None:
        failed.append(Failed(error, functions, detail))

    answer = io.BytesIO()
    with _as_recorded(recording, watch):
        try:
            main(io.BytesIO(recording.data), answer)
        except SystemExit:
            pass
        except Exception as error:
            # Behind what was kept there is no more of the input.
            if not isinstance(error, EOFError) and not failed:
                raise
    return failed[0] if failed else None


def _check(recording: Recording) -> None:
    import pyspark

    for name, there, here in (
        ("Python", recording.python, platform.python_version()),
        ("PySpark", recording.spark, pyspark.__version__),
    ):
        if there.split(".")[:2] != here.split(".")[:2]:
            raise CantRunError(
                f"the task ran on {name} {there}, and this is {here}: its functions can't be "
                f"loaded here; use an environment with {name} {'.'.join(there.split('.')[:2])}"
            )


@contextmanager
def _as_recorded(recording: Recording, watch: Callable[..., None]) -> Iterator[None]:
    before = dict(os.environ)
    for name in ENVIRONMENT:
        os.environ.pop(name, None)
    os.environ.update(recording.environment)
    _take_zone()
    # Modules that functions refer to are looked for where a program would look for them.
    sys.path.insert(0, os.getcwd())
    failure = recording.failure
    Located.left_out = (failure.get("items", 0), failure.get("rows", 0))
    Located.watch = watch
    try:
        yield
    finally:
        Located.left_out, Located.watch = (0, 0), None
        os.environ.clear()
        os.environ.update(before)
        _take_zone()


def _take_zone() -> None:
    """Have the C library, and so Python, take the zone in TZ, which it has read already."""
    if hasattr(time, "tzset"):
        time.tzset()
