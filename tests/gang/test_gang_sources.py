"""`gang.delta`, `gang.parquet` and `gang.arrow` without Spark: what each rank reads."""

import datetime
import json
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from hydrofoil import gang
from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.sources.errors import SourceError

WORLDS = [1, 2, 3, 7]


def table(start: int, stop: int) -> pa.Table:
    ids = range(start, stop)
    texts = pa.array([f"t{i}" for i in ids], pa.string())
    return pa.table({"id": pa.array(ids, pa.int64()), "text": texts})


def shares(source: Any, world_size: int) -> list[pa.Table]:
    """What each rank reads, from a pinned source that went through pickle."""
    source = pickle.loads(pickle.dumps(source))
    found = []
    for rank in range(world_size):
        schema, batches = source.read(rank, world_size)
        found.append(pa.Table.from_batches(list(batches), schema))
    return found


def check(source: Any, expected: list[int], world_size: int, column: str = "id") -> None:
    """Every row once, numbers even, as the driver knew them, and the same when read again."""
    found = shares(source, world_size)
    rows = [one.num_rows for one in found]
    assert rows == source.counts(world_size)
    assert max(rows) - min(rows) <= 1
    assert sum(rows) == source.num_rows == len(expected)
    read = [value for one in found for value in one.column(column).to_pylist()]
    assert sorted(read) == sorted(expected)
    again = [v for one in shares(source, world_size) for v in one.column(column).to_pylist()]
    assert again == read


@pytest.fixture
def delta(tmp_path: Path) -> str:
    """Version 0: 100 rows; version 1: 30 more in a second file."""
    path = str(tmp_path / "table")
    write_deltalake(path, table(0, 100))
    write_deltalake(path, table(100, 130), mode="append")
    return path


@pytest.mark.parametrize("world_size", WORLDS)
def test_ranks_share_a_delta_table_evenly(delta: str, world_size: int) -> None:
    check(gang.delta(delta).pin(), list(range(130)), world_size)


def test_a_version_by_number_and_by_time(delta: str) -> None:
    assert gang.delta(delta, version=0).pin().num_rows == 100
    then = DeltaTable(delta).history()[-1]["timestamp"] / 1000
    at = datetime.datetime.fromtimestamp(then, datetime.timezone.utc)
    assert gang.delta(delta, version=at).pin().details == {"version": 0}
    assert gang.delta(delta, version=at.isoformat()).pin().num_rows == 100


def test_commits_after_the_pin_are_not_seen(delta: str) -> None:
    source = gang.delta(delta).pin()
    write_deltalake(delta, table(130, 500), mode="append")
    check(source, list(range(130)), 3)
    write_deltalake(delta, pa.table({"id": ["other"]}), mode="overwrite", schema_mode="overwrite")
    check(source, list(range(130)), 3)
    DeltaTable(delta).delete("id = 'other'")
    # Even when the log that said so is gone.
    DeltaTable(delta).create_checkpoint()
    for log in Path(delta, "_delta_log").glob("0000000000000000000[0-3].json"):
        log.unlink()
    check(source, list(range(130)), 3)


def test_a_vacuumed_file_is_named(delta: str) -> None:
    source = gang.delta(delta).pin()
    write_deltalake(delta, table(0, 5), mode="overwrite")
    DeltaTable(delta).vacuum(0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(SourceError, match=r"part-.*\.parquet of .*version 1 is gone: VACUUM"):
        shares(source, 2)


def test_a_file_vacuumed_while_it_is_waited_for(delta: str) -> None:
    _, batches = gang.delta(delta).pin().read(0, 1)
    first = next(batches)
    write_deltalake(delta, table(0, 5), mode="overwrite")
    DeltaTable(delta).vacuum(0, enforce_retention_duration=False, dry_run=False)
    assert first.num_rows in (30, 100)
    with pytest.raises(SourceError, match="is gone"):
        list(batches)


@pytest.mark.parametrize("world_size", WORLDS)
def test_partitions_odd_names_and_new_columns(tmp_path: Path, world_size: int) -> None:
    path = str(tmp_path / "table")
    whole = table(0, 40).append_column("p", pa.array(["a", "b c/%d", None, "ü"] * 10))
    write_deltalake(path, whole, partition_by=["p"])
    more = table(40, 45).append_column("p", pa.array(["a"] * 5))
    more = more.append_column("extra", pa.array([1.5] * 5))
    write_deltalake(path, more, mode="append", schema_mode="merge")
    source = gang.delta(path).pin()
    check(source, list(range(45)), world_size)
    found = pa.concat_tables(shares(source, world_size)).sort_by("id")
    assert found.column("p").to_pylist() == ["a", "b c/%d", None, "ü"] * 10 + ["a"] * 5
    assert found.column("extra").to_pylist() == [None] * 40 + [1.5] * 5


@pytest.mark.parametrize("world_size", WORLDS)
def test_a_filter_keeps_shares_even(tmp_path: Path, world_size: int) -> None:
    path = str(tmp_path / "table")
    days = pa.array(["2026-01-01", "2026-01-02"] * 500)
    write_deltalake(path, table(0, 1000).append_column("day", days), partition_by=["day"])
    filter = [("day", "=", "2026-01-02"), ("id", ">", 900)]
    source = gang.delta(path, columns=["text"], filter=filter).pin()
    check(source, [f"t{i}" for i in range(901, 1000, 2)], world_size, column="text")
    assert shares(source, 1)[0].schema.names == ["text"]
    none = gang.delta(path, filter=pc.field("id") < 0).pin()
    check(none, [], world_size)
    check(gang.delta(path, filter=pc.field("id").isin([3, 4])).pin(), [3, 4], world_size)


def test_an_empty_table(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "table"), table(0, 0))
    source = gang.delta(tmp_path / "table").pin()
    assert source.counts(3) == [0, 0, 0]
    assert [one.schema.names for one in shares(source, 3)] == [["id", "text"]] * 3


