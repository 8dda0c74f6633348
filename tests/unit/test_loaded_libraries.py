"""Which OpenBLAS libraries a process has, whatever its files are called."""

import os
from mmap import PROT_READ, mmap
from pathlib import Path

import pytest

from hydrofoil.process import blas


def test_paths_that_are_no_utf_8(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    path = folder + b"/libopenblas.so"
    with open(path, "wb") as file:
        file.write(bytes(10))
    with open(path, "rb") as file, mmap(file.fileno(), 0, prot=PROT_READ):
        assert path in map(os.fsencode, blas.loaded_libraries())


def test_a_library_that_has_been_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "loaded_libraries", lambda: ["/a/libopenblas.so (deleted)"])
    monkeypatch.setattr(blas, "wanted_threads", lambda: 2)
    assert blas.thread_setters() == []
