"""`gang.export` on real Spark: what is written, what is refused, and what a failed one leaves."""

import datetime
import decimal
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import polars
import psutil
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang
from hydrofoil.errors import UsageError
from hydrofoil.gang.dataset.errors import DatasetError, ExportError

ALL_TYPES = """
    bool boolean, i8 tinyint, i16 smallint, i32 int, i64 bigint, f32 float, f64 double,
    text string, bytes binary, day date, instant timestamp, local timestamp_ntz,
    money decimal(20, 4), large decimal(38, 10), wait interval day to second, nothing void,
    floats array<float>, names map<string, int>, pair struct<a: int, b: string>,
    deep array<struct<k: string, v: map<string, array<timestamp>>>>
"""


def all_types(spark: SparkSession) -> DataFrame:
    when = datetime.datetime(2024, 2, 29, 12, 30, 15, 123456)
    full = (
        *(True, 1, 2, 3, 4, 0.5, 0.25, "é\0", b"\0\xff", when.date(), when, when),
        *(decimal.Decimal("12.3456"), decimal.Decimal("1e20")),
        *(datetime.timedelta(days=1, microseconds=2), None, [1.0, None, 2.0], {"a": 1, "b": None}),
        *((1, None), [("k", {"x": [when, None], "y": None}), None]),
    )
    empty = (
        *(False, -1, -2, -3, -4, float("inf"), -0.0, "", b"", when.date(), when, when),
        *(decimal.Decimal(0), decimal.Decimal(0), datetime.timedelta(0), None, [], {}),
        *((None, ""), []),
    )
    rows = [full, tuple(None for _ in full), empty]
    return spark.createDataFrame(rows, ALL_TYPES)


def numbers(spark: SparkSession, rows: int = 1000, partitions: int = 4) -> DataFrame:
    df = spark.range(0, rows, 1, partitions)
    return df.select("id", (F.col("id") / 2).cast("float").alias("half"), F.lit("x").alias("text"))


def test_all_types_with_nulls_and_nesting_are_what_spark_collects(
    spark: SparkSession, tmp_path: Path
) -> None:
    df = all_types(spark)
    dataset = gang.export(df, tmp_path / "all")
    assert dataset.num_rows == 3
    assert dataset.spark(spark).schema == df.schema
    assert sorted(map(repr, dataset.spark(spark).collect())) == sorted(map(repr, df.collect()))
    whole = df.toArrow()
    ours = dataset.arrow()
    assert ours.schema.names == whole.schema.names
    for name in whole.schema.names:
        theirs = whole.column(name).cast(ours.schema.field(name).type)
        assert ours.column(name).combine_chunks().equals(theirs.combine_chunks()), name
    dataset.verify()


def test_what_polars_and_duckdb_read_is_what_spark_collects(
    spark: SparkSession, tmp_path: Path
) -> None:
    df = all_types(spark).drop("instant", "deep", "nothing", "wait", "names")
    dataset = gang.export(df, tmp_path / "all")
    collected = [tuple(row) for row in df.collect()]
    plain = [
        tuple(tuple(value) if isinstance(value, tuple) else value for value in row)
        for row in collected
    ]
    polars_rows = [
        tuple(tuple(value.values()) if isinstance(value, dict) else value for value in row)
        for row in dataset.polars().rows()
    ]
    assert polars_rows == plain
    duck_rows = [
        tuple(tuple(value.values()) if isinstance(value, dict) else value for value in row)
        for row in dataset.duckdb(connection=duckdb.connect()).fetchall()
    ]
    # A set of strings with a zero byte, -0.0 and decimals survives as it is.
    assert duck_rows == plain
    assert isinstance(dataset.polars(), polars.DataFrame)


def test_each_partition_is_a_file_and_empty_ones_are_none(
    spark: SparkSession, tmp_path: Path
) -> None:
    df = numbers(spark, 100, 4).where("id < 25 or id >= 75")
    dataset = gang.export(df, tmp_path / "set")
    assert [Path(file).name.split("-")[1] for file in dataset.files] == ["00000", "00003"]
    assert dataset.arrow().column("id").to_pylist() == [*range(25), *range(75, 100)]
    assert sorted(os.listdir(tmp_path / "set")) == sorted(
        ["_manifest.json", *(Path(file).name for file in dataset.files)]
    )


