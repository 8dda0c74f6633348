"""The recorder, on a real Spark."""

import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, udf, udtf

from hydrofoil.recordings.recording import SUFFIX, Recording
from hydrofoil.tools.replay import recorder
from hydrofoil.tools.replay.recorder import (
    FOLDER_VARIABLE,
    TeeReader,
    _session_folder,
    record,
)
from hydrofoil.tools.replay.stream import eval_type, group_section, input_columns, input_rows


def plus_one(x: int) -> int:
    return x + 1


def test_one_recording_for_each_task(spark: SparkSession) -> None:
    f = udf(plus_one, "long")
    recordings = record(spark, lambda: spark.range(0, 30, 1, 3).select(f("id")).collect())
    assert len(recordings) == 3
    assert sorted(x for r in recordings for x in input_columns(r)[0]) == list(range(30))
    assert all(r.spark == spark.version for r in recordings)


def test_sessions_with_hydrofoils_worker_are_recorded(spark: SparkSession) -> None:
    conf = spark.sparkContext._jsc.sc().conf()
    conf.set("spark.python.worker.module", "hydrofoil.worker")
    try:
        f = udf(plus_one, "long")
        (recording,) = record(spark, lambda: spark.range(0, 30, 1, 1).select(f("id")).collect())
    finally:
        conf.remove("spark.python.worker.module")
    assert input_columns(recording) == [list(range(30))]


@pytest.mark.parametrize("arrow", [True, False])
def test_arguments_and_rows_of_both_row_paths(spark: SparkSession, arrow: bool) -> None:
    f = udf(lambda x, s: f"{x}{s}", "string", useArrow=arrow)
    data = spark.range(0, 500, 1, 1).selectExpr("id", "if(id % 7 = 0, null, cast(id as string)) s")
    (recording,) = record(spark, lambda: data.select(f("id", "s")).collect())
    assert input_rows(recording) == 500
    assert input_columns(recording) == [
        list(range(500)),
        [None if x % 7 == 0 else str(x) for x in range(500)],
    ]


def test_rows_of_groups(spark: SparkSession) -> None:
    data = spark.range(0, 60, 1, 1).selectExpr("id % 4 as g", "id")
    query = data.groupBy("g").applyInPandas(lambda frame: frame, data.schema)
    recordings = record(spark, query.collect)
    assert sum(input_rows(recording) or 0 for recording in recordings) == 60
    assert {eval_type(recording) for recording in recordings} == {201}


def test_groups_can_be_sent_again(spark: SparkSession) -> None:
    data = spark.range(0, 60, 1, 1).selectExpr("id % 4 as g", "id").repartition(1)
    query = data.groupBy("g").applyInPandas(lambda frame: frame, data.schema)
    (recording,) = record(spark, query.collect)
    start, end = group_section(recording)
    content = recording.data
    twice = content[:end] + content[start:]
    assert input_rows(replace(recording, data=twice)) == 120
    (plain,) = record(spark, data.select(udf(plus_one, "long")("id")).collect)
    with pytest.raises(ValueError, match="has no groups"):
        group_section(plain)


def test_rows_of_cogroups(spark: SparkSession) -> None:
    left = spark.range(0, 60, 1, 1).selectExpr("id % 4 as g", "id")
    right = spark.range(0, 40, 1, 1).selectExpr("id % 5 as g", "id")
    pairs = left.groupBy("g").cogroup(right.groupBy("g"))
    query = pairs.applyInArrow(lambda left, right: left, left.schema)
    recordings = record(spark, query.collect)
    assert sum(input_rows(recording) or 0 for recording in recordings) == 100
    assert {eval_type(recording) for recording in recordings} == {210}


def test_rows_of_a_table_function(spark: SparkSession) -> None:
    class Twice:
        def eval(self, x: int) -> Iterator[tuple[int]]:
            yield (x,)
            yield (x,)

    function = udtf(Twice, returnType="x long", useArrow=True)
    query = spark.range(0, 30, 1, 1).lateralJoin(function(col("id").outer()))
    (recording,) = record(spark, query.collect)
    assert input_rows(recording) == 30
    assert eval_type(recording) == 301


