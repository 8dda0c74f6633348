"""Whose time a stack is, and how seconds come to stacks: without Spark."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from hydrofoil.tools.profiling import report, sampler, stacks
from hydrofoil.tools.profiling.attribution import EngineProfile
from hydrofoil.tools.profiling.calls import Deterministic
from hydrofoil.tools.profiling.functions import named, shown
from hydrofoil.tools.profiling.stacks import WORKER, Frame
from hydrofoil.tools.profiling.worker import MARK, codes_of, marked

SITE = "/env/lib/python3.11/site-packages"
WORKER_PY = Frame("read_udfs.<locals>.func", f"{SITE}/pyspark.zip/pyspark/worker.py", 2890)
SPARK_UTIL = Frame("wrapper", f"{SITE}/pyspark/util.py", 130)
CORE = Frame("evaluate", "/src/hydrofoil/_cext/rows.cpython-311-x86_64-linux-gnu.so", 0)
PANDAS = Frame("DataFrame.assign", f"{SITE}/pandas/core/frame.py", 5000)
ROW = Frame("Row.__getattr__", f"{SITE}/pyspark/sql/types.py", 3000)
LIBC = Frame("read", "/usr/lib/x86_64-linux-gnu/libc.so.6", 0)
IMPORT = Frame("_find_and_load", "<frozen importlib._bootstrap>", 1165)
MINE = Frame("mine", "/home/me/app.py", 3)
OTHER = Frame("helper", "/home/me/other.py", 9)
# A project in a folder of Hydrofoil's name.
CHECKOUT = Frame("checked", "/home/me/hydrofoil/tests/checks.py", 4)
# A UDF that is defined in an installed package.
INSTALLED = Frame("score", f"{SITE}/models/score.py", 7)
MARKED = Frame("SQL_ARROW_BATCHED_UDF mine", MARK, 1)
MAIN = Frame("AccountedMain.__call__", WORKER, 60)

CODES = {(MINE.file, "mine", 3): "mine", (INSTALLED.file, "score", 7): "score"}


@pytest.mark.parametrize(
    ("frames", "owner"),
    [
        ((MARKED, WORKER_PY, MINE), "user code"),
        ((MARKED, CORE, MINE, PANDAS, LIBC), "user code"),
        ((MARKED, CORE, INSTALLED), "user code"),
        ((MARKED, CORE, MINE, OTHER), "user code"),
        ((MARKED, CORE, MINE, ROW), "user code"),
        ((MARKED, CORE, MINE, IMPORT), "user code"),
        ((MARKED, CORE, CHECKOUT), "user code"),
        ((MARKED, WORKER_PY, PANDAS), "exchange"),
        ((MARKED, WORKER_PY, ROW), "exchange"),
        ((MARKED, CORE), "exchange"),
        ((MARKED, CORE, LIBC), "exchange"),
        # A user's generator that asks for its next batch.
        ((MARKED, WORKER_PY, MINE, WORKER_PY, PANDAS), "exchange"),
        ((MARKED, WORKER_PY, IMPORT, PANDAS), "start-up"),
        ((MAIN, WORKER_PY), "start-up"),
        ((Frame("manager", f"{SITE}/pyspark/daemon.py", 115), LIBC), "exchange"),
    ],
)
def test_owner(frames: tuple[Frame, ...], owner: str) -> None:
    assert stacks.owner(frames, CODES) == owner


def test_udf_of_a_stack() -> None:
    assert stacks.udf_of((MARKED, CORE, MINE, PANDAS), CODES) == "mine"
    assert stacks.udf_of((MARKED, CORE, LIBC), CODES) is None


def test_codes_of_functions() -> None:
    from functools import partial

    class Callable:
        def __call__(self, x: int) -> int:
            return x

        def method(self) -> None: ...

    def plain() -> None: ...

    code = plain.__code__
    place = [code.co_filename, "plain", code.co_firstlineno]
    assert codes_of(plain) == [place]
    assert codes_of(partial(plain)) == [place]
    assert [found[1] for found in codes_of(Callable())] == ["__call__"]
    assert next(found[1] for found in codes_of(Callable().method)) == "method"
    assert {found[1] for found in codes_of(Callable)} == {"__call__", "method"}
    assert codes_of(len) == []


def write_trace(
    stem: Path, changes: list[tuple[float, str, str]], points: list[list[float]]
) -> None:
    """A trace of changes (time, "B" or "E", name) in a file of the user's, and the CPU clock."""
    events = [
        {"name": name, "ph": kind, "tid": 1, "ts": at * 1e6, "args": {"filename": "a", "line": 1}}
        for at, kind, name in changes
    ]
    sampler.beside(stem, "trace").write_text(json.dumps(events))
    sampler.beside(stem, "clock").write_text(json.dumps({"began": 100.0, "points": points}))