def test_a_dataframe_without_rows(spark: SparkSession, tmp_path: Path) -> None:
    dataset = gang.export(numbers(spark).where("id < 0"), tmp_path / "set")
    assert dataset.num_rows == 0 and dataset.files == []
    assert gang.open(tmp_path / "set").arrow().schema.names == ["id", "half", "text"]
    assert dataset.spark(spark).collect() == []


def test_small_batches_are_joined(spark: SparkSession, tmp_path: Path) -> None:
    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "10")
    try:
        df = numbers(spark, 1000, 1)
        assert gang.export(df, tmp_path / "one").arrow().column("id").num_chunks == 1
        some = gang.export(df, tmp_path / "some", batch_bytes=2_000)
        assert 2 < some.arrow().column("id").num_chunks < 100
        assert some.arrow().equals(gang.open(tmp_path / "one").arrow())
    finally:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", before)


def test_columns_and_the_session_time_zone(spark: SparkSession, tmp_path: Path) -> None:
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        df = spark.sql("select timestamp'2024-01-01 00:00:00' as at, 1 as other")
        dataset = gang.export(df, tmp_path / "set", columns=["at"])
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)
    assert dataset.schema == pa.schema([pa.field("at", pa.timestamp("us", "UTC"), False)])
    assert dataset.arrow().column("at")[0].as_py().isoformat() == "2024-01-01T05:00:00+00:00"


