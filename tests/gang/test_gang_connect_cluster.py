"""Gangs of Spark Connect clients on a standalone cluster of two workers, with a Connect server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyspark
import pytest
from gang_cluster import two_workers
from gang_connect import Server, connect_server
from test_gang_connect import (
    FRESH_WORKERS,
    NAMES,
    OF_EXTRAS,
    check_examples,
    check_killed_client,
    check_weights,
    skip_without,
)
from test_gang_examples import EXAMPLES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        pyspark.__version__.startswith("3."), reason="Spark 3.5's server is no part of PySpark"
    ),
]

CASES = ["slots_of_a_cluster", "killed", "missing", "silent", "executor_killed_once"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("gang-connect-cluster")
    with two_workers(folder) as cluster, connect_server(folder, cluster.url) as started:
        yield started
        assert started.has_no_hubs()


@pytest.fixture(scope="module")
def told(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = str(tmp_path_factory.mktemp("cases"))
    return server.run("gang_connect_cases.py", folder, *CASES, "executor_killed")


def of(told: dict[str, Any], name: str) -> Any:
    outcome = told[name]
    if "case failed" in outcome:
        pytest.fail(outcome["case failed"])
    return outcome


def test_slots_of_two_executors(told: dict[str, Any]) -> None:
    slots = of(told, "slots_of_a_cluster")
    assert (slots["total"], slots["of two"]) == (4, 2)
    assert slots["error"]["kind"] == slots["error of two"]["kind"] == "SlotError"
    assert "needs 5 slots at once, and there are 4" in slots["error"]["text"]
    # Each rank has an executor's two cores.
    assert (slots["ranks"], slots["executors"]) == ([0, 1], 2)


def test_a_rank_is_killed(told: dict[str, Any]) -> None:
    assert [of(told, "killed")[key] for key in ("kind", "rank")] == ["RankCrashed", 1]


def test_ranks_hang(told: dict[str, Any]) -> None:
    assert [of(told, "missing")[key] for key in ("kind", "missing")] == ["HangError", [1]]
    assert [of(told, "silent")[key] for key in ("kind", "missing")] == ["HangError", [0]]


def test_an_executor_is_killed(told: dict[str, Any]) -> None:
    error = of(told, "executor_killed_once")
    assert (error["kind"], error["rank"], error["host"]) == ("RankLost", 1, "127.0.0.1")
    assert "rank 1 of 2 on 127.0.0.1 was lost with its executor" in error["text"]


def test_a_training_goes_on_after_an_executor_was_killed(told: dict[str, Any]) -> None:
    went_on = of(told, "executor_killed")
    assert [kind for kind, _ in went_on["errors"]] == ["RankLost"]
    assert [value[:3] for value in went_on["values"]] == [[4, 6, 4]] * 4
    assert sum(value[3] for value in went_on["values"]) == 1000


@pytest.mark.parametrize("how", ["wait", "lock"])
def test_the_client_is_killed(server: Server, tmp_path: Path, how: str) -> None:
    check_killed_client(server, tmp_path, how)


def test_examples(server: Server) -> None:
    check_examples(server.run("gang_connect_examples.py", str(EXAMPLES), *NAMES))


@pytest.mark.parametrize("name", OF_EXTRAS)
def test_examples_of_frameworks_that_are_extras(tmp_path: Path, name: str) -> None:
    skip_without(name)
    with (
        two_workers(tmp_path) as cluster,
        connect_server(tmp_path, cluster.url, FRESH_WORKERS) as server,
    ):
        check_weights(server, name)