def test_reused_workers_record_every_query(spark: SparkSession) -> None:
    f = udf(plus_one, "long")
    for rows in (10, 20, 30):
        query = spark.range(0, rows, 1, 1).select(f("id"))
        (recording,) = record(spark, query.collect)
        assert input_rows(recording) == rows


def test_session_is_left_as_it_was(spark: SparkSession) -> None:
    conf: Any = spark.sparkContext._jsc.sc().conf()
    before = conf.get("spark.python.daemon.module", "pyspark.daemon")

    def fail() -> None:
        raise KeyError("from the query")

    with pytest.raises(KeyError, match="from the query"):
        record(spark, fail)
    assert conf.get("spark.python.daemon.module", "pyspark.daemon") == before
    assert record(spark, lambda: None) == []


def test_columns_that_are_not_flat_are_refused(spark: SparkSession) -> None:
    f = udf(lambda r: r.a, "long")
    data = spark.range(0, 5, 1, 1).selectExpr("named_struct('a', id) as r")
    (recording,) = record(spark, lambda: data.select(f("r")).collect())
    assert input_rows(recording) == 5
    with pytest.raises(ValueError, match=r"struct<a: int64.*>, not of a flat type"):
        input_columns(recording)


def test_recorder_without_a_daemon_is_refused(spark: SparkSession) -> None:
    conf: Any = spark.sparkContext._jsc.sc().conf()
    conf.set("spark.python.use.daemon", "false")
    try:
        with pytest.raises(ValueError, match=r"spark\.python\.use\.daemon"):
            record(spark, lambda: None)
    finally:
        conf.set("spark.python.use.daemon", "true")


def local_spark() -> Any:
    """As much of a session as a recorder asks for, whose JVM is this process."""
    conf = {"spark.python.use.daemon": "true"}
    settings = SimpleNamespace(get=conf.get, set=conf.__setitem__)
    context = SimpleNamespace(master="local[1]", _jsc=Mock(), _jvm=Mock())
    context._jsc.sc().conf.return_value = settings
    context._jvm.java.lang.ProcessHandle.current().pid.return_value = os.getpid()
    return SimpleNamespace(sparkContext=context)


@contextmanager
def workers_at_it(folder: Path) -> Iterator[list[BaseException]]:
    """Workers that begin and end tasks all the time; gives the errors of theirs."""
    done = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        while not done.is_set():
            try:
                tee = TeeReader(io.BytesIO(b"abc"), folder)
                tee.read()
                tee.finish()
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield errors
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_workers_that_are_still_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(recorder, "_wait_until_finished", lambda folder: None)
    with workers_at_it(_session_folder(os.getpid())) as errors:
        for _ in range(30):
            # They change names while the folder is read.
            with suppress(FileNotFoundError):
                record(local_spark(), lambda: time.sleep(0.01))
    assert not errors
    assert not list(tmp_path.iterdir())


def test_a_session_that_is_recorded_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ValueError, match="which is there already"):
        record(local_spark(), lambda: record(local_spark(), lambda: None))
    assert not list(tmp_path.iterdir())


def test_tee_keeps_what_was_read_and_nothing_else(tmp_path: Path) -> None:
    source = io.BytesIO(b"0123456789\nabcdef")
    tee = TeeReader(source, tmp_path)
    buffer = bytearray(3)
    assert tee.read(2) == b"01"
    assert tee.readinto(buffer) == 3
    assert bytes(buffer) == b"234"
    assert tee.readline() == b"56789\n"
    assert tee.read1(3) == b"abc"
    assert not list(tmp_path.glob(f"*{SUFFIX}"))
    tee.finish()
    (path,) = tmp_path.iterdir()
    assert path.suffix == SUFFIX
    assert path.stat().st_mode & 0o777 == 0o600
    assert Recording.load(path).data == b"0123456789\nabc"


def test_tee_that_read_nothing_leaves_no_file(tmp_path: Path) -> None:
    tee = TeeReader(io.BytesIO(), tmp_path)
    assert tee.read(4) == b""
    tee.finish()
    assert not list(tmp_path.iterdir())


def test_folder_variable_has_the_projects_prefix() -> None:
    assert FOLDER_VARIABLE.startswith("HYDROFOIL_")