def test_a_table_without_statistics(tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    write_deltalake(path, table(0, 10), configuration={"delta.dataSkippingNumIndexedCols": "0"})
    log = Path(path, "_delta_log", "0" * 20 + ".json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line.get("add", {}).pop("stats", None)
    log.write_text("\n".join(map(json.dumps, lines)))
    check(gang.delta(path).pin(), list(range(10)), 3)


def test_deletion_vectors_are_refused(delta: str) -> None:
    features = ["deletionVectors"]
    log = Path(delta, "_delta_log", "0" * 19 + "2.json")
    protocol = {
        "minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": features, "writerFeatures": features,
    }  # fmt: skip
    log.write_text(json.dumps({"protocol": protocol}))
    with pytest.raises(UnsupportedError, match=r"version 2 .*deletionVectors(.|\n)*PURGE"):
        gang.delta(delta).pin()
    assert gang.delta(delta, version=1).pin().num_rows == 130


def test_what_is_not_there(delta: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no Delta table at .*nowhere"):
        gang.delta(tmp_path / "nowhere").pin()
    with pytest.raises(UsageError, match="version 99"):
        gang.delta(delta, version=99).pin()
    with pytest.raises(UsageError, match="'nope'"):
        gang.delta(delta, columns=["nope"]).pin()
    with pytest.raises(UsageError, match="nope"):
        gang.delta(delta, filter=[("nope", "=", 1)]).pin()
    with pytest.raises(UsageError, match="filter"):
        gang.delta(delta, filter="id > 1")
    with pytest.raises(UsageError, match="pinned"):
        gang.delta(delta).read(0, 1)


def test_without_deltalake(tmp_path: Path) -> None:
    (tmp_path / "deltalake.py").write_text("raise ImportError('none')")
    code = """
        from hydrofoil import gang
        from hydrofoil.errors import UsageError
        try:
            gang.delta("somewhere")
        except UsageError as error:
            print(error)
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "pip install deltalake" in done.stdout


@pytest.fixture
def uneven(tmp_path: Path) -> str:
    """20 files of a row and one of 1,000 in row groups of 300, 0 .. 999 and 5000 .. 5019."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(20):
        pq.write_table(table(5000 + number, 5001 + number), folder / f"small-{number}.parquet")
    pq.write_table(table(0, 1000), folder / "huge.parquet", row_group_size=300)
    (folder / "_SUCCESS").touch()
    return str(folder)


ROWS = [*range(1000), *range(5000, 5020)]


@pytest.mark.parametrize("world_size", [*WORLDS, 1500])
def test_ranks_share_uneven_files_evenly(uneven: str, world_size: int) -> None:
    source = gang.parquet(uneven).pin()
    if world_size < 100:
        check(source, ROWS, world_size)
    else:
        assert sum(source.counts(world_size)) == 1020
        for rank in (0, 500, 1019, 1020, 1499):
            [_, batches] = source.read(rank, world_size)
            assert sum(one.num_rows for one in batches) == int(rank < 1020)


@pytest.mark.parametrize("world_size", WORLDS)
def test_uneven_row_groups_and_filters(tmp_path: Path, world_size: int) -> None:
    with pq.ParquetWriter(tmp_path / "one.parquet", table(0, 0).schema) as writer:
        for start, stop in ((0, 1), (1, 500), (500, 502), (502, 1000)):
            writer.write_table(table(start, stop))
    source = gang.parquet(tmp_path / "one.parquet").pin()
    check(source, list(range(1000)), world_size)
    filtered = gang.parquet(tmp_path / "one.parquet", filter=[("id", ">=", 501)]).pin()
    check(filtered, list(range(501, 1000)), world_size)
    assert filtered.files[0].groups == (0, 0, 1, 498)


def test_partition_folders_and_a_list_of_files(tmp_path: Path) -> None:
    for day in (1, 2):
        folder = tmp_path / "by" / f"day={day}"
        folder.mkdir(parents=True)
        pq.write_table(table(day * 10, day * 10 + 5), folder / "x.parquet")
    source = gang.parquet(tmp_path / "by", filter=[("day", "=", 2)]).pin()
    check(source, list(range(20, 25)), 2)
    assert shares(source, 1)[0].column("day").to_pylist() == [2] * 5
    files = [tmp_path / "by" / f"day={day}" / "x.parquet" for day in (1, 2)]
    check(gang.parquet([str(file) for file in files]).pin(), [*range(10, 15), *range(20, 25)], 3)


def test_files_with_other_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": [2], "more": ["x"]}), tmp_path / "b.parquet")
    [found] = shares(gang.parquet(tmp_path).pin(), 1)
    assert found.to_pylist() == [{"id": 1, "more": None}, {"id": 2, "more": "x"}]
    pq.write_table(pa.table({"id": ["text"]}), tmp_path / "c.parquet")
    with pytest.raises(UsageError, match=r"c\.parquet"):
        gang.parquet(tmp_path).pin()


def rewritten(file: Path) -> None:
    before = os.stat(file)
    content = file.read_bytes()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1000))


def longer(file: Path) -> None:
    pq.write_table(table(0, 2000), file)


def removed(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("change", [rewritten, longer, removed])
def test_a_changed_file_is_named(uneven: str, change: Any) -> None:
    source = gang.parquet(uneven).pin()
    change(Path(uneven, "huge.parquet"))
    with pytest.raises(SourceError, match=r"huge\.parquet"):
        shares(source, 1)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    pq.write_table(table(0, 500_000), tmp_path / "x.parquet", row_group_size=100_000)
    _, batches = gang.parquet(tmp_path).pin().read(0, 1)
    next(batches)
    rewritten(tmp_path / "x.parquet")
    with pytest.raises(SourceError, match=r"x\.parquet .*written again"):
        list(batches)


def test_new_files_after_the_pin_are_not_seen(uneven: str) -> None:
    source = gang.parquet(uneven).pin()
    pq.write_table(table(7000, 7100), Path(uneven, "late.parquet"))
    check(source, ROWS, 2)


def test_no_files_and_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        gang.parquet(tmp_path / "nowhere").pin()
    (tmp_path / "x.parquet").write_text("hello")
    with pytest.raises(UsageError, match=r"x\.parquet"):
        gang.parquet(tmp_path).pin()


def write_ipc(path: Path, *tables: pa.Table) -> None:
    with pa.ipc.new_file(path, tables[0].schema) as writer:
        for one in tables:
            writer.write_table(one, max_chunksize=10)


@pytest.mark.parametrize("world_size", WORLDS)
def test_arrow_files(tmp_path: Path, world_size: int) -> None:
    write_ipc(tmp_path / "a.arrow", table(0, 100), table(100, 103))
    write_ipc(tmp_path / "b.arrow", table(103, 104))
    check(gang.arrow(tmp_path).pin(), list(range(104)), world_size)
    filtered = gang.arrow(tmp_path, columns=["id"], filter=[("id", ">", 50)]).pin()
    check(filtered, list(range(51, 104)), world_size)


def test_arrow_files_that_changed(tmp_path: Path) -> None:
    write_ipc(tmp_path / "a.arrow", table(0, 100))
    source = gang.arrow(tmp_path).pin()
    time.sleep(0.01)
    write_ipc(tmp_path / "a.arrow", table(100, 200))
    with pytest.raises(SourceError, match=r"a\.arrow"):
        shares(source, 1)


def test_an_export_is_a_source(tmp_path: Path) -> None:
    from test_gang_dataset_reading import SCHEMA, batch, write

    write(tmp_path / "set", [[batch(0, 30), batch(30, 20)], [], [batch(50, 50)]])
    for world_size in WORLDS:
        check(gang.arrow(tmp_path / "set").pin(), list(range(100)), world_size)
    source = gang.arrow(tmp_path / "set", filter=[("flag", "=", True)]).pin()
    check(source, list(range(0, 100, 3)), 3)
    assert gang.arrow(tmp_path / "set").pin().schema == SCHEMA
    shutil.rmtree(tmp_path / "set")
    with pytest.raises(SourceError, match="exported again"):
        shares(source, 1)
