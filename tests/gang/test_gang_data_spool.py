"""What a rank keeps: where it lies, what it costs, and what is left of it (nothing)."""

import datetime
import decimal
import itertools
import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.gang.data.memory import private_map
from hydrofoil.gang.data.spool import Spooled, Storage
from hydrofoil.gang.errors import SpoolError
from hydrofoil.gang.seams import Spool


def spooled(batches: list[pa.RecordBatch], conf: Spool, schema: pa.Schema | None = None) -> Spooled:
    made = Spooled(schema or batches[0].schema, conf, Storage(conf, 0, 0))
    for batch in batches:
        made.append(batch)
    made.finish()
    return made


def column(array: pa.Array, conf: Spool = Spool(), cut: int = 2):  # noqa: B008
    """A column after a round through the spool, in batches of ``cut`` rows that are slices."""
    whole = pa.record_batch([array], names=["c"])
    parts = [whole.slice(at, cut) for at in range(0, len(array), cut)]
    made = spooled(parts, conf)
    values = made.view(["c"], 0, made.rows)["c"]
    made.close()
    return values


FIXED = [
    pa.array([True, False, True, True, False]),
    pa.array([1, -2, 3, 4, 5], pa.int8()),
    pa.array([1, -2, 3, 4, 5], pa.int16()),
    pa.array([1, -2, 3, 4, 5], pa.int32()),
    pa.array([1, -2, 3, 4, 2**62], pa.int64()),
    pa.array([1, 2, 3, 4, 255], pa.uint8()),
    pa.array([1, 2, 3, 4, 2**63], pa.uint64()),
    pa.array(np.array([1, 2, 3, 4, 0.5], "float16")),
    pa.array([1, 2, 3, 4, 0.5], pa.float32()),
    pa.array([1, 2, 3, 4, float("nan")], pa.float64()),
    pa.array([datetime.date(1969, 12, 31 - day) for day in range(5)]),
    pa.array([datetime.datetime(2024, 1, 1 + day, 3) for day in range(5)], pa.timestamp("us")),
    pa.array([10**15 + day for day in range(5)], pa.timestamp("us", "Asia/Tokyo")),
    pa.array([datetime.timedelta(hours=hour) for hour in range(5)], pa.duration("us")),
]


@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize("array", FIXED, ids=lambda array: str(array.type))
def test_fixed_width_columns_come_back(array: pa.Array, memory: bool) -> None:
    values = column(array, Spool(memory=memory))
    expected = array.to_numpy(zero_copy_only=False)
    np.testing.assert_array_equal(values, expected)
    assert values.dtype == expected.dtype


OTHER = [
    pa.array(["a", None, "", "ü", "e" * 100]),
    pa.array([b"a", None, b"", b"d", b"e"]),
    pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-2.25")]),
    pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "z"}]),
    pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    pa.array([["a"], None, ["b", None]]),
    pa.array([[[1.0], []], None, [[2.0, 3.0]]]),
]


@pytest.mark.parametrize("array", OTHER, ids=lambda array: str(array.type))
def test_other_columns_come_back_with_their_nulls(array: pa.Array) -> None:
    assert column(array).to_pylist() == array.to_pylist()


def test_lists_of_one_length_are_two_dimensional() -> None:
    values = column(
        pa.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], pa.list_(pa.float32()))
    )
    np.testing.assert_array_equal(values, np.arange(1, 9, dtype="float32").reshape(4, 2))
    assert values.dtype == np.float32


@pytest.mark.parametrize("rows", [[[1], [2], [3, 4], []], [[], [1], [2, 3]], [[1, 2], [3, 4], [5]]])
@pytest.mark.parametrize("type_", [pa.list_(pa.int32()), pa.large_list(pa.int32())], ids=str)
def test_lists_of_several_lengths_are_ragged(rows: list[list[int]], type_: pa.DataType) -> None:
    values = column(pa.array(rows, type_))
    assert type(values) is hydrofoil.Ragged
    offsets = values.offsets
    assert [values.values[a:b].tolist() for a, b in itertools.pairwise(offsets)] == rows


def test_fixed_size_lists_and_dictionaries() -> None:
    fixed = pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int64(), 2))
    np.testing.assert_array_equal(column(fixed), [[1, 2], [3, 4], [5, 6]])
    words = pa.array(["a", "b", "a"]).dictionary_encode()
    schema = pa.schema([("c", words.type)])
    made = spooled([pa.record_batch([words], schema=schema)], Spool())
    assert made.view(["c"], 0, 3)["c"].to_pylist() == ["a", "b", "a"]
    made.close()


