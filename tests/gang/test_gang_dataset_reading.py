"""`gang.open` without Spark: what is in whose memory, shares, and files that changed."""

import base64
import itertools
import json
import os
import pickle
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from hydrofoil import Ragged, gang
from hydrofoil.errors import UsageError
from hydrofoil.gang.dataset import draft
from hydrofoil.gang.dataset.errors import DatasetError, ExportError
from hydrofoil.gang.dataset.manifest import NAME, Manifest
from hydrofoil.gang.dataset.part import PartWriter
from hydrofoil.gang.dataset.storage import Folder
from hydrofoil.gang.dataset.writing import _check_written as check_written
from hydrofoil.gang.dataset.writing import _parts as parts_of

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), False),
        pa.field("f32", pa.float32()),
        pa.field("flag", pa.bool_()),
        pa.field("day", pa.date32()),
        pa.field("vector", pa.list_(pa.float32())),
        pa.field("ragged", pa.list_(pa.int32())),
        pa.field("text", pa.string()),
    ]
)


def batch(start: int, rows: int) -> pa.RecordBatch:
    ids = np.arange(start, start + rows)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(ids),
            pa.array(ids / 2, pa.float32()),
            pa.array(ids % 3 == 0),
            pa.array(ids % 1000, pa.int32()).cast(pa.date32()),
            pa.array([[float(i), float(-i)] for i in ids], pa.list_(pa.float32())),
            pa.array([list(range(i % 4)) for i in ids], pa.list_(pa.int32())),
            pa.array([str(i) for i in ids]),
        ],
        schema=SCHEMA,
    )


def write(path: Path, parts: list[list[pa.RecordBatch]], schema: pa.Schema = SCHEMA) -> None:
    """A data set as `gang.export` leaves it; each batch stays one."""
    folder = Folder.of(path)
    folder.create()
    writer = PartWriter(folder, "0" * 32, schema, 1, {})
    written = [writer._write(number, iter(batches)) for number, batches in enumerate(parts)]
    found = Manifest(schema, tuple(part for part in written if part.rows), "0" * 32)
    folder.write(NAME, found.to_json())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """100 rows: files of 30 + 20, 0 and 50."""
    write(tmp_path / "set", [[batch(0, 30), batch(30, 20)], [], [batch(50, 50)]])
    return tmp_path / "set"


def maps(path: str) -> list[range]:
    """The addresses at which this process has a file mapped."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(path):
            start, stop = line.split()[0].split("-")
            found.append(range(int(start, 16), int(stop, 16)))
    return found


def mapped(address: int, path: str) -> bool:
    return any(address in addresses for addresses in maps(path))


def test_opening_needs_no_spark_pandas_or_torch(path: Path) -> None:
    code = f"""
        import sys
        from hydrofoil import gang
        dataset = gang.open({str(path)!r})
        assert dataset.arrow().num_rows == dataset.num_rows == 100
        assert sum(len(batch["id"]) for batch in dataset.numpy(["id"], batch_size=7)) == 100
        print([name for name in ("pyspark", "pandas", "torch") if name in sys.modules])
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_is_the_files_memory(path: Path) -> None:
    dataset = gang.open(path)
    table = dataset.arrow()
    assert table.schema == SCHEMA and table.num_rows == 100
    files = [dataset.files[0], dataset.files[0], dataset.files[1]]
    for name in SCHEMA.names:
        for chunk, file in zip(table.column(name).chunks, files, strict=True):
            for buffer in chunk.buffers():
                assert buffer is None or mapped(buffer.address, file), name
    assert table.column("id").to_pylist() == list(range(100))


def test_numpy_and_torch_are_the_files_memory_and_private(path: Path) -> None:
    dataset = gang.open(path)
    names = ["id", "f32", "vector"]
    batches = list(dataset.numpy(names, batch_size=10))
    tensors = list(dataset.torch(names, batch_size=10))
    for place, (arrays, torches) in enumerate(zip(batches, tensors, strict=True)):
        file = dataset.files[0 if place < 5 else 1]
        for name in names:
            assert mapped(arrays[name].ctypes.data, file), (place, name)
            assert arrays[name].flags.writeable
            assert mapped(torches[name].data_ptr(), file), (place, name)
        assert arrays["vector"].shape == (10, 2)
    torches["id"][:] = -1  # Neither the file nor other maps see it.
    assert gang.open(path, verify=True).arrow().column("id").to_pylist() == list(range(100))
    assert batches[-1]["id"].tolist() == list(range(90, 100))


