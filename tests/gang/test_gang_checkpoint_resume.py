"""What ranks go on from: the same step in all, never a stale attempt's, and none lost but a few."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gang_threads import in_threads, rank

from hydrofoil.errors import UsageError
from hydrofoil.gang.checkpoint import Checkpoint, open_checkpointer
from hydrofoil.gang.context import Context
from hydrofoil.gang.errors import CheckpointError, RankCrashed, StaleAttempt
from hydrofoil.gang.hub.meeting import Timeouts
from hydrofoil.gang.hub.server import Hub
from hydrofoil.gang.local import run_locally


def states(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("state-*"))


def saving(conf: Checkpoint, steps: int) -> Callable[[Context], Any]:
    """A rank that saves its rank and step at each of the next steps."""

    def train(ctx: Context) -> Any:
        checkpoint = open_checkpointer(conf, ctx)
        start = checkpoint.restore(default="nothing")
        for _ in range(steps):
            step = checkpoint.step + 1
            assert checkpoint.every(1, lambda step=step: {"step": step, "rank": ctx.rank})
            ctx.barrier()
        return start

    return train


def restoring(conf: Checkpoint) -> Callable[[Context], Any]:
    return saving(conf, 0)


def test_a_folder_in_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Checkpoint("~/kept").uri == str(tmp_path / "kept")


def test_every_rank_goes_on_from_what_rank_0_saved(tmp_path: Path) -> None:
    conf = Checkpoint(str(tmp_path / "new" / "folder"), keep=2)
    assert in_threads(2, saving(conf, 3), "first") == ["nothing", "nothing"]
    # The same state at any size.
    assert in_threads(3, saving(conf, 1), "second") == [{"step": 3, "rank": 0}] * 3
    kept = states(tmp_path / "new" / "folder")
    assert [name.partition("-s")[2][:12] for name in kept] == ["000000000003", "000000000004"]
    assert in_threads(1, restoring(conf), "third") == [{"step": 4, "rank": 0}]


def test_steps_are_counted_and_states_made_when_it_is_time(tmp_path: Path) -> None:
    made = []

    def train(ctx: Context) -> Any:
        checkpoint = open_checkpointer(str(tmp_path), ctx)
        saved = [checkpoint.every(10, lambda: made.append(checkpoint.step)) for _ in range(25)]
        assert checkpoint.latest is not None
        return saved.count(True), checkpoint.step, checkpoint.latest.step

    assert in_threads(1, train) == [(2, 25, 20)]
    assert made == [10, 20]

    def go_on(ctx: Context) -> Any:
        checkpoint = open_checkpointer(str(tmp_path), ctx)
        checkpoint.restore()
        step, latest = checkpoint.step, checkpoint.save("explicit", step=77)
        return step, latest.step, checkpoint.step

    assert in_threads(1, go_on) == [(20, 77, 77)]
    with pytest.raises(UsageError, match=r"every\(0"):
        raise in_threads(1, lambda ctx: open_checkpointer(str(tmp_path), ctx).every(0, 1))[0]


@pytest.mark.parametrize("step", [-1, 1.0, "3"])
def test_steps_that_no_file_could_be_found_by(tmp_path: Path, step: Any) -> None:
    def save(ctx: Context) -> None:
        open_checkpointer(str(tmp_path), ctx).save({}, step=step)

    [error] = in_threads(1, save)
    assert isinstance(error, UsageError)
    assert f"save(step={step!r}): steps are whole numbers from 0 on" in error.message


@pytest.mark.parametrize("per_rank", [False, True])
@pytest.mark.parametrize("damage", ["torn", "changed", "empty"])
def test_a_damaged_file_sends_all_ranks_to_the_one_before(
    tmp_path: Path, damage: str, per_rank: bool
) -> None:
    conf = Checkpoint(str(tmp_path), per_rank=per_rank)
    in_threads(2, saving(conf, 3))
    newest = tmp_path / states(tmp_path)[-1]
    data = newest.read_bytes()
    newest.write_bytes(
        {"torn": data[:-5], "changed": data[:60] + b"?" + data[61:], "empty": b""}[damage]
    )
    logged: list[str] = []

    def train(ctx: Context) -> Any:
        checkpoint = open_checkpointer(conf, ctx, logged.append)
        return checkpoint.restore()["step"]

    assert in_threads(2, train, "second") == [2, 2]
    assert len(logged) == 1 and "step 3" in logged[0] and str(tmp_path) in logged[0]


def test_a_step_counts_once_all_ranks_have_saved_it(tmp_path: Path) -> None:
    conf = Checkpoint(str(tmp_path), per_rank=True, keep=2)
    in_threads(2, saving(conf, 3))
    [missing] = [name for name in states(tmp_path) if "s000000000003-00001" in name]
    (tmp_path / missing).unlink()
    resumed = in_threads(2, saving(conf, 1), "second")
    assert resumed == [{"step": 2, "rank": 0}, {"step": 2, "rank": 1}]


def test_per_rank_states_at_another_size(tmp_path: Path) -> None:
    in_threads(2, saving(Checkpoint(str(tmp_path), per_rank=True), 2))
    for error in in_threads(3, restoring(Checkpoint(str(tmp_path), per_rank=True)), "refused"):
        assert isinstance(error, UsageError)
        assert "2 ranks each, and this gang has 3" in str(error) and "reshard" in str(error)

    def reshard(states: list[Any], rank: int, size: int) -> Any:
        return [state["rank"] for state in states], rank, size

    conf = Checkpoint(str(tmp_path), per_rank=True, reshard=reshard)
    assert in_threads(3, restoring(conf), "dealt") == [([0, 1], n, 3) for n in range(3)]
    for error in in_threads(2, restoring(Checkpoint(str(tmp_path))), "shared"):
        assert isinstance(error, UsageError) and "per rank" in str(error)


def test_a_fresh_run_leaves_the_old_ones_alone(tmp_path: Path) -> None:
    in_threads(1, saving(Checkpoint(str(tmp_path)), 2), "first")
    before = states(tmp_path)
    fresh = Checkpoint(str(tmp_path), resume=False, keep=1)
    assert in_threads(1, saving(fresh, 3), "second") == ["nothing"]
    assert set(before) < set(states(tmp_path))
    # And nobody goes on from what it superseded, though its steps are as high.
    assert in_threads(1, restoring(Checkpoint(str(tmp_path))), "third")[0]["step"] == 3


# --- Old attempts ---------------------------------------------------------------------------------


def test_a_rank_of_an_old_attempt_cannot_save(tmp_path: Path) -> None:
    conf = Checkpoint(str(tmp_path))
    with Hub() as hub:
        hub.begin(0, 1, Timeouts())
        with rank(hub, 0) as old:
            stale = open_checkpointer(conf, old)
            stale.save("fine", step=1)
            hub.begin(1, 1, Timeouts())
            with rank(hub, 1) as new:
                checkpoint = open_checkpointer(conf, new)
                assert checkpoint.restore() == "fine"
                with pytest.raises(StaleAttempt):
                    stale.save("late", step=2)
                checkpoint.save("better", step=2)
    assert not list(tmp_path.glob("*.tmp"))
    assert in_threads(1, restoring(conf), "next") == ["better"]


class BeginsAnother:
    """Pickled when half of the file is written; a new attempt begins at that moment."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def __reduce__(self) -> Any:
        self.hub.begin(1, 1, Timeouts())
        return str, ("late",)