def test_columns_begin_on_pages_and_share_no_writes() -> None:
    table = pa.table({"x": np.arange(10_000, dtype="float32"), "y": np.arange(10_000)})
    made = spooled(table.to_batches(max_chunksize=777), Spool())
    first = made.view(["x", "y"], 0, 10_000)
    second = made.view(["x", "y"], 0, 10_000)
    for values in first.values():
        assert values.ctypes.data % 4096 == 0
        assert values.flags.writeable
    first["x"][:] = -1
    np.testing.assert_array_equal(second["x"], np.arange(10_000))
    np.testing.assert_array_equal(made.view(["x"], 0, 10_000)["x"], np.arange(10_000))
    made.close()
    # Arrays outlive the files.
    assert second["y"][-1] == 9_999


def test_what_is_written_to_a_page_hides_no_rows_that_come_later() -> None:
    batch = pa.record_batch({"x": np.arange(10)})
    made = spooled([batch], Spool())
    made.view(["x"], 0, 10)["x"][:] = -1
    made.append(batch)
    np.testing.assert_array_equal(made.view(["x"], 5, 20)["x"], [*range(5, 10), *range(10)])
    made.close()


def test_maps_of_files_larger_than_two_gib() -> None:
    descriptor = os.memfd_create("large")
    os.ftruncate(descriptor, 3 << 30)
    os.pwrite(descriptor, b"\7", (3 << 30) - 1)
    values = private_map(descriptor, np.dtype("int8"), 0, 3 << 30)
    assert (values[-1], len(values)) == (7, 3 << 30)
    assert private_map(descriptor, np.dtype("int8"), (3 << 30) - 1, 1)[0] == 7
    os.close(descriptor)


def test_maps_end_with_their_last_array() -> None:
    def mapped() -> int:
        return sum("hydrofoil-gang" in line for line in Path("/proc/self/maps").open())

    made = spooled([pa.record_batch({"x": np.arange(10_000)})], Spool(memory=True))
    part = made.view(["x"], 0, 10_000)["x"][5:10]
    made.close()
    assert mapped() == 1
    del part
    assert mapped() == 0


# --- Nulls ----------------------------------------------------------------------------------------


def test_a_null_is_an_error_that_names_the_column() -> None:
    with pytest.raises(UsageError, match=r"column 'c' has 1 nulls.*\n.*coalesce\(c"):
        column(pa.array([1, None, 3]), cut=3)
    with pytest.raises(UsageError, match="column 'c' has 1 nulls"):
        column(pa.array([[1], None, [3]]), cut=3)
    with pytest.raises(UsageError, match="column 'c': lists have null elements"):
        column(pa.array([[1], [None], [3]]), cut=3)


@pytest.mark.parametrize(
    ("array", "fill", "expected"),
    [
        (pa.array([1, None, 3]), -1, [1, -1, 3]),
        (pa.array([1.5, None, 3]), float("nan"), [1.5, np.nan, 3]),
        (pa.array([True, None, False]), True, [True, True, False]),
        (pa.array([1, None, 3]), {"c": 7, "d": 8}, [1, 7, 3]),
        (pa.array([1, None, 3]), None, [1, 0, 3]),
        (pa.array([[1, 2], None, [3, 4]]), 9, [[1, 2], [9, 9], [3, 4]]),
        (pa.array([[1, 2], [None, 5], [3, 4]]), 9, [[1, 2], [9, 5], [3, 4]]),
        # Also where a whole batch, and the first one, has no other.
        (pa.array([None, None, [1, 2]], pa.list_(pa.int64(), 2)), 9, [[9, 9], [9, 9], [1, 2]]),
    ],
)
def test_nulls_can_be_filled(array: pa.Array, fill: object, expected: list[object]) -> None:
    np.testing.assert_array_equal(column(array, Spool(nulls="fill", fill=fill)), expected)


@pytest.mark.parametrize("fill", [1.5, 2**40, "x"])
def test_a_fill_has_to_fit(fill: object) -> None:
    with pytest.raises(UsageError, match="doesn't fit column 'c' of type int32"):
        column(pa.array([1], pa.int32()), Spool(nulls="fill", fill=fill))


def test_nulls_can_become_masks() -> None:
    schema = pa.schema([pa.field("x", pa.int64()), pa.field("y", pa.int64(), nullable=False)])
    batch = pa.record_batch([pa.array([1, None]), pa.array([3, 4])], schema=schema)
    made = spooled([batch], Spool(nulls="mask"))
    assert [field.name for field in made.fields] == ["x", "x_mask", "y"]
    values = made.view(["x", "x_mask"], 0, 2)
    np.testing.assert_array_equal(values["x_mask"], [False, True])
    np.testing.assert_array_equal(values["x"], [1, 0])
    assert values["x_mask"].dtype == bool
    made.close()