def test_one_batch_of_all_rows(path: Path) -> None:
    [arrays] = gang.open(path).numpy(ragged=["ragged"])
    assert arrays["id"].tolist() == list(range(100))
    assert arrays["flag"].dtype == bool and arrays["flag"][3] and not arrays["flag"][4]
    assert arrays["day"][99] == np.datetime64("1970-04-10")
    assert type(arrays["ragged"]) is Ragged
    assert np.diff(arrays["ragged"].offsets).tolist() == [i % 4 for i in range(100)]
    assert arrays["text"].tolist() == [str(i) for i in range(100)]
    [one] = gang.open(path).numpy(["id"], batch_size=1000)
    assert one["id"].tolist() == list(range(100))


@pytest.mark.parametrize("batch_size", [1, 7, 30, 50, 100, 101])
def test_batches_across_files(path: Path, batch_size: int) -> None:
    dataset = gang.open(path)
    found = list(dataset.batches(batch_size))
    assert [one.num_rows for one in found[:-1]] == [batch_size] * (len(found) - 1)
    assert pa.Table.from_batches(found).equals(dataset.arrow())
    arrays = list(dataset.numpy(["id", "ragged"], batch_size=batch_size, ragged=["ragged"]))
    assert [i for one in arrays for i in one["id"].tolist()] == list(range(100))
    values = [np.asarray(one["ragged"].values) for one in arrays]
    assert np.concatenate(values).tolist() == [k for i in range(100) for k in range(i % 4)]


def test_shuffling_takes_every_row_once_an_epoch_and_keeps_rows_together(path: Path) -> None:
    how = {"batch_size": 16, "shuffle": True, "epochs": 2, "seed": 3, "ragged": ["ragged"]}
    found = list(gang.open(path).numpy(**how))
    again = list(gang.open(path).numpy(**how))
    ids = np.concatenate([one["id"] for one in found])
    assert sorted(ids[:100]) == sorted(ids[100:]) == list(range(100))
    assert ids[:100].tolist() != ids[100:].tolist() and ids[:100].tolist() != list(range(100))
    assert np.concatenate([one["id"] for one in again]).tolist() == ids.tolist()
    for one in found:
        assert (one["f32"] == one["id"] / 2).all()
        assert (one["vector"][:, 1] == -one["id"]).all()
        assert one["text"].tolist() == [str(i) for i in one["id"]]
        assert (np.diff(one["ragged"].offsets) == one["id"] % 4).all()


@pytest.mark.parametrize("world_size", [1, 3, 7, 100, 130])
def test_shares_are_every_row_once_and_even(path: Path, world_size: int) -> None:
    shares = [gang.open(path).shard(rank, world_size) for rank in range(world_size)]
    rows = [share.num_rows for share in shares]
    assert max(rows) - min(rows) <= 1 and sum(rows) == 100
    ids = [i for share in shares for i in share.arrow().column("id").to_pylist()]
    assert ids == list(range(100))
    assert [share.arrow().num_rows for share in shares] == rows


def test_shares_make_as_many_steps(path: Path) -> None:
    shares = [gang.open(path).shard(rank, 3) for rank in range(3)]
    for steps, expected in (("pad", 34), ("drop_last", 33)):
        sizes = [
            sum(len(one["id"]) for one in share.numpy(["id"], batch_size=1, steps=steps))
            for share in shares
        ]
        assert sizes == [expected] * 3
    with pytest.raises(UsageError, match="gang"):
        list(shares[0].numpy(["id"], batch_size=10, shuffle="global", epoch=1))


def test_a_share_of_a_share_and_a_rank_that_is_none(path: Path) -> None:
    share = gang.open(path).shard(1, 2).shard(0, 5)
    assert share.arrow().column("id").to_pylist() == list(range(50, 60))
    with pytest.raises(UsageError, match="rank 2 of 2"):
        gang.open(path).shard(2, 2)


def test_a_share_maps_only_its_files(path: Path) -> None:
    os.unlink(gang.open(path).files[0])
    assert gang.open(path).shard(1, 2).arrow().num_rows == 50


def test_a_data_set_crosses_processes(path: Path) -> None:
    share = pickle.loads(pickle.dumps(gang.open(path).shard(1, 4)))
    assert share.arrow().column("id").to_pylist() == list(range(25, 50))


def test_a_loader_of_pairs(path: Path) -> None:
    loader = gang.open(path).loader("vector", "flag", batch_size=25)
    found = list(loader)
    assert [tuple(x.shape) for x, _ in found] == [(25, 2)] * 4
    assert torch.cat([y for _, y in found]).sum() == 34


