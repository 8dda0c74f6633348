"""What goes wrong in a gang on Spark ends in time, says rank and cause, and leaves nothing."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gang_leftovers import nothing_left
from pyspark.sql import SparkSession

from hydrofoil import gang
from hydrofoil.errors import UsageError
from hydrofoil.gang.errors import (
    Cancelled,
    EmptyPartition,
    GangError,
    HangError,
    RankCrashed,
    RestartsExhausted,
    ResultError,
    StartTimeout,
    UserError,
)
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine

# Far above what a fault takes: Spark's own waits are 10 minutes, or for ever.
BOUND_S = 60.0


@pytest.fixture(autouse=True)
def bounded(spark: SparkSession, tmp_path: Path) -> Iterator[None]:
    """Each test ends within the bound, and leaves nothing; the next gang runs."""
    with use_engine(spark, HYDROFOIL):
        started = time.monotonic()
        with nothing_left(tmp_path):
            yield
        assert time.monotonic() - started < BOUND_S
        assert list(gang.run(lambda ctx: ctx.all_gather(ctx.rank), num_tasks=2)) == [[0, 1]] * 2


def here(ctx: Any, folder: str) -> None:
    Path(folder, f"rank-{ctx.rank}-{os.getpid()}").touch()
    ctx.barrier()


def why_the_last_stage_failed(spark: SparkSession) -> str:
    context = spark.sparkContext
    context._jsc.sc().listenerBus().waitUntilEmpty()
    tracker = context.statusTracker()
    job = tracker.getJobInfo(max(tracker.getJobIdsForGroup(None)))
    assert job is not None
    stage = context._jsc.sc().statusStore().lastStageAttempt(max(job.stageIds))
    return str(stage.failureReason())


def test_a_rank_raises(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 1:
            raise ValueError("boom")
        ctx.barrier()

    with pytest.raises(UserError) as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),))
    error = caught.value
    assert (error.rank, error.attempt) == (1, 0)
    assert error.host and error.host in str(error)
    assert str(error).startswith(f"rank 1 of 2 on {error.host} raised ValueError: boom\n")
    assert 'raise ValueError("boom")' in error.remote_traceback
    assert "hydrofoil/gang" not in error.remote_traceback
    assert type(error.__cause__) is ValueError and error.__cause__.args == ("boom",)
    # The job was cancelled for it: no task failed, so Spark logs no stack of the JVM.
    assert "cancelled because rank 1 of 2" in why_the_last_stage_failed(spark)


def test_peers_in_their_own_code_end_too(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 0:
            raise KeyError("x")
        time.sleep(600)

    with pytest.raises(UserError, match=r"rank 0 of 2 .* raised KeyError: 'x'"):
        gang.run(train, num_tasks=2, args=(str(tmp_path),))


def test_an_exception_that_does_not_pickle(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        class Odd(Exception):
            def __init__(self, one: int, two: int) -> None:
                super().__init__(f"{one} and {two}")

        here(ctx, folder)
        raise Odd(1, 2)

    with pytest.raises(UserError, match="1 and 2") as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),))
    assert caught.value.__cause__ is None
    assert "raise Odd(1, 2)" in caught.value.remote_traceback


def test_a_rank_calls_os_exit(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 1:
            os._exit(3)
        ctx.barrier()

    with pytest.raises(RankCrashed, match=r"rank 1 of 2 on .* ended without a word") as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),))
    assert caught.value.rank == 1


def test_a_rank_is_killed_in_a_collective(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 1:
            pid = os.getpid()
            threading.Timer(1.5, os.kill, (pid, signal.SIGKILL)).start()
            ctx.all_gather(1)
        time.sleep(600)

    with pytest.raises(RankCrashed, match="rank 1 of 2") as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),))
    assert "ctx.all_gather" in str(caught.value) or "in train" in str(caught.value)


def test_what_peers_of_a_killed_rank_raise_is_not_the_cause(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Rank 0 raises within milliseconds of its peer's end, as torch's gloo does."""

    def train(ctx: Any, folder: str) -> None:
        import socket

        here(ctx, folder)
        if ctx.rank == 0:
            with socket.create_server((ctx.local_address(), 0)) as server:
                ctx.broadcast(server.getsockname(), 0)
                connection, _ = server.accept()
                if not connection.recv(1):
                    raise RuntimeError("Connection closed by peer [127.0.0.1]:1234")
        connection = socket.create_connection(ctx.broadcast(None, 0))
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(RankCrashed, match="rank 1 of 2") as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),))
    assert [(other.rank, other.what) for other in caught.value.others] == [
        (0, "RuntimeError: Connection closed by peer [127.0.0.1]:1234")
    ]


