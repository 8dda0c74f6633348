"""What functions see and are made of is kept in files that nobody but their owner reads."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from hydrofoil import private
from hydrofoil.counts import task_trace
from hydrofoil.gang import local
from hydrofoil.gang.checkpoint.conf import Checkpoint
from hydrofoil.gang.checkpoint.store import Store
from hydrofoil.gang.data.spool import Storage
from hydrofoil.gang.seams import Spool
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.profiling.account import Log


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    """As the most careless of users would have it."""
    before = os.umask(0)
    yield
    os.umask(before)


def trace(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(task_trace.VARIABLE, str(folder))
        task_trace.TaskTrace("SQL_BATCHED_UDF").publish()


def checkpoint(folder: Path) -> None:
    store = Store(Checkpoint(str(folder)))
    store.create()
    store.write("state", lambda sink: sink.write(b"weights"))


def spool(folder: Path) -> None:
    descriptor = Storage(Spool(dir=str(folder)), 0, 0).file()
    assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
    os.close(descriptor)


def spool_without_nameless_files(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(os, "O_TMPFILE")
        spool(folder)


def recording(folder: Path) -> None:
    private.make_folder(folder)
    Recording("4.3.0", "3.11", "26", {}, b"rows").save(folder / "made.recording")


def profile(folder: Path) -> None:
    private.make_folder(folder)
    Log(folder, "worker").write({"kind": "task"})


def rank_results(folder: Path) -> None:
    seen: list[Any] = []

    class Watched(local.LocalJob):
        def results(self) -> list[bytes]:
            seen.extend(modes(Path(self._folder.name)))
            return super().results()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "LocalJob", Watched)
        assert list(local.run_locally(1, lambda ctx: "weights")) == ["weights"]
    assert seen == [("", 0o700), ("rank-0", 0o600)]


def modes(folder: Path) -> list[tuple[str, int]]:
    """The folder's, as ``""``, and those of all that it holds."""
    paths = [folder, *sorted(folder.rglob("*"))]
    return [
        (str(path.relative_to(folder)).strip("."), stat.S_IMODE(path.stat().st_mode))
        for path in paths
    ]


@pytest.mark.parametrize(
    ("write", "files"),
    [(trace, 1), (checkpoint, 1), (spool, 0), (spool_without_nameless_files, 0), (recording, 1),
     (profile, 1)],
    ids=lambda value: getattr(value, "__name__", None),
)  # fmt: skip
def test_files_and_new_folders_are_their_owners(
    write: Callable[[Path], None], files: int, tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    write(folder)
    (_, of_folder), *of_files = modes(folder)
    assert of_folder == 0o700
    assert [mode for _, mode in of_files] == [0o600] * files


def test_results_of_ranks_without_spark_are_their_owners(tmp_path: Path) -> None:
    rank_results(tmp_path)


def test_folders_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    """A folder that somebody shares on purpose; files in it are private all the same."""
    folder = tmp_path / "shared"
    folder.mkdir(0o777)
    checkpoint(folder)
    assert modes(folder) == [("", 0o777), ("state", 0o600)]


def test_other_file_systems_make_their_own(tmp_path: Path) -> None:
    """What is not local has no modes of ours."""
    store = Store(
        Checkpoint(
            str(tmp_path / "elsewhere"), filesystem=fs.SubTreeFileSystem("/", fs.LocalFileSystem())
        )
    )
    store.create()
    store.write("state", lambda sink: sink.write(b"weights"))
    assert bytes(store.read("state")) == b"weights"