def test_pandas_polars_and_duckdb(path: Path) -> None:
    dataset = gang.open(path)
    assert dataset.pandas(["id"])["id"].tolist() == list(range(100))
    assert dataset.polars(["id", "text"])["text"].to_list() == [str(i) for i in range(100)]
    assert dataset.duckdb().aggregate("sum(id), max(len(vector))").fetchall() == [(4950, 2)]


def test_nulls_raise_or_are_filled(tmp_path: Path) -> None:
    schema = pa.schema([("x", pa.float32())])
    parts = [[pa.record_batch([pa.array([1.0, None], pa.float32())], schema=schema)]]
    write(tmp_path / "set", parts, schema)
    dataset = gang.open(tmp_path / "set")
    assert dataset.arrow().column("x").to_pylist() == [1.0, None]
    with pytest.raises(UsageError, match="'x'"):
        list(dataset.numpy())
    [filled] = dataset.numpy(nulls="fill", fill=-1)
    assert filled["x"].tolist() == [1.0, -1.0]
    [masked] = dataset.torch(nulls="mask")
    assert masked["x_mask"].tolist() == [False, True]
    dataset.verify()


def torn(file: str) -> None:
    os.truncate(file, os.stat(file).st_size - 100)


def grown(file: str) -> None:
    with open(file, "ab") as stream:
        stream.write(b"more")


def other(file: str) -> None:
    size = os.stat(file).st_size
    Path(file).write_bytes(b"x" * size)


def gone(file: str) -> None:
    os.unlink(file)


@pytest.mark.parametrize("damage", [torn, grown, other, gone])
@pytest.mark.parametrize("read", ["arrow", "numpy", "verify"])
def test_a_damaged_file_is_named(path: Path, damage: Any, read: str) -> None:
    file = gang.open(path).files[1]
    damage(file)
    readers = {
        "arrow": lambda: gang.open(path).arrow(),
        "numpy": lambda: list(gang.open(path).numpy(["id"])),
        "verify": lambda: gang.open(path, verify=True),
    }
    with pytest.raises(DatasetError, match=os.path.basename(file)):
        readers[read]()


def test_a_changed_byte_is_found_by_the_checksum(path: Path) -> None:
    file = gang.open(path).files[1]
    with open(file, "r+b") as stream:
        stream.seek(1000)
        byte = stream.read(1)
        stream.seek(1000)
        stream.write(bytes([byte[0] ^ 1]))
    with pytest.raises(DatasetError, match=os.path.basename(file)):
        gang.open(path, verify=True)


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": "other"}', b"[]", b'{"version": 9}'])
def test_a_torn_manifest_is_named(path: Path, content: bytes) -> None:
    (path / NAME).write_bytes(content)
    with pytest.raises(DatasetError, match=NAME):
        gang.open(path)


@pytest.mark.parametrize("schema", [b"", pa.record_batch({"k": pa.array([], pa.int64())})])
def test_a_manifest_without_a_schema_is_named(path: Path, schema: Any) -> None:
    """pyarrow would take a record batch for one, and read wherever that leads."""
    message = schema if isinstance(schema, bytes) else schema.serialize().to_pybytes()
    content = json.loads((path / NAME).read_text())
    content["schema"] = base64.b64encode(message).decode()
    (path / NAME).write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=NAME):
        gang.open(path)


def test_what_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nothing is there"):
        gang.open(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="1 files"):
        gang.open(tmp_path)
    with pytest.raises(UsageError, match="filesystem"):
        gang.open("nope://bucket/set")


def test_columns_that_are_not_there(path: Path) -> None:
    dataset = gang.open(path)
    for read in (dataset.arrow, dataset.batches, dataset.numpy):
        with pytest.raises(UsageError, match="'nope'"):
            read(columns=["nope"])  # type: ignore[operator]