def test_a_rank_sleeps_before_a_barrier(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 1:
            time.sleep(600)
        ctx.barrier()

    with pytest.raises(HangError) as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),), timeout=2.0)
    error = caught.value
    assert (error.op, error.entered, error.missing) == ("barrier #2", [0], [1])
    assert "barrier #2: rank 0 waited 2 s for rank 1" in str(error)
    assert "in train" in error.stacks[1]
    assert "in train" in str(error)


def test_a_rank_stands_still(spark: SparkSession, tmp_path: Path) -> None:
    """As in native code that keeps Python's lock."""

    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 1:
            os.kill(os.getpid(), signal.SIGSTOP)
        while not ctx.stopping:
            time.sleep(0.1)

    with pytest.raises(HangError, match=r"rank 1 did not answer for [34] s") as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),), timeout=1.0)
    assert caught.value.missing == [1]


def test_a_rank_returns_while_others_wait(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 0:
            ctx.barrier()

    started = time.monotonic()
    with pytest.raises(HangError, match="rank 0 waits for rank 1, whose function has returned"):
        gang.run(train, num_tasks=2, args=(str(tmp_path),))
    assert time.monotonic() - started < BOUND_S < 300  # The default timeout is not waited out.


def test_ranks_call_different_collectives(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        ctx.barrier() if ctx.rank else ctx.all_gather(1)

    with pytest.raises(HangError, match=r"but rank . called (barrier|all_gather)"):
        gang.run(train, num_tasks=2, args=(str(tmp_path),))


def test_no_progress(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        ctx.report(step=1)
        time.sleep(600)

    with pytest.raises(HangError, match="no rank has reported progress for"):
        gang.run(train, num_tasks=2, args=(str(tmp_path),), progress_timeout=2.0)


def test_a_collective_of_a_framework_stalls(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == 0:
            with ctx.note("collective torch.all_reduce"):
                time.sleep(600)
        time.sleep(600)

    with pytest.raises(HangError, match=r"torch.all_reduce: rank 0 waited 2 s for rank 1"):
        gang.run(train, num_tasks=2, args=(str(tmp_path),), timeout=2.0)


def test_ctrl_c(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        ctx.log("running")
        while not ctx.stopping:
            time.sleep(0.05)
        Path(folder, "stopped politely").touch()
        time.sleep(600)

    def interrupt(update: Any) -> None:
        if update.kind == "log" and update.rank == 0:
            threading.Timer(0.5, _thread.interrupt_main).start()

    with pytest.raises(KeyboardInterrupt):
        gang.run(train, num_tasks=2, args=(str(tmp_path),), on_progress=interrupt)
    assert (tmp_path / "stopped politely").exists()


def test_cancelled_by_spark(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        ctx.log("running")
        time.sleep(600)

    def cancel(update: Any) -> None:
        if update.kind == "log" and update.rank == 0:
            spark.sparkContext.cancelAllJobs()

    with pytest.raises(Cancelled, match="cancelled"):
        gang.run(train, num_tasks=2, args=(str(tmp_path),), on_progress=cancel)


ENDED = """
import threading
from hydrofoil import gang, session
from hydrofoil.gang.spark_job import SparkJob


def wait(ctx):
    threading.Event().wait(60)


def heard(update):
    if update.kind == "start":
        threading.Thread(target=spark.stop, daemon=True).start()


spark = session("local[2]", "ended", {"spark.ui.enabled": "false"})
try:
    gang.run(wait, spark.range(100), 1, balance="exact", on_progress=heard, progress=False)
except gang.GangError as error:
    print(type(error).__name__)
# By then a gang that began a moment later may have a job that Spark doesn't know.
job = SparkJob(spark, wait, 1, "tag", "description")
job.cancel("the session was stopped")
print(job.waits())
"""


def test_the_session_is_stopped_meanwhile() -> None:
    """Rows that were kept can't be given back then, which is not what has ended the gang."""
    done = subprocess.run(
        [sys.executable, "-c", ENDED], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["Cancelled", "False"], done.stderr[-3000:]


def test_a_result_that_does_not_pickle(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> Any:
        here(ctx, folder)
        return threading.Lock() if ctx.rank == 1 else None

    with pytest.raises(ResultError, match=r"rank 1 on .* returned a lock, which can't be pickled"):
        gang.run(train, num_tasks=2, args=(str(tmp_path),))


def test_a_function_that_does_not_pickle(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="can't be sent to ranks"):
        gang.run(lambda ctx: spark.range(1), num_tasks=2)


def test_slots_that_are_busy(spark: SparkSession, tmp_path: Path) -> None:
    busy = threading.Event()

    def hold(_: Any) -> Iterator[Any]:
        time.sleep(60)
        yield from ()

    def occupy() -> None:
        spark.sparkContext.addJobTag("busy")
        busy.set()
        with pytest.raises(Exception, match="cancel"):
            spark.range(0, 1, 1, 1).mapInArrow(hold, "id long").collect()

    from pyspark import InheritableThread

    thread = InheritableThread(target=occupy)
    thread.start()
    busy.wait()
    time.sleep(1.0)
    try:
        with pytest.raises(StartTimeout, match="0 of 2 ranks started within 2 s") as caught:
            gang.run(lambda ctx: None, num_tasks=2, start_timeout=2.0)
        assert caught.value.missing == [0, 1]
    finally:
        spark.sparkContext.cancelJobsWithTag("busy")
        thread.join()


def test_what_spark_computes_first_fails(spark: SparkSession) -> None:
    from pyspark.sql import functions as F

    df = spark.range(10).select(F.expr("assert_true(id < 5, 'too large')"), "id")
    with pytest.raises(GangError, match="too large") as caught:
        gang.run(lambda ctx: ctx.data.num_rows, df, num_tasks=2)
    assert caught.value.__cause__ is not None


def test_parts_without_rows(spark: SparkSession, tmp_path: Path) -> None:
    df = spark.range(1)
    with pytest.raises(EmptyPartition, match=r"rank\(s\) . have no rows: (1, 0|0, 1) by rank"):
        gang.run(here, df, num_tasks=2, args=(str(tmp_path),))
    rows = gang.run(count_rows, df, num_tasks=2, allow_empty=True)
    assert sorted(rows) == [0, 1]


def test_a_dataframe_without_rows(spark: SparkSession, tmp_path: Path) -> None:
    df = spark.range(10).where("id > 10")
    for balance in ("rows", "exact"):
        with pytest.raises(EmptyPartition) as caught:
            gang.run(here, df, num_tasks=2, balance=balance, args=(str(tmp_path),))
        assert (caught.value.ranks, caught.value.counts) == ([0, 1], [0, 0])
    assert list(gang.run(count_rows, df, num_tasks=2, allow_empty=True)) == [0, 0]


def test_parts_that_are_not_equal(spark: SparkSession) -> None:
    df = spark.range(0, 101, 1, 3)
    assert list(gang.run(count_rows, df, num_tasks=2, balance="exact")) == [51, 50]
    by_key = gang.run(
        count_rows, df.selectExpr("id < 1 as k"), num_tasks=2, balance="key:k", allow_empty=True
    )
    assert sum(by_key) == 101


def count_rows(ctx: Any) -> int:
    return sum(batch.num_rows for batch in ctx.data.arrow())


def test_a_rank_of_an_old_attempt_writes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """Rank 0 of attempt 0 goes on after its peer's end, in a process that outlives the attempt."""

    def train(ctx: Any, folder: str) -> str:
        here(ctx, folder)
        if ctx.attempt == 0 and ctx.rank == 1:
            os._exit(1)
        if ctx.attempt == 0:
            while not ctx.stopping:
                time.sleep(0.01)
            try:
                ctx.check_current()
            except gang.StaleAttempt as error:
                Path(folder, "stale").write_text(str(error))
                raise
            Path(folder, "written").touch()
        return f"attempt {ctx.attempt}"

    result = gang.run(train, num_tasks=2, args=(str(tmp_path),), max_restarts=1, backoff=0.1)
    assert list(result) == ["attempt 1"] * 2
    assert "rank 0 of attempt 0 is no longer wanted" in (tmp_path / "stale").read_text()
    assert not (tmp_path / "written").exists()
    [error] = result.attempts
    assert isinstance(error, RankCrashed) and error.attempt == 0


def test_restarts_are_used_up(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        if ctx.rank == ctx.attempt % 2:
            os._exit(1)
        ctx.barrier()

    with pytest.raises(RestartsExhausted, match="all 3 attempts failed") as caught:
        gang.run(train, num_tasks=2, args=(str(tmp_path),), max_restarts=2, backoff=0.1)
    assert [error.rank for error in caught.value.attempts] == [0, 1, 0]
    assert caught.value.__cause__ is caught.value.attempts[-1]


def test_errors_of_the_function_are_not_retried(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> None:
        here(ctx, folder)
        Path(folder, f"attempt-{ctx.attempt}").touch()
        raise ValueError

    with pytest.raises(UserError):
        gang.run(train, num_tasks=2, args=(str(tmp_path),), max_restarts=2, backoff=0.1)
    assert len(list(tmp_path.glob("attempt-*"))) == 1


def test_the_spool_is_full(spark: SparkSession, tmp_path: Path) -> None:
    spool = gang.Spool(dir=str(tmp_path / "spool"), max_bytes=1000)
    (tmp_path / "spool").mkdir()
    with pytest.raises(gang.SpoolError, match=r"rank . has no room .* allows no more") as caught:
        gang.run(count_rows, spark.range(10_000), num_tasks=2, spool=spool)
    assert caught.value.rank in (0, 1) and caught.value.host
    assert os.listdir(tmp_path / "spool") == []


class Bomb:
    """Ends the process that pickles it."""

    def __reduce__(self) -> Any:
        os._exit(1)


def test_a_checkpoint_is_killed_halfway(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str) -> int:
        here(ctx, folder)
        began: int = ctx.checkpoint.restore(default=0)
        for step in range(began, 5):
            last = ctx.attempt == 0 and step == 3
            ctx.checkpoint.save([bytes(1 << 20), Bomb()] if last else step + 1, step=step + 1)
        return began

    store = tmp_path / "store"
    result = gang.run(
        train, num_tasks=2, args=[str(tmp_path)], checkpoint=str(store), max_restarts=1, backoff=0.1
    )
    assert list(result) == [3, 3]
    assert result.checkpoint.step == 5
    assert [error.rank for error in result.attempts] == [0]
    assert [name for name in os.listdir(store) if "tmp" in name] == []


def test_the_checkpoint_store_is_gone(spark: SparkSession, tmp_path: Path) -> None:
    def train(ctx: Any, folder: str, store: str) -> None:
        import shutil

        here(ctx, folder)
        ctx.checkpoint.save({"step": 1}, step=1)
        ctx.barrier()
        if ctx.rank == 0:
            shutil.rmtree(store)
            Path(store).touch()
            ctx.checkpoint.save({"step": 2}, step=2)
        ctx.barrier()

    store = str(tmp_path / "store")
    with pytest.raises(gang.CheckpointError, match=r"rank 0 on .* can't save step 2 as") as caught:
        gang.run(train, num_tasks=2, args=[str(tmp_path), store], checkpoint=store)
    assert caught.value.rank == 0
