"""Failures that are kept, and opened again without Spark."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.failures.kept import FOLDER_VARIABLE, VARIABLE
from hydrofoil.failures.notes import MARK
from hydrofoil.recordings.recording import SUFFIX, Recording
from hydrofoil.tools.parity.engines import HYDROFOIL, Engine, use_engine, use_environment
from tests.failures.planted import BAD, PLANTED
from tests.failures.test_which_row import message_of, place_of_group

COLUMNAR = Engine("hydrofoil, columnar", "hydrofoil.daemon", columnar=True)


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where workers of this module's queries keep up to three failures."""
    path = tmp_path_factory.mktemp("kept") / "failures"
    with use_environment(spark, {VARIABLE: "3", FOLDER_VARIABLE: str(path)}):
        yield path


def kept(spark: SparkSession, name: str, folder: Path, engine: Engine) -> Path:
    """The file of a query that fails; the only one in the folder."""
    for path in folder.glob("*"):
        path.unlink()
    with use_engine(spark, engine):
        message = message_of(spark, name)
    (path,) = folder.iterdir()
    assert f"{MARK}kept on " in message
    assert str(path) in message
    return path


def debugged(path: Path, commands: str, *options: str) -> str:
    """What ``hydrofoil debug`` prints in an environment that has no Java."""
    command = [sys.executable, "-c", "from hydrofoil.tools.cli import main; main()", "debug"]
    environment = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "PATH")}
    done = subprocess.run(
        [*command, *options, str(path)],
        input=commands,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "engine", "commands", "shown"),
    [
        ("udf", COLUMNAR, "p s, n", f"('v{BAD}', {BAD})"),
        ("pickled udf", HYDROFOIL, "p s, n", f"('v{BAD}', {BAD})"),
        ("wrong result", HYDROFOIL, f"s\np n == {BAD}, 'here'", "(True, 'here')"),
        ("pandas_udf", COLUMNAR, "p int(n.max())", "799"),
        ("mapInArrow", HYDROFOIL, "up\np batch.num_rows", "100"),
        ("applyInPandas", HYDROFOIL, "p int(frame['k'].iloc[0])", "3"),
        ("applyInPandas", COLUMNAR, "p int(frame['k'].iloc[0])", "3"),
    ],
)
def test_the_debugger_has_the_rows_values(
    spark: SparkSession, folder: Path, name: str, engine: Engine, commands: str, shown: str
) -> None:
    path = kept(spark, name, folder, engine)
    printed = debugged(path, commands + "\nq\n")
    assert shown in printed
    where = PLANTED[name].where
    assert where.replace("PLACE", place_of_group(spark) if "PLACE" in where else "") in printed


def test_only_the_batch_is_kept_and_only_for_its_owner(spark: SparkSession, folder: Path) -> None:
    path = kept(spark, "pandas_udf", folder, HYDROFOIL)
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Recording.load(path).failure["rows"] == 200
    assert "n = " in debugged(path, "", "--report")


def test_no_more_are_kept_than_asked_for(spark: SparkSession, tmp_path: Path) -> None:
    """Of an executor: Spark starts a new daemon for it, too, when a task ends that has to wait for
    its worker.
    """
    where = tmp_path / "kept"
    own = use_environment(spark, {VARIABLE: "3", FOLDER_VARIABLE: str(where)})
    with use_engine(spark, HYDROFOIL), own:
        messages = [message_of(spark, "udf") for _ in range(2)]
        [[daemon]] = spark.range(1).select(udf(lambda _: os.getppid(), "long")("id")).collect()
        os.kill(daemon, signal.SIGKILL)
        messages += [message_of(spark, "udf") for _ in range(3)]
    assert len([*where.glob(f"*{SUFFIX}")]) == 3
    assert [f"{MARK}kept" in message for message in messages] == [True] * 3 + [False] * 2


def limits_its_files(frame: Any) -> Any:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    return frame[:1]


def test_a_disk_without_room_for_what_may_be_kept(spark: SparkSession) -> None:
    """The task goes on: nothing has failed but what would help if something did."""
    variables = {VARIABLE: "3", "THE_WORKERS_OF": "limits_its_files"}
    with use_engine(spark, HYDROFOIL), use_environment(spark, variables):
        data = spark.range(0, 3_000_000, 1, 1).selectExpr("id % 4 as k", "id")
        groups = data.groupBy("k").applyInPandas(limits_its_files, "k bigint, id bigint")
        assert sorted(tuple(row) for row in groups.collect()) == [(k, k) for k in range(4)]


def large_files(rows: Iterator[str]) -> Iterator[tuple[int, int]]:
    """How many rows there were, and the bytes of files without a name that this process has."""
    count = sum(1 for _ in rows)
    size = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # Of the list itself.
            file = os.fstat(int(number))
            size += 0 if file.st_nlink else file.st_size
    yield count, size


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="there is no /proc here")
def test_rows_of_rdds_fill_no_disk(spark: SparkSession) -> None:
    """Nothing would say which of them has failed, so nothing of them is kept."""
    with use_engine(spark, HYDROFOIL), use_environment(spark, {VARIABLE: "3"}):
        rows = spark.sparkContext.parallelize([chr(97 + i) * 2**20 for i in range(20)], 1)
        assert rows.mapPartitions(large_files).collect() == [(20, 0)]