def test_an_attempt_that_ends_during_a_save_leaves_nothing(tmp_path: Path) -> None:
    conf = Checkpoint(str(tmp_path))
    with Hub() as hub:
        hub.begin(0, 1, Timeouts())
        with rank(hub, 0) as old:
            checkpoint = open_checkpointer(conf, old)
            with pytest.raises(StaleAttempt):
                checkpoint.save(BeginsAnother(hub), step=1)
    assert states(tmp_path) == []


def test_what_an_old_attempt_published_all_the_same_is_never_used(tmp_path: Path) -> None:
    """Between the fence and the rename no lock helps; the generations' records do."""
    conf = Checkpoint(str(tmp_path))
    in_threads(1, saving(conf, 1), "first")
    assert in_threads(1, restoring(conf), "second") == [{"step": 1, "rank": 0}]
    [first] = states(tmp_path)
    shutil.copy(tmp_path / first, tmp_path / first.replace("s000000000001", "s000000000999"))
    assert in_threads(1, restoring(conf), "third") == [{"step": 1, "rank": 0}]
    # The next that saves clears it away.
    in_threads(1, saving(conf, 1), "fourth")
    assert not any("999" in name for name in states(tmp_path))


# --- Stores and states that fail ------------------------------------------------------------------


def test_a_store_that_goes_away_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "store"

    def train(ctx: Context) -> None:
        checkpoint = open_checkpointer(str(folder), ctx)
        checkpoint.save("fine", step=1)
        shutil.rmtree(folder)
        folder.write_text("no folder")
        checkpoint.save("lost", step=2)

    [error] = in_threads(1, train)
    assert isinstance(error, CheckpointError)
    assert error.rank == 0 and error.host == "host0"
    assert "rank 0 on host0 can't save step 2" in str(error) and str(folder) in str(error)
    [error] = in_threads(1, restoring(Checkpoint(str(folder))))
    assert isinstance(error, CheckpointError) and "can't open the checkpoints" in str(error)


