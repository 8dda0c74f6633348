"""Gangs of Spark Connect clients on a local server: what they do, and how they fail.

A client can have no classic session beside it, so one program runs all cases, and tells what came
of each; between them nothing may be left, and a next gang has to run.
"""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
import pytest
from gang_connect import Server, connect_server, environment
from test_gang_examples import EXAMPLES

pytestmark = pytest.mark.skipif(
    pyspark.__version__.startswith("3."), reason="Spark 3.5's server is no part of PySpark"
)

CASES = [
    *("runs", "slots", "slots_that_are_hidden", "parts", "elastic", "two_sessions", "export"),
    *("raises", "killed", "missing", "silent", "busy", "interrupted", "cancelled", "upstream"),
    *("unpicklable", "hub_killed"),
    *(["estimators"] if importlib.util.find_spec("xgboost") else []),
]
_ENDS_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with connect_server(tmp_path_factory.mktemp("connect"), "local[2]") as started:
        yield started
        assert started.has_no_hubs()


@pytest.fixture(scope="module")
def told(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return server.run("gang_connect_cases.py", str(tmp_path_factory.mktemp("cases")), *CASES)


@pytest.fixture
def case(told: dict[str, Any], request: pytest.FixtureRequest) -> Any:
    """What came of the case that the test is called after."""
    outcome = told[request.node.name.removeprefix("test_")]
    if isinstance(outcome, dict) and "case failed" in outcome:
        pytest.fail(outcome["case failed"])
    return outcome


def test_runs(case: Any) -> None:
    assert case["values"] == [[0, 2, 249750.0], [1, 2, 249750.0]]
    assert case["metrics"] == [[{"step": 1, "total": 1, "rank": rank}] for rank in (0, 1)]
    kinds = [(kind, rank) for kind, rank, _ in case["updates"]]
    assert kinds == [(k, r) for k in ("log", "report", "return", "start") for r in (0, 1)]
    assert [text for kind, _, text in case["updates"] if kind == "log"] == ["said at the end"] * 2


def test_slots(case: Any) -> None:
    assert case["total"] == 2
    assert case["error"]["kind"] == "SlotError"
    assert "needs 99 slots at once, and there are 2; 2 slot(s): 2 core(s)" in case["error"]["text"]
    assert case["plan"] == ["99 ranks don't fit: 2 slot(s): 2 core(s) in all, 1 a rank"]


def test_slots_that_are_hidden(case: Any) -> None:
    assert case["fixed"] == [0, 1]
    assert case["max"].startswith("UnsupportedError: num_tasks='max': the Spark Connect server")


def test_parts(case: Any) -> None:
    assert case["exact"] == case["kept"] == [51, 50]
    assert sum(case["none"]) == sum(case["keys"]) == 101
    assert case["other number"].startswith('balance="none": the DataFrame has 3 partitions')
    assert case["empty"] == case["empty, exact"] == "EmptyPartition"
    assert case["allowed"] == case["allowed, kept"] == [0, 0]


def test_elastic(case: Any) -> None:
    """After a crash; the rows are kept for the next attempt."""
    assert case == {"values": [[2, 50], [2, 50]], "errors": ["RankCrashed"], "computed": 100}


def test_two_sessions(case: Any) -> None:
    assert case == {"one": [["Etc/UTC"] * 5], "other": [["Asia/Tokyo"] * 5]}


def test_export(case: Any) -> None:
    assert case == {"rows": 100, "same": 100, "ranks": [50, 50]}


@pytest.mark.skipif("estimators" not in CASES, reason="needs XGBoost")
def test_estimators(case: Any) -> None:
    """Fitted where slots are counted and where they are hidden, saved over another, and read."""
    model, read, deeper = case["errors"]
    assert model == read != deeper and max(model, deeper) < 2
    assert case["depth"] is None


def test_raises(case: Any) -> None:
    assert (case["kind"], case["rank"], case["attempt"]) == ("UserError", 1, 0)
    assert case["text"].startswith(f"rank 1 of 2 on {case['host']} raised ValueError: boom\n")
    assert case["cause"] == "ValueError('boom')"
    assert 'raise ValueError("boom")' in case["traceback"]
    assert "hydrofoil/gang" not in case["traceback"].replace("tests/gang", "")


def test_killed(case: Any) -> None:
    assert (case["kind"], case["rank"]) == ("RankCrashed", 1)
    assert "ended without a word; last seen at: File" in case["text"]


def test_missing(case: Any) -> None:
    assert (case["kind"], case["missing"]) == ("HangError", [1])
    assert "barrier #2: rank 0 waited 2 s for rank 1" in case["text"]
    assert "in train" in case["stacks"]["1"]


def test_silent(case: Any) -> None:
    assert (case["kind"], case["missing"]) == ("HangError", [0])
    assert "rank 0 did not answer for" in case["text"]


def test_busy(case: Any) -> None:
    assert (case["kind"], case["missing"]) == ("StartTimeout", [0, 1])


def test_interrupted(case: Any) -> None:
    """Ranks are asked to stop, before they are killed."""
    assert case is True


def test_cancelled(case: Any) -> None:
    assert case["kind"] == "Cancelled"


def test_upstream(case: Any) -> None:
    assert case["kind"] == "GangError"
    assert "too large" in case["text"] and "\tat " not in case["text"]


def test_unpicklable(case: Any) -> None:
    assert (case["kind"], case["rank"]) == ("ResultError", 1)


def test_hub_killed(case: Any) -> None:
    """A further attempt has a new one."""
    assert case["values"] == [1, 1]
    assert "the gang's hub beside the server's driver is gone" in case["error"]


def test_the_client_is_killed(server: Server, tmp_path: Path) -> None:
    check_killed_client(server, tmp_path, "lock")


def check_killed_client(server: Server, tmp_path: Path, how: str) -> None:
    """Its ranks and its hub end; also a rank that can't end itself, for Spark ends it."""
    command = server.command("gang_connect_victim.py", str(tmp_path), how)
    with subprocess.Popen(command, env=environment()) as victim:
        pids = wait_for_ranks(tmp_path)
        victim.send_signal(signal.SIGKILL)
    until = time.monotonic() + _ENDS_S
    while (left := [*running(pids), *server.hubs()]) and time.monotonic() < until:
        time.sleep(0.5)
    assert left == []
    after = server.run("gang_connect_cases.py", str(tmp_path), "runs")["runs"]
    assert {total for _, _, total in after["values"]} == {249750.0}


def wait_for_ranks(folder: Path) -> list[int]:
    until = time.monotonic() + 60.0
    while len(found := list(folder.glob("rank-*"))) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    return [int(path.name.rpartition("-")[2]) for path in found]


def running(pids: list[int]) -> list[int]:
    return [
        pid
        for pid in pids
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


def test_from_the_shell(server: Server, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "def train(ctx, lr):\n"
        "    return [ctx.rank, sum(batch.num_rows for batch in ctx.data.arrow()), lr]\n"
    )
    pq.write_table(pa.table({"a": range(101)}), tmp_path / "data.parquet")
    command = (sys.executable, "-m", "hydrofoil.tools.cli", "gang", f"{script}:train", "--json")
    data = ("--data", str(tmp_path / "data.parquet"), "--num-tasks", "2", "--balance", "exact")
    done = subprocess.run(
        [*command, *data, "--arg", "lr=0.5", "--remote", server.url],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["values"] == [[0, 51, 0.5], [1, 50, 0.5]]


# --- The examples, as they are --------------------------------------------------------------------

NAMES = ["ddp.py", "xgboost_trees.py", "lightgbm_trees.py", "numpy_regression.py", "resume.py"]
_QUICK = ["numpy_regression.py", "resume.py"]


def check_examples(made: dict[str, Any]) -> None:
    """Fail unless each of these is as it should be."""
    for name, found in made.items():
        _CHECKS[name](found)


def _check_ddp(losses: Any) -> None:
    assert losses["alone"] < 0.2
    assert losses["ranks"] == [pytest.approx(losses["alone"], rel=1e-4)] * 2


def _check_trees(predicted: Any) -> None:
    first, second = predicted["together"]
    assert first == second
    np.testing.assert_allclose(first, predicted["alone"], atol=1e-4)


def _check_weights(weights: Any) -> None:
    for mine in weights["ranks"]:
        np.testing.assert_allclose(mine, weights["alone"], rtol=1e-9)


def _check_resumed(runs: Any) -> None:
    assert runs["broken"]["errors"] == [["RankCrashed", 1]]
    for broken, whole in zip(runs["broken"]["ranks"], runs["whole"]["ranks"], strict=True):
        assert (broken["attempt"], broken["resumed_at"]) == (1, 20)
        assert broken["line"] == whole["line"]


_CHECKS = {
    "ddp.py": _check_ddp,
    "xgboost_trees.py": _check_trees,
    "lightgbm_trees.py": _check_trees,
    "numpy_regression.py": _check_weights,
    "resume.py": _check_resumed,
}


def test_examples(server: Server) -> None:
    check_examples(server.run("gang_connect_examples.py", str(EXAMPLES), *_QUICK))


@pytest.mark.slow
def test_examples_that_import_much(server: Server) -> None:
    names = [name for name in NAMES if name not in _QUICK]
    check_examples(server.run("gang_connect_examples.py", str(EXAMPLES), *names))


def test_programs_from_elsewhere(server: Server, tmp_path: Path) -> None:
    told = server.run("gang_connect_elsewhere.py", str(tmp_path))
    assert told["places"] == [[0, 2], [1, 2]]
    assert told["rows"] == 200


# By the package that each needs.
OF_EXTRAS = {
    "jax_regression.py": "jax",
    "tensorflow_regression.py": "tensorflow",
    "mirrored_strategy.py": "tensorflow",
}
# TensorFlow can't be joined to other processes twice.
FRESH_WORKERS = {"spark.python.worker.reuse": "false"}


@pytest.mark.parametrize("name", OF_EXTRAS)
def test_examples_of_frameworks_that_are_extras(tmp_path: Path, name: str) -> None:
    skip_without(name)
    with connect_server(tmp_path, "local[2]", FRESH_WORKERS) as server:
        check_weights(server, name)


def skip_without(example: str) -> None:
    if importlib.util.find_spec(OF_EXTRAS[example]) is None:
        pytest.skip(f"{OF_EXTRAS[example]} is an extra")


def check_weights(server: Server, example: str) -> None:
    weights = server.run("gang_connect_examples.py", str(EXAMPLES), example)[example]
    if example != "mirrored_strategy.py":  # Which returns what rank 0 has found.
        assert weights[0] == weights[1]
        weights = weights[0]
    np.testing.assert_allclose(weights, [2.0, -1.0, 0.5], atol=1e-3)
