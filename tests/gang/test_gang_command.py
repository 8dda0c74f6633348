"""``hydrofoil gang``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from hydrofoil.tools.cli import main

TRAIN = """
SCALE = 2


def scaled(x):
    return x * SCALE


def train(ctx, lr=0.1, name="none"):
    rows = sum(batch.num_rows for batch in ctx.data.arrow())
    ctx.report(step=1, loss=lr)
    return [ctx.rank, rows, scaled(lr), name, ctx.data.order]


def fail(ctx):
    raise ValueError("no such thing")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "gang_script.py"
    path.write_text(TRAIN)
    pq.write_table(pa.table({"a": range(101)}), tmp_path / "data.parquet")
    return path


def test_on_spark(script: Path) -> None:
    """In a process of its own, since the tests' own session is there already."""
    command = (sys.executable, "-m", "hydrofoil.tools.cli", "gang", f"{script}:train", "--json")
    data = ("--data", str(script.parent / "data.parquet"), "--num-tasks", "2", "--balance", "exact")
    spark = ("--master", "local[2]", "--conf", "spark.ui.enabled=false")
    done = subprocess.run(
        [*command, *data, *spark, "--arg", "lr=0.5", "--arg", "name=some words"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    said = [1.0, "some words", "arrival"]
    assert told["values"] == [[0, 51, *said], [1, 50, *said]]
    assert told["metrics"] == [[{"step": 1, "loss": 0.5}]] * 2


def test_without_spark(script: Path) -> None:
    data = str(script.parent / "data.parquet")
    words = ["gang", f"{script}:train", "--local", "2", "--source", "parquet", "--data", data]
    done = CliRunner().invoke(main, [*words, "--order", "stable"])
    assert done.exit_code == 0, done.output
    said = "0.2, 'none', 'stable']"
    assert f"rank 0: [0, 51, {said}\nrank 1: [1, 50, {said}" in done.output


def test_a_function_that_fails(script: Path) -> None:
    done = CliRunner().invoke(main, ["gang", f"{script}:fail", "--local", "2"])
    assert done.exit_code == 1
    assert "raised ValueError: no such thing" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train.py"], "'train.py' is not FILE.py:FUNCTION"),
        (["none.py:train"], "none.py: there is no such file"),
        (["SCRIPT:nothing"], "has no function nothing"),
        (["SCRIPT:train", "--arg", "lr"], "'lr' is not KEY=VALUE"),
        (["SCRIPT:train", "--elastic", "4"], "'4' is not MIN,MAX"),
        (["SCRIPT:train", "--num-tasks", "some"], "'some' is neither a number nor max"),
        (["SCRIPT:train", "--source", "delta"], "--source needs --data"),
        (["SCRIPT:train", "--local", "2", "--data", "x"], "add --source"),
        (["SCRIPT:train", "--remote", "sc://x", "--master", "local"], "leave --master out"),
    ],
)
def test_command_lines_that_are_wrong(script: Path, words: list[str], message: str) -> None:
    words = [word.replace("SCRIPT", str(script)) for word in words]
    done = CliRunner().invoke(main, ["gang", *words])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
