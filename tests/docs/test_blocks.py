"""Every code block of README and docs runs as written, in the order of its page."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blocks import PAGES, ROOT, Block, blocks, commands
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from run_page import run

FILES = Path(__file__).parent / "files"

# These start Spark themselves; the others have a session called `spark`.
PROGRAMS = (
    "README.md",
    "docs/compile.md",
    "docs/driver.md",
    "docs/explain.md",
    "docs/rdd.md",
    "docs/rows.md",
)
# tests/decorators/test_examples.py runs each of its blocks, on both workers.
ELSEWHERE = ("docs/decorators.md",)
WITH_PYTHON = [page for page in PAGES if any(blocks(page, "python"))]

# Commands of the pages that are not only read, but run in `make test`.
QUICK = (
    "hydrofoil doctor --no-job",
    "hydrofoil parity --list 'applyInPandas/*'",
)
# Those that no test runs as they are, and why.
ONLY_READ = {
    "hydrofoil parity --thorough": "takes long; `make parity` does it",
    "hydrofoil doctor --master spark://HOST:7077 --conf spark.pyspark.python=./env/bin/python": (
        "wants a cluster; tests/doctor/cluster.py starts one"
    ),
    "hydrofoil profile --recording tasks/1.hfrec": "wants a recording; tests/profile makes one",
    "hydrofoil bench --peers": "wants the peers",
}


def shell_blocks() -> Iterator[Block]:
    for page in PAGES:
        yield from blocks(page, "sh")


# Once each: pages name some of them again.
COMMANDS = dict.fromkeys(
    command
    for block in shell_blocks()
    if not block.reason and not block.test
    for command in commands(block)
    if command.startswith("hydrofoil ")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name."""
    made = tmp_path_factory.mktemp("docs")
    for path in FILES.iterdir():
        shutil.copy(path, made)
    sample = {"item": ["tea", "coffee"] * 50, "price": [1.5, None] * 50, "n": [*range(100)]}
    pq.write_table(pa.table(sample), made / "sample.parquet")
    (made / "tasks").mkdir()
    (made / "tasks/1.hfrec").touch()
    return made


def environment() -> dict[str, str]:
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable, "NO_COLOR": "1"}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    return variables


def test_few_blocks_are_left_out() -> None:
    left_out = [
        block for page in PAGES for kind in ("python", "sh") for block in blocks(page, kind)
        if block.reason
    ]  # fmt: skip
    assert len(left_out) <= 4
    assert [block for block in left_out if block.language == "python"] == []
    assert {*QUICK, *ONLY_READ} <= {*COMMANDS}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=() if page == "README.md" else pytest.mark.slow)
        for page in WITH_PYTHON
        if page in PROGRAMS
    ],
)
def test_programs(page: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "run_page.py"), page],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize(
    "page",
    [
        # Its blocks start gangs of every backend.
        pytest.param(page, marks=pytest.mark.slow if page == "docs/gang-backends.md" else ())
        for page in WITH_PYTHON
        if page not in (*PROGRAMS, *ELSEWHERE)
    ],
)
def test_pages(
    page: str, folder: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    cloudpickle.register_pickle_by_value(module)
    module.__dict__["spark"] = spark
    try:
        run(page, module.__dict__)
    finally:
        cloudpickle.unregister_pickle_by_value(module)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is called with is parsed, and nothing is run."""
    from hydrofoil.tools.cli import main

    monkeypatch.chdir(folder)
    _, name, *arguments = shlex.split(command)
    found = main.get_command(click.Context(main), name)
    assert found is not None
    assert found.make_context(name, arguments)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=() if command in QUICK else pytest.mark.slow)
        for command in COMMANDS
        if command not in ONLY_READ
    ],
)
def test_commands(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=900,
    )
    # `hydrofoil doctor` exits with 1 where something costs speed.
    allowed = {0, 1} if command.startswith("hydrofoil doctor") else {0}
    assert done.returncode in allowed, done.stdout[-2000:] + done.stderr[-2000:]


def test_targets_of_make_are_there() -> None:
    named = {
        command.split()[1]
        for block in shell_blocks()
        for command in commands(block)
        if command.startswith("make ")
    }
    assert named == {"bench", "test"}
    for target in named:
        assert f"\n{target}:" in (ROOT / "Makefile").read_text()


def test_nothing_else_is_left() -> None:
    """Commands are Hydrofoil's or make's, or their block says what runs them, or why not.

    tests/install runs pip in a checkout, as the README has it.
    """
    others = [
        command
        for block in shell_blocks()
        if not block.reason and not block.test
        for command in commands(block)
        if command.split()[0] not in ("hydrofoil", "make") and command != 'pip install ".[spark]"'
    ]
    assert others == []
