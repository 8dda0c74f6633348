"""The measuring commands, as a user calls them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

APPLICATION = """
import sys
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.getOrCreate()
double = udf(lambda x: x * 2, "long")
print(spark.range(0, 1000, 1, 2).select(double("id").alias("x")).agg({"x": sys.argv[1]}).collect())
"""


def hydrofoil(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hydrofoil.cli", *map(str, arguments)]
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("recorded")
    application = folder / "app.py"
    application.write_text(APPLICATION)
    out = folder / "out"
    options = ("--master", "local[2]", "--conf", "spark.ui.enabled=false")
    done = hydrofoil("record", "--out", out, *options, application, "max")
    assert done.returncode == 0, done.stderr
    assert "Row(max(x)=1998)" in done.stdout
    assert "2 recordings" in done.stderr
    return sorted(out.iterdir())


def test_record_then_replay(recordings: list[Path], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = hydrofoil("replay", *recordings, "--runs", 2, "--json", report)
    assert done.returncode == 0, done.stderr
    assert "ratio" in done.stdout
    entries = json.loads(report.read_text())
    assert [entry["rows"] for entry in entries] == [500, 500]
    for entry in entries:
        assert entry["failed"] is False
        assert entry["ratio"] > 0
        for engine in ("stock", "hydrofoil"):
            assert len(entry["engines"][engine]["cpu_s"]) == 2
            assert entry["engines"][engine]["exit_codes"] == [0, 0]


def test_replay_of_one_engine_in_memory(recordings: list[Path]) -> None:
    done = hydrofoil("replay", recordings[0], "--runs", 1, "--engine", "stock", "--in-memory")
    assert done.returncode == 0, done.stderr
    assert "ratio" not in done.stdout


def test_replay_of_another_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a recording")
    done = hydrofoil("replay", path)
    assert done.returncode == 1
    assert "notes.txt is not a recording" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--suite", "nothing"), "'nothing' is not one of"),
        (("--mine", __file__), "--mine and --data go together"),
        (("--suite", "mine"), "give --mine MODULE.py --data FILE"),
        (("--chart", "chart.pdf"), "chart.pdf is no .svg and no .png"),
        (("--workload", "nope"), "--workload nope: it is not in suite first, which has long, "),
        (
            ("--suite", "first", "--suite", "driver", "--workload", "long"),
            "--workload long: it is not in suite driver, which has createDataFrame(list), ",
        ),
    ],
)
def test_bench_says_what_is_wrong_before_it_starts(options: tuple[str, ...], said: str) -> None:
    done = hydrofoil("bench", *options)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Starting Spark" not in done.stderr


def test_bench_without_java_says_what_to_install() -> None:
    done = hydrofoil("bench", JAVA_HOME="/nowhere")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("Error: Java is missing: install")