def test_a_filesystem_without_maps(path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for file in path.iterdir():
        if file.is_file():
            memory.pipe(f"/there/{file.name}", file.read_bytes())
    dataset = gang.open("/there", filesystem=memory, verify=True)
    assert dataset.arrow().equals(gang.open(path).arrow())
    assert [one["id"].tolist() for one in dataset.numpy(["id"], batch_size=60)] == [
        list(range(60)),
        list(range(60, 100)),
    ]
    memory.rm("/there", recursive=True)


def test_writing_to_batches_leaves_the_files_pages(path: Path) -> None:
    before = [Path(file).read_bytes() for file in gang.open(path).files]

    def scribble() -> Iterator[int]:
        for one in gang.open(path).torch(["f32"], batch_size=8, epochs=2):
            yield one["f32"].sum().item()
            one["f32"].zero_()

    assert sum(scribble()) == pytest.approx(4950.0)
    assert [Path(file).read_bytes() for file in gang.open(path).files] == before


def test_an_executor_that_sees_another_folder_says_so(tmp_path: Path) -> None:
    there = Folder.of(tmp_path / "there")
    writer = PartWriter(there, "0" * 32, SCHEMA, 1, {})
    report = writer._report(0, iter([batch(0, 10)]))
    assert report == {"unreachable": socket.gethostname()}
    assert not (tmp_path / "there").exists()
    with pytest.raises(UsageError, match=rf"{socket.gethostname()} don't see .*there"):
        parts_of([report], there)


def test_a_driver_that_does_not_see_the_files_says_so(tmp_path: Path) -> None:
    folder = Folder.of(tmp_path / "set")
    begun = draft.begin(folder, "same")
    report = PartWriter(folder, begun.export_id, SCHEMA, 1, {})._report(0, iter([batch(0, 10)]))
    [part] = parts_of([report], folder)
    check_written([part], folder, begun.export_id)
    os.truncate(folder.path(part.name), 100)
    with pytest.raises(UsageError, match=rf"{part.name} .*sees 100 of its {part.size} bytes"):
        check_written([part], folder, begun.export_id)
    draft.begin(folder, "other")
    with pytest.raises(ExportError, match="another export"):
        check_written([part], folder, begun.export_id)


def test_receipts_that_a_crash_tore_count_as_unfinished(tmp_path: Path) -> None:
    folder = Folder.of(tmp_path / "set")
    begun = draft.begin(folder, "same")
    writer = PartWriter(folder, begun.export_id, SCHEMA, 1, {})
    for partition in range(3):
        writer._report(partition, iter([batch(partition, 10)]))
    [torn_one, *_] = sorted((tmp_path / "set" / "_draft").glob("00001-*"))
    torn_one.write_text('{"partition": 1, "na')
    again = draft.begin(folder, "same")
    assert again.export_id == begun.export_id and sorted(again.finished) == [0, 2]
    fresh = draft.begin(folder, "other")
    assert fresh.export_id != begun.export_id and fresh.finished == {}
    # The file without a receipt is nobody's; the export that ends removes it.
    assert len(list((tmp_path / "set").glob("part-*"))) == 1


@pytest.mark.parametrize("steps", ["pad", "drop_last", "uneven"])
def test_shares_go_on_with_global_batches_in_another_number(path: Path, steps: Any) -> None:
    """Each share reads the rows that it needs from whichever file has them."""
    rows = gang.open(path).num_rows
    how: dict[str, Any] = {"global_batch_size": 7, "shuffle": True, "epochs": 2, "steps": steps}

    def batches(shares: int) -> list[Any]:
        whole = gang.open(path)
        return [whole.shard(rank, shares).numpy(["id", "text"], **how) for rank in range(shares)]

    def together(passes: list[Any], count: int | None = None) -> list[list[int]]:
        seen = []
        for parts in itertools.islice(zip(*passes, strict=True), count):
            for part in parts:
                assert part["text"].tolist() == [str(one) for one in part["id"]]
            seen.append([one for part in parts for one in part["id"].tolist()])
        return seen

    unbroken = together(batches(2))
    assert len(unbroken) == len(batches(3)[0])
    per_epoch = [one for batch in unbroken[: len(unbroken) // 2] for one in batch]
    assert len(set(per_epoch)) == (rows if steps != "drop_last" else rows // 7 * 7)
    for count in (1, 4, len(unbroken) - 1):
        begun = batches(2)
        iterators = [iter(each) for each in begun]
        before = together(iterators, count)
        state = pickle.loads(pickle.dumps(begun[0].state()))
        after = batches(4)
        for each in after:
            each.resume(state)
        assert before + together(after) == unbroken


def test_a_loader_over_a_share_goes_on(path: Path) -> None:
    def loader() -> Any:
        share = gang.open(path).shard(1, 2)
        return share.loader(["f32", "f32"], batch_size=3, shuffle=True, seed=4, epochs=2)

    whole = [batch.tolist() for batch in loader()]
    begun = loader()
    iterator = iter(begun)
    before = [next(iterator).tolist() for _ in range(3)]
    state = begun.dataset.state()
    after = loader()
    after.dataset.resume(state)
    assert before + [batch.tolist() for batch in after] == whole
