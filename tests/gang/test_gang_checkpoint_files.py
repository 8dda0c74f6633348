"""A checkpoint's file: what is written is read, and whatever else is there is found out."""

import io
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import fs

from hydrofoil.errors import UsageError
from hydrofoil.gang.checkpoint.conf import Checkpoint
from hydrofoil.gang.checkpoint.encoding import Corrupt, Unpicklable, read_file, write_state
from hydrofoil.gang.checkpoint.store import Store


@dataclass
class Mine:
    """A class of the user's own script."""

    name: str


def written(state: Any) -> bytes:
    file = io.BytesIO()
    write_state(file, {"step": 7}, state)
    return file.getvalue()


def test_torch_states_keep_shared_storage() -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    file = read_file(memoryview(written({"a": weight, "tied": weight.t(), "mine": Mine("x")})))
    assert (file.header["kind"], file.header["step"]) == ("torch", 7)
    state = file.state()
    state["a"][0, 1] = 99.0
    assert state["tied"][1, 0] == 99.0
    assert state["mine"].name == "x"


def test_without_torch_arrays_are_written_from_their_memory_and_read_writable() -> None:
    """In a process of its own: this one has loaded torch."""
    program = """
import sys, tempfile, tracemalloc
import numpy as np
from hydrofoil.gang.checkpoint.encoding import read_file, write_state

array = np.arange(1_000_000.0)
sink = tempfile.TemporaryFile(buffering=0)
write_state(tempfile.TemporaryFile(), {}, {})  # Imports what it needs.
tracemalloc.start()
write_state(sink, {"step": 7}, {"w": array})
peak = tracemalloc.get_traced_memory()[1]
assert peak < array.nbytes / 10, peak
sink.seek(0)
file = read_file(memoryview(sink.read()))
assert file.header["kind"] == "pickle" and "torch" not in sys.modules
state = file.state()
state["w"] += 1
assert (state["w"] == array + 1).all()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


SMALL = written({"w": [1, 2, 3], "name": "small"})


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_any_changed_byte_is_found(at: int, change: int) -> None:
    data = bytearray(SMALL)
    data[at] ^= change
    with pytest.raises(Corrupt):
        read_file(memoryview(data))


@given(st.integers(0, len(SMALL) - 1))
@settings(max_examples=100, deadline=None)
def test_any_torn_file_is_found(length: int) -> None:
    with pytest.raises(Corrupt):
        read_file(memoryview(SMALL[:length]))


def test_what_cannot_be_pickled() -> None:
    with pytest.raises(Unpicklable, match="lock"):
        written({"lock": __import__("threading").Lock()})


class Full:
    """A disk with room for some bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, data: Any) -> None:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device")


@pytest.mark.parametrize("room", [0, 20, 150, 5_000])
def test_a_store_that_fails_is_not_called_unpicklable(room: int) -> None:
    with pytest.raises(OSError, match="No space left"):
        write_state(Full(room), {"step": 7}, {"w": torch.zeros(10_000)})


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(Checkpoint(str(tmp_path)))
    seen: list[list[str]] = []

    def fill(sink: Any) -> None:
        sink.write(b"half")
        seen.append([name for name in store.names() if not name.endswith(".tmp")])
        sink.write(b"whole")

    store.write("file", fill)
    assert seen == [[]]
    assert bytes(store.read("file")) == b"halfwhole"

    def refuse() -> None:
        raise PermissionError("no longer allowed")

    with pytest.raises(PermissionError):
        store.write("other", fill, refuse)
    assert store.names() == ["file"]


def test_a_write_that_the_system_refuses_leaves_nothing(tmp_path: Path) -> None:
    store = Store(Checkpoint(str(tmp_path)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            store.write("file", lambda sink: write_state(sink, {}, np.zeros(100_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


class ObjectStore:
    """Shows a file when its stream is closed, has no rename, and doesn't let us delete."""

    type_name = "s3"

    def __init__(self) -> None:
        self.local = fs.LocalFileSystem()

    def open_output_stream(self, path: str, compression: None) -> Any:
        return self.local.open_output_stream(path, compression=compression)


def test_an_object_that_is_given_up_has_no_end(tmp_path: Path) -> None:
    """Object stores' streams can't be abandoned, so the object may well appear."""
    store = Store(Checkpoint(str(tmp_path), filesystem=ObjectStore()))

    def fill(sink: Any) -> None:
        write_state(sink, {"step": 1}, {"w": 1})

    def refuse() -> None:
        raise PermissionError("no longer allowed")

    store.write("good", fill)
    assert read_file(memoryview((tmp_path / "good").read_bytes())).state() == {"w": 1}
    with pytest.raises(PermissionError, match="no longer"):
        store.write("bad", fill, refuse)
    with pytest.raises(Corrupt):
        read_file(memoryview((tmp_path / "bad").read_bytes()))


def test_confs_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="keep=0"):
        Checkpoint("/x", keep=0)
    with pytest.raises(UsageError, match="per-rank"):
        Checkpoint("/x", reshard=lambda states, rank, size: states[0])
    with pytest.raises(UsageError, match="no folder"):
        Checkpoint("")
    assert Checkpoint("relative").uri == os.path.abspath("relative")
    assert Checkpoint("s3://bucket/x").uri == "s3://bucket/x"