def test_a_type_that_arrow_lacks_is_named(spark: SparkSession, tmp_path: Path) -> None:
    df = spark.sql("select interval '1-2' year to month as ago")
    with pytest.raises(UsageError, match="'ago'"):
        gang.export(df, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_data_set_is_replaced_only_on_request_and_stays_readable(
    spark: SparkSession, tmp_path: Path
) -> None:
    old = gang.export(numbers(spark, 10, 2), tmp_path / "set")
    mapped = old.arrow()
    with pytest.raises(UsageError, match="mode='overwrite'"):
        gang.export(numbers(spark, 20, 2), tmp_path / "set")
    new = gang.export(numbers(spark, 20, 2), tmp_path / "set", mode="overwrite")
    assert gang.open(tmp_path / "set").num_rows == new.num_rows == 20
    assert mapped.column("id").to_pylist() == list(range(10))
    assert len(os.listdir(tmp_path / "set")) == 1 + 2
    with pytest.raises(DatasetError, match=Path(old.files[0]).name):
        old.arrow()


def test_a_failed_overwrite_leaves_what_was_there(spark: SparkSession, tmp_path: Path) -> None:
    gang.export(numbers(spark, 10, 2), tmp_path / "set")
    broken = spark.range(0, 20, 1, 2).select(F.expr("if(id = 15, raise_error('no'), id) as id"))
    with pytest.raises(Exception, match="no"):
        gang.export(broken, tmp_path / "set", mode="overwrite")
    assert gang.open(tmp_path / "set", verify=True).num_rows == 10


def test_foreign_files_are_left_alone(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for mode in ("error", "overwrite"):
        with pytest.raises(UsageError, match=r"notes\.txt"):
            gang.export(numbers(spark), tmp_path, mode=mode)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_driver_that_is_killed_at_the_manifest(spark: SparkSession, tmp_path: Path) -> None:
    code = (
        "import os, sys; from hydrofoil.gang.dataset.storage import Folder\n"
        "os.replace = lambda *names: os._exit(9)\n"
        "Folder.of(sys.argv[1]).write('_manifest.json', b'{')"
    )
    folder = tmp_path / "set"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert len(list(folder.iterdir())) == 1
    dataset = gang.export(numbers(spark, 20, 1), folder)
    assert sorted(os.listdir(folder)) == ["_manifest.json", Path(dataset.files[0]).name]


def test_progress_counts_what_is_finished(spark: SparkSession, tmp_path: Path) -> None:
    seen: list[Any] = []
    gang.export(numbers(spark, 1000, 4), tmp_path / "set", on_progress=seen.append)
    assert (seen[-1].parts, seen[-1].rows) == (4, 1000)
    assert [progress.rows for progress in seen] == sorted(progress.rows for progress in seen)


def fails_once(spark: SparkSession, flag: Path, finished: int = 3) -> DataFrame:
    """1,000 rows in 4 partitions; the last raises as long as the flag is there.

    Not before so many others are finished, in the folder ``set`` beside the flag.
    """

    def check(batches: Any) -> Any:
        for batch in batches:
            if 999 in batch.column(0).to_pylist() and flag.exists():
                end = time.monotonic() + 60
                while len(written_at(flag.with_name("set"))) < finished and time.monotonic() < end:
                    time.sleep(0.05)
                raise ValueError("planned")
            yield batch

    return spark.range(0, 1000, 1, 4).mapInArrow(check, "id bigint")


def written_at(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("part-*.arrow")}


def test_a_failed_export_goes_on_with_what_is_finished(spark: SparkSession, tmp_path: Path) -> None:
    flag = tmp_path / "fail"
    flag.touch()
    df = fails_once(spark, flag)
    folder = tmp_path / "set"
    with pytest.raises(Exception, match="planned"):
        gang.export(df, folder)
    with pytest.raises(DatasetError, match="no data set"):
        gang.open(folder)
    before = written_at(folder)
    assert len(before) == 3
    flag.unlink()
    dataset = gang.export(df, folder)
    after = written_at(folder)
    assert before.items() <= after.items() and len(after) == 4
    assert dataset.arrow().column("id").to_pylist() == list(range(1000))
    dataset.verify()


def test_a_finished_partition_whose_file_changed_is_written_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    flag = tmp_path / "fail"
    flag.touch()
    df = fails_once(spark, flag)
    folder = tmp_path / "set"
    with pytest.raises(Exception, match="planned"):
        gang.export(df, folder)
    torn, changed, kept = sorted(folder.glob("part-*.arrow"))
    os.truncate(torn, torn.stat().st_size - 8)
    with changed.open("r+b") as file:
        file.seek(changed.stat().st_size // 2)
        file.write(b"!!")
    flag.unlink()
    dataset = gang.export(df, folder)
    names = {Path(file).name for file in dataset.files}
    assert kept.name in names and not names & {torn.name, changed.name}
    assert dataset.arrow().column("id").to_pylist() == list(range(1000))


def test_another_dataframe_does_not_go_on_with_the_draft(
    spark: SparkSession, tmp_path: Path
) -> None:
    flag = tmp_path / "fail"
    flag.touch()
    with pytest.raises(Exception, match="planned"):
        gang.export(fails_once(spark, flag), tmp_path / "set")
    before = written_at(tmp_path / "set")
    dataset = gang.export(spark.range(5000, 6000, 1, 4), tmp_path / "set")
    assert not before.keys() & written_at(tmp_path / "set").keys()
    assert dataset.arrow().column("id").to_pylist() == list(range(5000, 6000))


def test_rows_that_may_move_between_partitions_are_written_anew(
    spark: SparkSession, tmp_path: Path
) -> None:
    flag = tmp_path / "fail"
    flag.touch()
    # A global sort draws its bounds anew in each run.
    df = fails_once(spark, flag, 0).orderBy(F.rand(1)).union(fails_once(spark, flag, 0))
    with pytest.raises(Exception, match="planned"):
        gang.export(df, tmp_path / "set")
    before = written_at(tmp_path / "set")
    flag.unlink()
    with pytest.warns(RuntimeWarning, match="can't be resumed"):
        dataset = gang.export(df, tmp_path / "set", resume_token="mine")
    assert not before.keys() & written_at(tmp_path / "set").keys()
    assert sorted(dataset.arrow().column("id").to_pylist()) == sorted([*range(1000)] * 2)


KILLED = textwrap.dedent(
    """
    import sys, time
    from pyspark.sql import SparkSession
    from hydrofoil import gang

    source, folder, slow = sys.argv[1:]

    def crawl(batches):
        for batch in batches:
            if slow == "slow" and 700 in batch.column(0).to_pylist():
                time.sleep(600)
            yield batch

    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.sql.files.maxPartitionBytes", "1k")
        .config("spark.sql.files.openCostInBytes", "0").getOrCreate()
    )
    df = spark.read.parquet(source).mapInArrow(crawl, "id bigint")
    gang.export(df, folder, resume_token="numbers")
    spark.stop()
    """
)


@pytest.mark.slow
def test_an_export_whose_driver_is_killed_is_resumed_by_another(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, folder, script = tmp_path / "source", tmp_path / "set", tmp_path / "export.py"
    spark.range(0, 1000, 1, 4).write.parquet(str(source))
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(source), str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [*command, "slow"], env=environment, start_new_session=True, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until = time.monotonic() + 120
            while len(list((folder / "_draft").glob("0*.json"))) < 3:
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.1)
        finally:
            # The JVM and its workers are of the same session.
            os.killpg(process.pid, signal.SIGKILL)
    before = written_at(folder)
    subprocess.run([*command, "fast"], env=environment, check=True, stderr=subprocess.DEVNULL)
    after = written_at(folder)
    receipts_kept = before.items() & after.items()
    assert len(receipts_kept) >= 3
    dataset = gang.open(folder, verify=True)
    assert sorted(dataset.arrow().column("id").to_pylist()) == list(range(1000))
    assert not (folder / "_draft").exists()


@pytest.fixture
def small_files(spark: SparkSession) -> Iterator[None]:
    """Files that Python workers write may have 64 kB: what a full disk does, on any machine."""
    jvm = psutil.Process(spark.sparkContext._gateway.proc.pid)
    spark.range(1).mapInArrow(lambda batches: batches, "id bigint").collect()  # Starts the daemon.
    before = {process: process.rlimit(psutil.RLIMIT_FSIZE) for process in jvm.children(True)}
    assert before
    for process, (_, hard) in before.items():
        process.rlimit(psutil.RLIMIT_FSIZE, (65536, hard))
    yield
    for process in jvm.children(True):
        if process.is_running():
            process.rlimit(psutil.RLIMIT_FSIZE, next(iter(before.values())))


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_is_named_and_finished_partitions_are_kept(
    spark: SparkSession, tmp_path: Path
) -> None:
    ids = spark.range(0, 40_000, 1, 2).where("id < 1000 or id >= 20000")
    folder = tmp_path / "set"
    with pytest.raises(ExportError, match=r"1 of 2 partitions.*File too large"):
        gang.export(ids, folder)
    assert len(list(folder.glob("part-00000-*"))) == 1
    assert list(folder.glob("part-00001-*")) == []
    with pytest.raises(DatasetError, match="no data set"):
        gang.open(folder)


def test_a_manifest_says_what_is_there(spark: SparkSession, tmp_path: Path) -> None:
    dataset = gang.export(numbers(spark, 10, 2), tmp_path / "set")
    content = json.loads((tmp_path / "set" / "_manifest.json").read_text())
    assert content["num_rows"] == 10
    assert content["columns"] == {"id": "int64", "half": "float", "text": "string"}
    assert [file["rows"] for file in content["files"]] == [5, 5]
    assert [file["size"] for file in content["files"]] == [
        os.stat(file).st_size for file in dataset.files
    ]


def test_a_uri_and_an_fsspec_filesystem(spark: SparkSession, tmp_path: Path) -> None:
    by_uri = gang.export(numbers(spark, 10, 2), f"file://{tmp_path}/set")
    local = fsspec.filesystem("file")
    by_fsspec = gang.export(numbers(spark, 10, 2), str(tmp_path / "other"), filesystem=local)
    assert by_uri.arrow().equals(by_fsspec.arrow())
    assert by_fsspec.shard(1, 2).arrow().column("id").to_pylist() == list(range(5, 10))
    tensors = by_fsspec.numpy(["half"])
    assert [batch["half"].tolist() for batch in tensors] == [[i / 2 for i in range(10)]]
