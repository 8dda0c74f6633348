"""Workers that die, on a real Spark: its error says why, in which function, partition and row."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from failures import dying
from hydrofoil.deaths.verdict import MARK
from hydrofoil.tools.cli import main

# Where a program can make groups of processes, and limit their memory.
GROUPS = Path("/sys/fs/cgroup")
CRASHED = "Python worker exited unexpectedly (crashed): "
HERE = dying.VERSION

ROW = r"in parse \(\S*dying\.py:\d+\), partition 1, near row 742$"

# What is said of each behind "worker N died: ".
SAID = {
    "exit": rf"code of the task ended it with exit status 3 \(os\._exit\), {ROW}",
    "exit, pickled": rf"code of the task ended it with exit status 0 \(os\._exit\), {ROW}",
    "exit, without the JVM's half": (
        rf"code of the task ended it with exit status 2 \(os\._exit\), {ROW}"
    ),
    "connection closed": (
        r"it ended with exit status [01], for its connection to the JVM was closed or failed, "
        # It goes on until it has to write.
        r"last in parse \(\S*dying\.py:\d+\), partition 1, near row \d+$"
    ),
    "segmentation fault": (
        r"segmentation fault \(SIGSEGV\) in libc\S*, called from _ctypes\S* "
        rf"at \S*ctypes\S*:\d+ in string_at, {ROW}"
    ),
    "abort": rf"aborted \(SIGABRT\) at \S*dying\.py:\d+ in parse, {ROW}",
    "SIGKILL": rf"killed by SIGKILL from outside, not for memory .*, {ROW}",
    "SIGTERM": rf"ended by SIGTERM, by Spark's idle timeout or from outside .*, {ROW}",
    "recursion in C": (
        r"segmentation fault \(SIGSEGV\).* after 100 calls or more within each other "
        rf"at \S*dying\.py:\d+ in .*, {ROW}"
    ),
    "memory by setting": rf"over spark\.hydrofoil\.worker\.memory: \S+ of 600 MiB, {ROW}",
    "second of two": (
        r"code of the task ended it with exit status 4 \(os\._exit\), "
        r"in after \(\S*dying\.py:\d+\), partition 1, near row 742$"
    ),
    "pandas_udf": (
        r"code of the task ended it with exit status 5 \(os\._exit\), "
        r"in series \(\S*dying\.py:\d+\), partition 1, batch 7 \(rows 700 to 799\)$"
    ),
    "applyInPandas": (
        r"code of the task ended it with exit status 6 \(os\._exit\), "
        r"in whole \(\S*dying\.py:\d+\), partition \d+, group \d+$"
    ),
    "mapInPandas": (
        r"code of the task ended it with exit status 7 \(os\._exit\), "
        r"in batches \(\S*dying\.py:\d+\), partition 1, batch 7 \(rows 700 to 799\)$"
    ),
    "table function": (
        r"code of the task ended it with exit status 9 \(os\._exit\), "
        r"in Split, partition 1, near row 742$"
    ),
    "RDD": (
        r"code of the task ended it with exit status 10 \(os\._exit\), "
        r"in a function of an RDD, partition 1$"
    ),
    "unpickling": (
        r"code of the task ended it with exit status 8 \(os\._exit\), "
        r"before it ran functions of its task$"
    ),
    "idle timeout": rf"ended by SIGTERM, by Spark's idle timeout or from outside .*, {ROW}",
    "memory by cgroup": (
        rf"killed for memory at 400 of 400 MiB of its cgroup \(its memory had reached .*\), {ROW}"
    ),
}
CASES = [
    name
    for name in SAID
    if (name != "idle timeout" or HERE >= (4, 1)) and name != "memory by cgroup"
]


@dataclass(frozen=True)
class Died:
    """What an application said: of each death what Spark's error was, and its executor's log."""

    errors: dict[str, str]
    log: Path


@contextmanager
def limited_group() -> Iterator[Path | None]:
    """A group of processes that may have 400 MiB; None where none can be made."""
    name = f"hydrofoil-{uuid4().hex}"
    second = (GROUPS / "cgroup.controllers").exists()
    group = GROUPS / name if second else GROUPS / "memory" / name
    try:
        group.mkdir()
        limit = "memory.max" if second else "memory.limit_in_bytes"
        (group / limit).write_text(str(400 << 20))
    except OSError:
        yield None
        return
    yield group
    # The processes have ended, or it could not be removed.
    group.rmdir()


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Died]:
    folder = tmp_path_factory.mktemp("dying")
    with limited_group() as group, (folder / "log").open("w") as log:
        done = subprocess.run(
            [sys.executable, dying.__file__, "-" if group is None else str(group)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            timeout=300,
            check=False,
            env=os.environ | {"PYSPARK_PYTHON": sys.executable},
        )
    assert done.returncode == 0, (folder / "log").read_text()[-8000:]
    yield Died(json.loads(done.stdout), folder / "log")


def verdict(error: str) -> str:
    [line] = {line for line in error.splitlines() if MARK in line}
    return line.partition(" died: ")[2]


@pytest.mark.parametrize("name", CASES)
def test_the_error_says_why_and_where(died: Died, name: str) -> None:
    error = died.errors[name]
    assert re.search(SAID[name], verdict(error)), error
    if name == "idle timeout":
        assert (
            "Python worker process terminated due to idle timeout (timeout: 1 seconds): " in error
        )
    else:
        assert CRASHED in error


def test_killed_for_memory(died: Died) -> None:
    name = "memory by cgroup"
    if name not in died.errors:
        pytest.skip("no group of processes with a limit of memory can be made here")
    assert re.search(SAID[name], verdict(died.errors[name])), died.errors[name]


def test_pythons_stack_comes_first(died: Died) -> None:
    error = died.errors["segmentation fault"]
    assert f"{CRASHED}Fatal Python error: Segmentation fault" in error
    assert error.index("in parse\n") < error.index(MARK)


def test_a_deadlock_after_a_fork_is_named_once_with_its_stack(died: Died) -> None:
    log = died.log.read_text()
    # Of each thread there is one, with empty lines between them.
    said = rf"{MARK}\d+ is slow: for \d+ s it has been (.*); its stack:\n((?:(?!{MARK}).*\n)*)"
    slow = re.findall(said, log)
    # Beside it there is that which the idle timeout ends.
    [place] = [place for place, stack in slow if "in deadlock\n" in stack]
    assert re.fullmatch(ROW, place), place
    # Spark 3.5's own operators have no such metric.
    assert f"slow rows in the UI: {[] if HERE < (4, 0) else ['1']}" in log


def test_the_doctor_finds_them_in_the_log(died: Died) -> None:
    done = CliRunner().invoke(main, ["doctor", "--app", str(died.log)])
    assert done.exit_code == 1
    for error in died.errors.values():
        assert f"died: {verdict(error)}\n" in done.output
    assert re.search(r"^worker \d+ is slow: for \d+ s it has been in parse ", done.output, re.M)
    # Of each partition one is lost where functions can't be unpickled.
    said = set(re.findall(rf"{MARK}\d+ died: .*", died.log.read_text()))
    assert f"{len(said)} workers died, " in done.output