def test_folders_that_are_not_shared_are_found_out(tmp_path: Path) -> None:
    """Each host with a disk of its own: only rank 0's has what rank 0 saved."""

    def train(ctx: Context, steps: int) -> Any:
        # Rank 0 alone makes the folder that all of them use.
        (tmp_path / f"disk{ctx.rank}").mkdir(exist_ok=True)
        conf = Checkpoint(str(tmp_path / f"disk{ctx.rank}"))
        return saving(conf, steps)(ctx)

    in_threads(2, lambda ctx: train(ctx, 1), "first")
    for error in in_threads(2, lambda ctx: train(ctx, 0), "second"):
        assert isinstance(error, CheckpointError) and error.rank == 1
        assert "rank 1 on host1 finds no file of step 1" in str(error)
        assert "shared storage" in str(error)


def test_a_state_that_cannot_be_pickled_is_named(tmp_path: Path) -> None:
    def train(ctx: Context) -> None:
        checkpoint = open_checkpointer(Checkpoint(str(tmp_path), per_rank=True), ctx)
        checkpoint.save({"fine": 1}, step=1)
        checkpoint.save({"lock": __import__("threading").Lock()}, step=2)

    for number, error in enumerate(in_threads(2, train)):
        assert isinstance(error, CheckpointError) and error.rank == number
        assert f"rank {number} on host{number} can't save step 2" in str(error)
        assert "lock" in str(error) and str(tmp_path) in str(error)
    assert len(states(tmp_path)) == 2 and not list(tmp_path.glob("*.tmp"))


# --- Ranks that are killed ------------------------------------------------------------------------


def train_to_30(ctx: Context, fault: str) -> Any:
    """30 steps, saved at each 10th; rank 1 of the first attempt dies at the 25th."""
    state = ctx.checkpoint.restore(default={"sum": np.zeros(3)})
    resumed = ctx.checkpoint.step
    for step in range(resumed, 30):
        state["sum"] = state["sum"] + ctx.all_reduce(np.full(3, step + ctx.rank))
        if ctx.attempt == 0 and ctx.rank == 1 and step == 24:
            os._exit(3)
        dies = fault == "save" and ctx.attempt == 0 and step == 19
        ctx.checkpoint.every(10, {**state, "extra": Killed() if dies else None})
    return resumed, state["sum"].tolist()


class Killed:
    """Its process is killed when half of the state is written."""

    def __reduce__(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)
        return str, ()


@pytest.mark.parametrize(("fault", "resumed"), [("exit", 20), ("save", 10)])
def test_a_restarted_gang_loses_the_steps_since_the_last_checkpoint(
    tmp_path: Path, fault: str, resumed: int
) -> None:
    result = run_locally(
        2, train_to_30, args={"fault": fault}, checkpoint=str(tmp_path), max_restarts=1
    )
    expected = [float(sum(2 * step + 1 for step in range(30)))] * 3
    assert list(result) == [(resumed, expected)] * 2
    [failed] = result.attempts
    assert isinstance(failed, RankCrashed) and failed.rank == (1 if fault == "exit" else 0)
    assert not list(tmp_path.glob("*.tmp"))
