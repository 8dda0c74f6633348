"""What functions do to their process: the answers, and what the next task meets, are stock's.

Workers are used again, so what one function leaves behind is there for the next.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import pandas_udf, udf

from faults.conftest import Alike
from faults.outcomes import CRASHED, outcome
from hydrofoil.tools.parity.engines import use_conf, use_environment

# See tests/conftest.py: kinds of functions take turns with what functions do.
ONE_IN = 8

ROWS = 6
AT = 3
# Several batches a task.
CONF = {"spark.sql.execution.arrow.maxRecordsPerBatch": "2"}
# Workers of this module alone; as its tasks come one by one, it is one worker.
ALONE = {"HYDROFOIL_TEST_USER_CODE": "1"}


def forks_a_child_that_ends() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def forks_a_child_that_stays() -> None:
    if os.fork() == 0:
        time.sleep(1)
        os._exit(0)


def forks_a_child_that_raises() -> None:
    if os.fork() == 0:
        raise ValueError("in the child")


def returns_from_the_fork() -> None:
    os.fork()


def starts_a_process() -> None:
    import subprocess

    subprocess.run(["true"], check=True)


def starts_processes_of_multiprocessing() -> None:
    import multiprocessing

    started = [multiprocessing.get_context("fork").Process(target=int) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join()
        assert process.exitcode == 0


def starts_threads() -> None:
    for daemon in (True, False):
        threading.Thread(target=time.sleep, args=(3600,), daemon=daemon, name="left").start()


def runs_an_event_loop() -> None:
    import asyncio

    asyncio.run(asyncio.sleep(0.001))


def closes_its_standard_streams() -> None:
    for descriptor in (0, 1, 2):
        os.close(descriptor)


def closes_all_descriptors() -> None:
    os.closerange(3, 256)


def limits_descriptors() -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, most))


def changes_folder() -> None:
    os.chdir("/")


def is_in_a_folder_that_is_removed() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)


def changes_the_time_zone() -> None:
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()


def changes_the_locale() -> None:
    import locale

    locale.setlocale(locale.LC_ALL, "C")


def handles_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)


def blocks_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})


def is_interrupted_all_the_time() -> None:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)


def stops_for_a_moment() -> None:
    if os.fork() == 0:
        time.sleep(0.3)
        os.kill(os.getppid(), signal.SIGCONT)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGSTOP)


def narrows_decimals() -> None:
    import decimal

    decimal.getcontext().prec = 3
    decimal.setcontext(decimal.Context(prec=2, traps=[decimal.Inexact]))


def empties_the_path() -> None:
    sys.path[:] = []


def empties_the_environment() -> None:
    os.environ.clear()


def replaces_stdout() -> None:
    sys.stdout = object()  # type: ignore[assignment]


def closes_stdout() -> None:
    sys.stdout.close()


def prints_megabytes() -> None:
    for _ in range(2000):
        print("x" * 1000)
        print("y" * 1000, file=sys.stderr)


def changes_the_mask_of_new_files() -> None:
    os.umask(0o077)


def allows_little_recursion() -> None:
    sys.setrecursionlimit(120)


def recurs_for_ever() -> None:
    recurs_for_ever()


def collects_no_garbage() -> None:
    import gc

    gc.disable()


def collects_garbage_all_the_time() -> None:
    import gc

    gc.set_threshold(1, 1, 1)


def makes_warnings_errors() -> None:
    import warnings

    warnings.simplefilter("error")


def makes_numpy_raise() -> None:
    import numpy

    numpy.seterr(all="raise")


def traces() -> None:
    sys.settrace(lambda *_: None)


def switches_threads_all_the_time() -> None:
    sys.setswitchinterval(1e-6)
    threading.Thread(target=lambda: sum(range(10**6)), daemon=True, name="sum").start()


def has_sockets_time_out() -> None:
    import socket

    socket.setdefaulttimeout(1e-6)


def leaves_an_object_that_fails_at_its_end() -> None:
    class Odd:
        def __del__(self) -> None:
            raise ValueError("at its end")

    Odd()


def raises_no_exception() -> None:
    class Odd(BaseException):
        pass

    raise Odd("none")


def raises_what_cannot_be_printed() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise ValueError("in __str__")

    raise Odd


def is_interrupted() -> None:
    raise KeyboardInterrupt


def ends_the_program() -> None:
    sys.exit(0)


def has_no_more() -> None:
    raise StopIteration("no more")


def has_no_memory() -> None:
    raise MemoryError("no more")


def crashes() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def is_terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def runs_out_of_time() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(5)


class Case(NamedTuple):
    """``error`` is what its text has, where the query fails.

    Without ``stock`` it is not run under stock, whose next query fails, hangs, or gets the answers
    of this one.
    """

    act: Callable[[], None]
    error: str = ""
    stock: bool = True


CASES = {
    "forks a child that ends": Case(forks_a_child_that_ends),
    "forks a child that stays": Case(forks_a_child_that_stays),
    "forks a child that raises": Case(forks_a_child_that_raises, stock=False),
    "returns from the fork": Case(returns_from_the_fork, stock=False),
    "starts a process": Case(starts_a_process),
    "starts processes of multiprocessing": Case(starts_processes_of_multiprocessing),
    "starts threads": Case(starts_threads),
    "runs an event loop": Case(runs_an_event_loop),
    "closes its standard streams": Case(closes_its_standard_streams),
    "closes all descriptors": Case(closes_all_descriptors, CRASHED),
    "limits descriptors": Case(limits_descriptors),
    "changes folder": Case(changes_folder),
    "is in a folder that is removed": Case(is_in_a_folder_that_is_removed),
    "changes the time zone": Case(changes_the_time_zone),
    "changes the locale": Case(changes_the_locale),
    "handles signals": Case(handles_signals),
    "blocks signals": Case(blocks_signals),
    "is interrupted all the time": Case(is_interrupted_all_the_time),
    "stops for a moment": Case(stops_for_a_moment),
    "narrows decimals": Case(narrows_decimals),
    "empties the path": Case(empties_the_path),
    "empties the environment": Case(empties_the_environment),
    "replaces stdout": Case(replaces_stdout),
    "closes stdout": Case(closes_stdout),
    "prints megabytes": Case(prints_megabytes),
    "changes the mask of new files": Case(changes_the_mask_of_new_files),
    "allows little recursion": Case(allows_little_recursion),
    "recurs for ever": Case(recurs_for_ever, "RecursionError"),
    "collects no garbage": Case(collects_no_garbage),
    "collects garbage all the time": Case(collects_garbage_all_the_time),
    "makes warnings errors": Case(makes_warnings_errors),
    "makes NumPy raise": Case(makes_numpy_raise),
    "traces": Case(traces),
    "switches threads all the time": Case(switches_threads_all_the_time),
    "has sockets time out": Case(has_sockets_time_out),
    "leaves an object that fails at its end": Case(leaves_an_object_that_fails_at_its_end),
    "raises no exception": Case(raises_no_exception, "none"),
    "raises what cannot be printed": Case(raises_what_cannot_be_printed, "x"),
    "is interrupted": Case(is_interrupted, "KeyboardInterrupt"),
    "ends the program": Case(ends_the_program, "SystemExit"),
    "has no more": Case(has_no_more, "StopIteration"),
    "has no memory": Case(has_no_memory, "MemoryError: no more"),
    "crashes": Case(crashes, CRASHED),
    "is killed": Case(is_killed, CRASHED),
    "is terminated": Case(is_terminated, CRASHED),
    "runs out of time": Case(runs_out_of_time, CRASHED),
}

# --- kinds of functions that do it


def plain(act: Callable[[], None]) -> Callable[[int], int]:
    def function(x: int) -> int:
        if x == AT:
            act()
        return x + 1

    return function


def of_arrow(frame: DataFrame, act: Callable[[], None]) -> DataFrame:
    return frame.select(udf(plain(act), "long", useArrow=True)("id"))


def of_pickled(frame: DataFrame, act: Callable[[], None]) -> DataFrame:
    return frame.select(udf(plain(act), "long", useArrow=False)("id"))


def of_pandas(frame: DataFrame, act: Callable[[], None]) -> DataFrame:
    def function(series: pd.Series) -> pd.Series:
        if AT in series.values:
            act()
        return series + 1

    return frame.select(pandas_udf(function, "long")("id"))


def of_map(frame: DataFrame, act: Callable[[], None]) -> DataFrame:
    def function(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = batch.column(0).to_pylist()
            if AT in numbers:
                act()
            yield pa.record_batch([pa.array([x + 1 for x in numbers], pa.int64())], ["id"])

    return frame.mapInArrow(function, "id long")


def of_groups(frame: DataFrame, act: Callable[[], None]) -> DataFrame:
    def function(group: pd.DataFrame) -> pd.DataFrame:
        if AT in group["id"].values:
            act()
        return group + 1

    return frame.coalesce(1).groupBy("id").applyInPandas(function, "id long")


KINDS = {
    "arrow": of_arrow,
    "pickled": of_pickled,
    "pandas": of_pandas,
    "map": of_map,
    "groups": of_groups,
}

# --- what the next task meets


def state() -> str:
    """What a process is like, as far as functions can change it and answers may depend on it."""
    import decimal
    import gc
    import locale
    import resource
    import socket
    import warnings

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)
    mask = os.umask(0o022)
    os.umask(mask)
    try:
        folder = os.getcwd() == "/"
    except FileNotFoundError:
        folder = None
    seen = {
        "folder": folder,
        "zone": time.tzname,
        "TZ": os.environ.get("TZ"),
        "variables": len(os.environ) > 5,
        "locale": locale.setlocale(locale.LC_ALL),
        "handlers": [str(signal.getsignal(number)) for number in (*numbers, signal.SIGPIPE)],
        "alarm": signal.getsignal(signal.SIGALRM) == signal.SIG_DFL,
        "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))),
        "decimal": repr(decimal.getcontext()),
        "path": len(sys.path) > 3,
        "stdout": type(sys.stdout).__name__,
        "mask": mask,
        "recursion": sys.getrecursionlimit(),
        "threads": sorted(thread.name for thread in threading.enumerate() if "left" in thread.name),
        "garbage": [gc.isenabled(), gc.get_threshold()],
        "trace": sys.gettrace() is None,
        "interval": sys.getswitchinterval(),
        "timeout": socket.getdefaulttimeout(),
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "warnings": warnings.filters[0][0],
    }
    return json.dumps(seen, sort_keys=True)


VALUES = {
    "d": "cast(id + 0.123456789012345678 as decimal(38, 18))",
    "t": "timestamp_seconds(id * 86400 * 200)",
    "a": "date_from_unix_date(cast(id * 200 as int))",
    "s": "array(concat('s', id), 'é', '漢')",
}


def what_the_next_task_meets(spark: SparkSession, use_arrow: bool) -> list[Any]:
    """The state of its process, and values of types whose conversion may depend on it."""
    look = udf(lambda i: "" if i else state(), "string", useArrow=use_arrow)
    frame = spark.range(0, 4, 1, 1).selectExpr("id", *(f"{v} {name}" for name, v in VALUES.items()))
    same = [udf(lambda v: v, kind, useArrow=use_arrow)(name) for name, kind in frame.dtypes[1:]]
    text = [udf(str, "string", useArrow=use_arrow)(name) for name in VALUES]
    return [tuple(row) for row in frame.select(look("id"), *same, *text).collect()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_a_function_that(spark: SparkSession, alike: Alike, case: str, kind: str) -> None:
    act, error, stock = CASES[case]
    frame = spark.range(0, ROWS, 1, 1)
    after = []

    def query() -> list[int]:
        with use_environment(spark, ALONE):
            try:
                rows = sorted(row[0] for row in KINDS[kind](frame, act).collect())
            finally:
                after.append(outcome(lambda: what_the_next_task_meets(spark, kind != "pickled")))
            # So that the next case begins with a new one.
            with pytest.raises(Exception, match="crashed"):
                of_arrow(frame, is_killed).collect()
            return rows

    with use_conf(spark, CONF):
        what, answer = alike(query, stock=stock)
    if error:
        assert what != "value"
        assert error in answer
    else:
        assert (what, answer) == ("value", [x + 1 for x in range(ROWS)])
    assert all(seen == after[0] for seen in after)
    assert after[0][0] == "value"
