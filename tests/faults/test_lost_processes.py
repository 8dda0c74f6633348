"""Daemons, workers and connections that are lost in mid-task: stock's outcome, no process stays."""

import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from faults.conftest import Alike, next_query
from faults.outcomes import CRASHED, outcome
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    use_conf,
    use_core_conf,
    use_engine,
    use_environment,
)

ROWS = 20_000
# Most rows are still to be sent, and some answers have been.
AT = 4_000
CONF = {"spark.sql.execution.arrow.maxRecordsPerBatch": "1000"}
# In which Spark has read the answers that there are.
WAIT = 0.5
ANSWER = ROWS * (ROWS + 1) // 2


def acting(act: Callable[[], Any]) -> Callable[[int], int]:
    def function(x: int) -> int:
        if x == AT:
            act()
        return x + 1

    return function


def total(spark: SparkSession, act: Callable[[], Any], use_arrow: bool = True) -> int:
    column = udf(acting(act), "long", useArrow=use_arrow)("id").alias("n")
    [[found]] = spark.range(0, ROWS, 1, 1).select(column).selectExpr("sum(n)").collect()
    return int(found)


def awaited(look: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return seen


def gone(path: Path) -> bool:
    """Whether the processes that have noted themselves down there are no more."""
    return not any(psutil.pid_exists(int(name)) for name in os.listdir(path))


def send_to_daemon(number: int) -> None:
    os.kill(os.getppid(), number)
    time.sleep(0.2)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGSEGV, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
    ],
    ids=lambda number: number.name,
)
def test_a_daemon_that_is_lost(spark: SparkSession, number: signal.Signals) -> None:
    """Workers outlive a daemon that is killed; one that is asked to end takes them along."""
    found = []
    for engine in (WARM_STOCK, HYDROFOIL):
        # Nobody else's daemon.
        with (
            use_engine(spark, engine),
            use_environment(spark, {"HYDROFOIL_TEST_DAEMON": number.name}),
            use_conf(spark, CONF),
        ):
            found.append(outcome(lambda: total(spark, lambda: send_to_daemon(number))))
            assert total(spark, int) == ANSWER
            assert next_query(spark) == [0, 2, 4, 6]
    stock, ours = found
    assert ours == stock
    expected = ("Py4JJavaError", CRASHED) if number == signal.SIGTERM else ("value", ANSWER)
    assert ours == expected


def stop_daemons(spark: SparkSession) -> None:
    """End them as the JVM does that takes them for lost."""
    environment = spark.sparkContext._jsc.sc().env()
    # Methods of this class can't be listed: some take what Spark has under other names.
    of_class = spark._jvm.java.lang.Class.forName("org.apache.spark.SparkEnv")
    workers = of_class.getDeclaredField("pythonWorkers")
    workers.setAccessible(True)
    factories = workers.get(environment).values().iterator()
    while factories.hasNext():
        factories.next().stop()


@contextmanager
def stderr_of_jvm(spark: SparkSession, file: Path) -> Iterator[None]:
    """Have a file hold what the JVM's daemons print, of those that start meanwhile."""
    system = spark._jvm.System
    before = system.err
    system.setErr(spark._jvm.java.io.PrintStream(str(file)))
    try:
        yield
    finally:
        system.setErr(before)