def test_a_stack_counts_for_the_cpu_time_that_was_used_meanwhile(tmp_path: Path) -> None:
    stem = tmp_path / "worker-host-1"
    # f stands for one second, g for two; but the process waited for most of g's.
    changes = [(1.0, "B", "f"), (2.0, "E", "f"), (2.0, "B", "g"), (4.0, "E", "g")]
    write_trace(stem, changes, [[100.0, 0.0], [101.0, 0.0], [102.0, 0.9], [104.0, 1.0]])

    seconds = {stack[-1].name: used for stack, used in stacks.read(stem, None).items()}

    assert seconds == pytest.approx({"f": 0.9, "g": 0.1})
    assert stacks.cpu_at_end(stem) == 1.0


def test_the_clocks_are_set_by_the_loop_that_both_saw(tmp_path: Path) -> None:
    stem = tmp_path / "worker-host-1"
    busy = sampler.busy.__name__
    changes = [(1.0, "B", busy), (1.2, "E", busy), (1.2, "B", "f"), (2.2, "E", "f")]
    write_trace(stem, changes, [[207.0, 0.0], [207.2, 0.2], [208.2, 1.2]])

    seconds = {stack[-1].name: used for stack, used in stacks.read(stem, (207.0, 207.2)).items()}

    assert seconds == pytest.approx({busy: 0.2, "f": 1.0})


def test_names_in_the_table() -> None:
    hidden = Frame("_PyEval_Vector", "/opt/lib/libpython3.11.so.1.0", 0)
    package = Frame("<module>", f"{SITE}/pandas/__init__.py", 1)

    assert shown((MARKED, hidden, WORKER_PY, LIBC)) == (MARKED, WORKER_PY)
    assert [frame.name for frame in shown((MAIN, IMPORT, package, PANDAS))] == ["import pandas"]
    assert named(WORKER_PY) == ("read_udfs.func", "pyspark/worker.py")
    assert named(CORE) == ("evaluate", "hydrofoil/_cext/rows")
    assert named(MINE) == ("mine", "app.py")


def test_cprofile_finds_who_used_the_time(tmp_path: Path) -> None:
    def spin(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    def much() -> None:
        spin(0.08)

    def little() -> None:
        spin(0.02)

    def task() -> None:
        much()
        little()

    calls = Deterministic("cprofile", tmp_path / "worker-host-1.calls", "told so")
    marked("a mark", calls.around(task, "a mark"))()

    found = stacks.read(tmp_path / "worker-host-1", None)
    shares = {stack[-2].name.rpartition(".")[2]: used for stack, used in found.items()}
    assert {stacks.mark_of(stack) for stack in found} == {"a mark"}
    # `spin`'s time is its callers', by what each call of it took.
    assert shares["much"] > 2 * shares["little"] > 0


@pytest.mark.parametrize("choice", ["", "py-spy"])
def test_a_refused_py_spy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    refusing = tmp_path / "py-spy"
    refusing.write_text("#!/bin/sh\necho 'Error: Permission Denied: try root' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(sampler, "_find_py_spy", lambda: str(refusing))
    monkeypatch.setenv(sampler.CHOICE, choice)

    started = sampler.start(tmp_path / "worker-host-1")

    assert "Permission Denied" in started.why
    # By default calls are counted instead; what was asked for by name is not replaced.
    assert started.name == ("none" if choice else "cprofile")


def test_py_spy_watches_until_the_end(tmp_path: Path) -> None:
    """A process that starts its watcher as workers do, works, and ends."""
    program = (
        "import time\n"
        "from pathlib import Path\n"
        "from hydrofoil.tools.profiling import sampler\n"
        "def work():\n"
        "    end = time.process_time() + 0.4\n"
        "    while time.process_time() < end: pass\n"
        f"print(sampler.start(Path({str(tmp_path / 'worker-host-1')!r})).why)\n"
        "work()\n"
    )
    environment = {**os.environ, sampler.CHOICE: "py-spy"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == "", done.stdout + done.stderr
    clock = tmp_path / "worker-host-1.clock"
    deadline = time.monotonic() + 30
    while not clock.exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    found = stacks.read(tmp_path / "worker-host-1", None)

    working = sum(used for stack, used in found.items() if any(f.name == "work" for f in stack))
    cpu = stacks.cpu_at_end(tmp_path / "worker-host-1")
    assert cpu is not None
    assert 0.6 <= working / 0.4 <= 1.4
    assert working < cpu


def test_the_headline_tells_what_the_daemons_are_of_it() -> None:
    """Hydrofoil's imports what stock's workers do."""
    stock = EngineProfile("stock", total=4.0, daemon=1.0)
    ours = EngineProfile("Hydrofoil", total=0.2, daemon=0.8)
    headline = report.Report("app.py", [stock, ours]).headline()
    factors = "stock used 20.0 times as much, 5.0 times with the daemons that start them."
    assert headline.endswith(factors)


def test_what_another_program_says_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets in it are no markup, which the end of what never began would be an error of."""
    why = "py-spy was refused ([/bin/x] no)"
    profile = EngineProfile(
        "stock", total=1.0, samplers=Counter(cprofile=1), reasons=Counter([why])
    )
    report.show(report.Report("it", [profile]), Console(width=400), 5)
    assert why in capsys.readouterr().out