def test_names_have_to_differ() -> None:
    both = pa.schema([("x", pa.int64()), ("x_mask", pa.bool_())])
    with pytest.raises(UsageError, match="two columns are called 'x_mask', counting the masks"):
        spooled([], Spool(nulls="mask"), both)
    with pytest.raises(UsageError, match="two columns are called 'x'"):
        spooled([], Spool(), pa.schema([("x", pa.int64()), ("x", pa.int64())]))
    with pytest.raises(UsageError, match="nulls='drop'"):
        spooled([], Spool(nulls="drop"), both)  # type: ignore[arg-type]


# --- Room -----------------------------------------------------------------------------------------


def test_the_bound_holds(tmp_path: Path) -> None:
    batch = pa.record_batch({"x": np.arange(1000)})
    with pytest.raises(
        SpoolError, match=rf"rank 0 .*{tmp_path}.*16000 bytes.*max_bytes=20000"
    ) as e:
        spooled([batch] * 3, Spool(dir=str(tmp_path), max_bytes=20_000))
    assert (e.value.rank, e.value.bytes, e.value.dir) == (0, 16_000, str(tmp_path))


FULL = """
import numpy as np, pyarrow as pa, resource, sys
from hydrofoil.gang.data.spool import Spooled, Storage
from hydrofoil.gang.errors import SpoolError
from hydrofoil.gang.seams import Spool
if sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
conf = Spool(dir=sys.argv[1])
batch = pa.record_batch({"x": np.arange(100_000)})
spooled = Spooled(batch.schema, conf, Storage(conf, 3, 0))
try:
    for _ in range(10):
        spooled.append(batch)
except SpoolError as error:
    print(error, error.bytes)
"""


@pytest.mark.parametrize("how", ["limit", "disk"])
def test_a_full_disk_is_an_error_that_says_rank_and_place(tmp_path: Path, how: str) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path), how]
    if how == "disk":
        mount = f'mount -t tmpfs -o size=1m none {tmp_path} && exec "$@"'
        command = ["unshare", "-rm", "sh", "-c", mount, "sh", *command]
        if subprocess.run([*command[:5], mount.replace('exec "$@"', "true")]).returncode:
            pytest.skip("this machine lets nobody mount a small file system")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert f"rank 3 has no room for its data in {tmp_path}" in done.stdout, done.stderr
    assert done.stdout.rstrip().endswith("1048576")
    assert ("No space left" if how == "disk" else "File too large") in done.stdout


def test_a_place_that_can_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match="rank 0 can't make files"):
        Storage(Spool(dir=str(tmp_path / "file" / "folder")), 0, 0)


@pytest.mark.parametrize("memory", [False, True])
def test_a_killed_rank_leaves_nothing(tmp_path: Path, memory: bool) -> None:
    code = f"""
        import numpy as np, os, pyarrow as pa, signal, sys
        from hydrofoil.gang.data.spool import Spooled, Storage
        from hydrofoil.gang.seams import Spool
        conf = Spool(dir={str(tmp_path)!r}, memory={memory})
        batch = pa.record_batch({{"x": np.arange(100_000), "s": ["a"] * 100_000}})
        spooled = Spooled(batch.schema, conf, Storage(conf, 0, 0))
        spooled.append(batch)
        kept = spooled.view(["x", "s"], 0, 100_000)
        print(os.listdir({str(tmp_path)!r}), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    before = set(os.listdir("/dev/shm"))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == "[]\n"
    assert os.listdir(tmp_path) == []
    assert not {name for name in set(os.listdir("/dev/shm")) - before if "hydrofoil" in name}


def test_more_columns_than_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = """
        import numpy as np, pyarrow as pa, resource
        from hydrofoil.gang.data.spool import Spooled, Storage
        from hydrofoil.gang.seams import Spool
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, resource.getrlimit(7)[1]))
        batch = pa.record_batch({f"c{n}": np.arange(3) + n for n in range(1000)})
        spooled = Spooled(batch.schema, Spool(), Storage(Spool(), 0, 0))
        spooled.append(batch)
        print(spooled.view(["c999"], 0, 3)["c999"].tolist())
    """
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip("the system allows too few open files")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[999, 1000, 1001]\n", done.stderr


def test_ranks_of_a_host_spread_over_sparks_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [str(tmp_path / name) for name in ("a", "b")]
    monkeypatch.setenv("SPARK_LOCAL_DIRS", ",".join(folders))
    assert [Storage(Spool(), rank, rank).dir for rank in range(3)] == [*folders, folders[0]]
