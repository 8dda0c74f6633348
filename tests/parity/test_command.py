"""``hydrofoil parity``, as a user calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from parity.test_mine import MODULE, SAMPLE

TESTS = Path(__file__).parents[1]


def hydrofoil(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hydrofoil.tools.cli", "parity", *map(str, arguments)]
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    variables = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "sample.csv").write_text(SAMPLE)
    file = tmp_path / "users.py"
    file.write_text(MODULE)
    return file


def test_a_list() -> None:
    done = hydrofoil("--list", "udf-arrow/long/*", "applyInPandas/timestamp/nulls")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split()
    assert "applyInPandas/timestamp/nulls" in lines and "udf-arrow/long/batches" in lines


def test_equal_cases(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = hydrofoil("udf-pickled/long/plain", "udf-arrow/raises/custom", "--json", report)
    assert done.returncode == 0, done.stderr
    assert "udf-pickled" in done.stdout
    told = json.loads(report.read_text())
    assert [(case["equal"], case["raised"]) for case in told["cases"]] == [
        (True, False),
        (True, True),
    ]


def test_a_planted_difference() -> None:
    options = ("--daemon", "parity.altered", "--conf", "spark.sql.session.timeZone=UTC")
    done = hydrofoil("udf-pickled/long/plain", *options)
    assert done.returncode == 1, done.stderr
    assert "expected: int:257\n  actual:   int:258" in done.stdout
    again = "hydrofoil parity udf-pickled/long/plain --daemon parity.altered --conf"
    assert again in done.stdout


def test_a_users_module(module: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    options = ("--data", tmp_path / "sample.csv", "--bind", "twice=amount", "--json", report)
    done = hydrofoil(module, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    functions = {each["name"]: each for each in json.loads(report.read_text())["functions"]}
    assert functions["label"]["status"] == "equal"
    assert functions["twice"]["arguments"] == ["amount"]
    assert "not bound" in {each["status"] for each in functions.values()}
    # The table breaks its cells at spaces.
    assert {"not", "bound"} <= set(done.stdout.split())


@pytest.mark.slow
def test_drawn_comparisons() -> None:
    done = hydrofoil("--generate", 5, "--seed", 7)
    assert done.returncode == 0, done.stderr
    assert "5 comparisons generated with seed 7: all equal" in done.stdout
    done = hydrofoil("--generate", 400, "--seed", 1, "--daemon", "parity.altered")
    assert done.returncode == 1, done.stderr
    assert "from hydrofoil.tools.parity.drawn import Drawn, show" in done.stdout


MISTAKES = {
    ("no-such-case/*",): "no such case",
    ("users.py",): "--data go together",
    ("--data", "sample.csv"): "--data go together",
    ("users.py", "udf-arrow/*", "--data", "sample.csv"): "give it alone",
    ("missing.py", "--data", "sample.csv"): "there is no missing.py",
    ("--generate", "5", "udf-arrow/*"): "give no cases",
    ("--generate", "5", "--json", "report.json"): "--json",
    ("--conf", "x"): "'x' has no =",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_mistakes(arguments: tuple[str, ...]) -> None:
    done = hydrofoil(*arguments)
    assert done.returncode == 2
    assert MISTAKES[arguments] in done.stderr


def test_without_hypothesis(tmp_path: Path) -> None:
    (tmp_path / "hypothesis.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "hydrofoil.tools.cli", "parity", "--generate", "5"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=60
    )
    assert done.returncode == 2
    assert "pip install hypothesis" in done.stderr
