"""Gangs on a standalone cluster of two workers: executors and workers that go away."""

from collections.abc import Iterator
from typing import Any

import pytest
from gang_cluster import two_workers


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What came of the losses whose tests are run."""
    chosen = {item.name for item in request.session.items}
    losses = [loss for loss in ("executor", "worker") if f"test_{loss}_is_killed" in chosen]
    folder = tmp_path_factory.mktemp("gang-cluster")
    with two_workers(folder) as cluster:
        yield cluster.run("gang_losses.py", str(folder / "checkpoints"), *losses)


def test_slots_of_two_executors(told: Any) -> None:
    assert told["slots"] == 4
    assert "needs 5 slots at once, and there are 4" in told["too many"]
    assert "2 executor(s), 4 core(s) in all" in told["too many"]


@pytest.mark.slow
def test_executor_is_killed(told: Any) -> None:
    """The gang goes on with as many ranks from the last checkpoint, on a new executor."""
    values, errors = told["executor"]["values"], told["executor"]["errors"]
    assert [error["kind"] for error in errors] == ["RankLost"]
    assert errors[0]["host"] == "127.0.0.1"
    assert {value["world_size"] for value in values} == {4}
    assert {(value["step"], value["sum"]) for value in values} == {(12, 12.0)}
    assert {value["began_at"] for value in values} == {7}
    assert sum(value["rows"] for value in values) == 1000


def test_worker_is_killed(told: Any) -> None:
    """The gang goes on with half of the ranks; the data is cut anew, no step is lost."""
    values, errors = told["worker"]["values"], told["worker"]["errors"]
    assert [error["kind"] for error in errors] == ["RankLost"]
    assert [value["world_size"] for value in values] == [2, 2]
    assert {(value["step"], value["sum"]) for value in values} == {(12, 12.0)}
    assert {value["began_at"] for value in values} == {7}
    assert sum(value["rows"] for value in values) == 1000
    assert len({value["executor"] for value in values}) == 1


@pytest.mark.slow
def test_rows_that_come_in_any_order_are_put_into_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Blocks from another executor come as they like, and not even twice in the same order."""
    folder = tmp_path_factory.mktemp("gang-orders")
    with two_workers(folder) as cluster:
        told = cluster.run("gang_orders.py", str(folder / "checkpoints"))
    first, second, rest = told["first"], told["second"], told["rest"]
    assert any(rank["arrival"] != sorted(rank["arrival"]) for rank in first)
    assert [rank["own"] for rank in first] == [rank["own"] for rank in second]
    assert together(first) == together(second) and len(together(first)) == 40
    assert told["error"] == "RankCrashed"
    assert [rank["start"] for rank in rest] == [10] * 4
    assert together(rest) == together(first)[10:]


def together(ranks: list[Any]) -> list[list[int]]:
    """Global batches from the ranks' parts."""
    parts = zip(*(rank["global"] for rank in ranks), strict=True)
    return [[one for part in batch for one in part] for batch in parts]