WAYS = {
    # Whose daemon comes next, and whether the task goes on.
    "stock's": (WARM_STOCK, "its own", False),
    "replaced": (HYDROFOIL, "its own", True),
    "stopped": (HYDROFOIL, "nobody's", False),
    # As after a session that was stopped, whose tasks the JVM does not end.
    "followed": (HYDROFOIL, "another's", False),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_daemon_that_the_jvm_ends(spark: SparkSession, tmp_path: Path, way: str) -> None:
    """Tasks go on where it starts another one, and else end as under stock; no process stays."""
    engine, next_daemon, goes_on = WAYS[way]

    def slow(x: int) -> int:
        if x == 0:
            for process in (os.getpid(), os.getppid()):
                (tmp_path / str(process)).touch()
            until = time.monotonic() + (5 if goes_on else 600)
            while time.monotonic() < until:
                time.sleep(0.1)
                # The JVM does not read it any more: more than a pipe holds.
                print("." * 4000, file=sys.stderr, flush=True)
            print("the last", file=sys.stderr, flush=True)
        return x + 1

    answers = []

    def ask() -> None:
        column = udf(slow, "long")("id").alias("n")
        answers.append(
            outcome(lambda: [row.n for row in spark.range(0, 2, 1, 1).select(column).collect()])
        )

    environment = use_environment(spark, {"HYDROFOIL_TEST_DAEMON": way})
    log = tmp_path.with_suffix(".log")
    with use_engine(spark, engine), environment, stderr_of_jvm(spark, log):
        asking = threading.Thread(target=ask)
        asking.start()
        assert awaited(lambda: len(os.listdir(tmp_path)) == 2)
        stop_daemons(spark)
        other = {"HYDROFOIL_TEST_DAEMON": "another's"} if next_daemon == "another's" else {}
        if next_daemon != "nobody's":
            with use_environment(spark, other):
                assert next_query(spark) == [0, 2, 4, 6]
        asking.join(60)
        assert answers == [("value", [1, 2]) if goes_on else ("Py4JJavaError", CRASHED)]
        assert not goes_on or awaited(lambda: "the last" in log.read_text())
        assert next_query(spark) == [0, 2, 4, 6]
        stop_daemons(spark)  # And what is left of the first, whose worker may be reused.
        assert awaited(lambda: gone(tmp_path))


# The worker's connection has this many descriptors, and user code finds them all.
def shut(how: int) -> None:
    for descriptor in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as connection:
                    connection.settimeout(None)
                    connection.shutdown(how)
        except OSError:
            continue


@pytest.mark.parametrize("use_arrow", [True, False], ids=["arrow", "pickled"])
@pytest.mark.parametrize("way", ["SHUT_WR", "SHUT_RDWR"])
def test_a_connection_that_is_shut(
    spark: SparkSession, alike: Alike, way: str, use_arrow: bool
) -> None:
    how = getattr(socket, way)
    with use_conf(spark, CONF):
        what, _ = alike(lambda: total(spark, lambda: shut(how), use_arrow), essential=False)
    assert what == "error"


def cancelled_after(
    spark: SparkSession, folder: Path, action: Callable[[], Any], cancel: Callable[[], Any]
) -> tuple[str, Any]:
    """Run an action that is cancelled once a process has noted itself down in the folder.

    Spark kills a worker that it waits for. Were it at work on answers, the task would end at once,
    and its worker with its function.
    """

    def wait() -> None:
        awaited(lambda: os.listdir(folder))
        time.sleep(WAIT)
        cancel()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        return outcome(action)
    finally:
        thread.join()


def noting(folder: Path, then: Callable[[], Any]) -> Callable[[], Any]:
    def act() -> None:
        (folder / str(os.getpid())).touch()
        then()

    return act


WAITS: dict[str, Callable[[], Any]] = {
    "stands still": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "sleeps": lambda: time.sleep(600),
    "computes": lambda: sum(iter(int, 1)),
    "ignores signals": lambda: (signal.signal(signal.SIGTERM, signal.SIG_IGN), time.sleep(600)),
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_cancelled_task_that(spark: SparkSession, tmp_path: Path, wait: str) -> None:
    """It ends in time, its worker is gone, and the next query works."""
    context = spark.sparkContext
    for engine in (WARM_STOCK, HYDROFOIL):
        folder = tmp_path / engine.name
        folder.mkdir()
        with (
            use_engine(spark, engine),
            use_core_conf(spark, {"spark.python.task.killTimeout": "200ms"}),
        ):

            def query(folder: Path = folder) -> int:
                context.setJobGroup("cancelled", "is cancelled", interruptOnCancel=True)
                try:
                    return total(spark, noting(folder, WAITS[wait]))
                finally:
                    for key in ("spark.jobGroup.id", "spark.job.interruptOnCancel"):
                        context.setLocalProperty(key, None)

            what, why = cancelled_after(
                spark, folder, query, lambda: context.cancelJobGroup("cancelled")
            )
            assert what != "value" and "cancelled" in why, engine.name
            assert awaited(lambda folder=folder: gone(folder)), engine.name
            assert next_query(spark) == [0, 2, 4, 6]


# Spark sends what fills its buffer, and is at work on the function's other rows for seconds.
FIRST = 10_000
SLOW_ROWS = f"id < {FIRST} or aggregate(sequence(0, 1000000), 0L, (sum, x) -> sum + x) > 0"


@pytest.mark.slow
def test_a_cancelled_task_whose_rows_are_still_made(spark: SparkSession, tmp_path: Path) -> None:
    """It ends at once, so Spark kills no worker: that ends when it next reads or writes."""
    context = spark.sparkContext
    for engine in (WARM_STOCK, HYDROFOIL):
        folder, go = tmp_path / engine.name, tmp_path / f"{engine.name} goes on"
        folder.mkdir()

        def wait(go: Path = go) -> None:
            while not go.exists():
                time.sleep(0.01)

        def query(folder: Path = folder, wait: Callable[[], None] = wait) -> int:
            context.setJobGroup("cancelled", "is cancelled", interruptOnCancel=True)
            try:
                act = noting(folder, wait)
                column = udf(lambda x: act() if x == 0 else x, "long", useArrow=True)("id")
                frame = spark.range(0, FIRST + 40, 1, 1).where(SLOW_ROWS).select(column.alias("n"))
                return int(frame.selectExpr("sum(n)").head()[0])
            finally:
                for key in ("spark.jobGroup.id", "spark.job.interruptOnCancel"):
                    context.setLocalProperty(key, None)

        with (
            use_engine(spark, engine),
            use_conf(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": str(FIRST)}),
            # Longer than it takes.
            use_core_conf(spark, {"spark.python.task.killTimeout": "120s"}),
        ):
            what, why = cancelled_after(
                spark, folder, query, lambda: context.cancelJobGroup("cancelled")
            )
            assert what != "value" and "cancelled" in why, engine.name
            assert next_query(spark) == [0, 2, 4, 6]
            assert not gone(folder), engine.name
            go.touch()
            assert awaited(lambda folder=folder: gone(folder)), engine.name
            assert next_query(spark) == [0, 2, 4, 6]


# --- queries that stop asking


def endless(marks: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A function that says when it is closed, as files and connections have to be."""

    def function(batches: Iterator[Any]) -> Iterator[Any]:
        mark = Path(marks, str(os.getpid()))
        mark.touch()
        try:
            for batch in batches:
                while True:
                    yield batch
        finally:
            mark.write_text("closed")

    return function


def finite(marks: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def function(batches: Iterator[Any]) -> Iterator[Any]:
        mark = Path(marks, str(os.getpid()))
        mark.touch()
        try:
            yield from batches
        finally:
            mark.write_text("closed")

    return function


ENDS: dict[str, Callable[[Any], int]] = {
    "limit": lambda frame: len(frame.limit(5).collect()),
    "take": lambda frame: len(frame.take(5)),
    "first": lambda frame: len(frame.first()),
    "isEmpty": lambda frame: int(frame.isEmpty()),
    "an iteration that is left": lambda frame: len([*islice(frame.toLocalIterator(), 5)]),
}


@pytest.mark.parametrize("generator", [endless, finite], ids=lambda made: made.__name__)
@pytest.mark.parametrize("end", ENDS)
def test_a_generator_is_closed_at(
    spark: SparkSession,
    alike: Alike,
    tmp_path: Path,
    end: str,
    generator: Callable[[str], Callable[[Iterator[Any]], Iterator[Any]]],
) -> None:
    """Its `finally` runs once no more is asked for, however much it could still give."""
    frame = spark.range(0, 200_000, 1, 1)
    runs = iter(range(9))
    frames = []

    def query() -> tuple[int, set[str]]:
        marks = tmp_path / str(next(runs))
        marks.mkdir()
        made = frame.mapInArrow(generator(str(marks)), "id long")
        frames.append(made)
        rows = ENDS[end](made)

        def closed() -> bool:
            return {path.read_text() for path in marks.iterdir()} == {"closed"}

        awaited(closed, 10)
        return rows, {path.read_text() for path in marks.iterdir()}

    if end == "an iteration that is left" and generator is endless:
        pytest.skip("its partition has no end, and is collected as a whole")
    with use_conf(spark, CONF):
        answer = alike(query)
    assert answer == ("value", ({"first": 1, "isEmpty": 0}.get(end, 5), {"closed"}))
