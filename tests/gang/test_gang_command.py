"""``hydrofoil gang``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession

from hydrofoil.tools.cli import main
from hydrofoil.tools.cli.gang import _frame

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


@pytest.mark.parametrize(
    "words",
    [
        ["bench", "--json", "FILE"],
        ["bench", "--csv", "FILE"],
        ["doctor", "--no-job", "--json", "FILE"],
        ["doctor", "--no-job", "--html", "FILE"],
        ["explain", "--json", "FILE", "app.py"],
        ["pack", "--output", "FILE"],
        ["parity", "--json", "FILE"],
        ["profile", "--html", "FILE", "app.py"],
        ["replay", "--json", "FILE", "SCRIPT"],
    ],
    ids=lambda words: words[0],
)
def test_what_can_not_be_written_is_said_before_anything_runs(
    script: Path, words: list[str]
) -> None:
    at = {"FILE": str(script.parent / "none" / "made.zip"), "SCRIPT": str(script)}
    done = CliRunner().invoke(main, [at.get(word, word) for word in words])
    assert done.exit_code == 2
    assert f"there is no folder {script.parent / 'none'}" in "".join(done.output.split("\n"))


def test_values_that_json_lacks(tmp_path: Path) -> None:
    """What was trained for hours is not lost to a key, and JSON's readers take what is printed."""
    file = tmp_path / "values.py"
    file.write_text(
        "import numpy as np\n"
        "def values(ctx):\n"
        "    ctx.report(step=1, loss=float('nan'))\n"
        "    return {(1, 2): np.int64(3), 4: np.arange(2), 'x': (float('inf'), np.float32(0.5))}\n"
    )
    done = CliRunner().invoke(main, ["gang", f"{file}:values", "--local", "1", "--json"])
    assert done.exit_code == 0, done.output

    def refuse(word: str) -> None:
        raise ValueError(word)

    told = json.loads(done.stdout.splitlines()[-1], parse_constant=refuse)
    assert told["values"] == [{"(1, 2)": 3, "4": [0, 1], "x": [None, 0.5]}]
    assert told["metrics"] == [[{"step": 1, "loss": None}]]


def test_data_that_is_not_there_or_of_no_format(spark: SparkSession) -> None:
    for data, kind, why in (("/none", "parquet", "/none"), ("/", "nothing", "nothing")):
        with pytest.raises(click.BadParameter, match=why):
            _frame(spark, data, kind)
