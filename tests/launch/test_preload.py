"""Which pyspark a daemon imports, and what it says about threads."""

import os
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from hydrofoil.process import preload


def make_package(folder: Path, version: str, body: str = "") -> None:
    package = folder / "pyspark"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(body)
    (package / "version.py").write_text(f"__version__ = {version!r}\n")


def make_archive(folder: Path, version: str, body: str = "") -> Path:
    make_package(folder / "packed", version, body)
    archive = folder / "pyspark.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for source in sorted((folder / "packed").rglob("*.py")):
            file.write(source, source.relative_to(folder / "packed"))
        file.writestr("pyspark/tests/test_only_in_the_archive.py", "")
    return archive


@pytest.fixture
def site(tmp_path: Path) -> Path:
    make_package(tmp_path / "site", "4.3.0")
    return tmp_path / "site"


def find(monkeypatch: pytest.MonkeyPatch, *path: Path) -> tuple[str, str] | None:
    monkeypatch.setattr(sys, "path", ["", *map(str, path)])
    monkeypatch.chdir(path[-1].parent)
    return preload.find_installed("pyspark")


def test_same_release_is_taken_from_its_folder(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path, "4.3.0")
    assert find(monkeypatch, archive, site) == (str(archive), str(site))


def test_other_version_stays_in_the_archive(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find(monkeypatch, make_archive(tmp_path, "4.3.1"), site) is None


def test_patched_release_stays_in_the_archive(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find(monkeypatch, make_archive(tmp_path, "4.3.0", "PATCHED = True\n"), site) is None


def test_folder_in_front_is_left_alone(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find(monkeypatch, site, make_archive(tmp_path, "4.3.0")) is None


def test_nothing_to_find(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(monkeypatch, make_archive(tmp_path, "4.3.0")) is None


def test_threads_are_seen_while_they_run() -> None:
    before = preload.other_threads()
    if before is None:
        pytest.skip("this system does not list a process's threads")
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    during = preload.other_threads()
    release.set()
    thread.join()
    assert during is not None
    assert len(during) == len(before) + 1


def test_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    monkeypatch.delenv("JE_ARROW_MALLOC_CONF", raising=False)
    variables = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "x"}
    with preload.environment(variables):
        assert {name: os.environ[name] for name in variables} == variables
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
    assert "JE_ARROW_MALLOC_CONF" not in os.environ


def test_jemalloc_is_left_as_the_user_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JE_ARROW_MALLOC_CONF", raising=False)
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    assert preload.import_environment("pyarrow") == {
        "JE_ARROW_MALLOC_CONF": "background_thread:false"
    }
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    assert preload.import_environment("pyarrow") == {}
