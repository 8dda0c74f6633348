"""Freezing the libraries that a worker has imported itself."""

import gc
import sys
import weakref
from collections.abc import Iterator
from types import ModuleType

import pytest

from hydrofoil.process import frozen


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def imported(monkeypatch: pytest.MonkeyPatch, prefix: str, count: int) -> None:
    for number in range(count):
        name = f"{prefix}_{number}"
        monkeypatch.setitem(sys.modules, name, ModuleType(name))


class Node:
    """What only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


def test_freezes_once_for_a_new_library(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = frozen.Libraries()
    assert libraries.freeze(), "what the daemon has made is no task's"
    assert not libraries.freeze()
    imported(monkeypatch, "small", frozen.MANY_MODULES - 1)
    assert not libraries.freeze()
    imported(monkeypatch, "one_more", 1)
    before = gc.get_freeze_count()
    assert libraries.freeze()
    assert gc.get_freeze_count() > before
    assert not libraries.freeze()


def test_what_comes_later_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    libraries = frozen.Libraries()
    imported(monkeypatch, "library", frozen.MANY_MODULES)
    assert libraries.freeze()
    gone = weakref.ref(Node())
    gc.collect()
    assert gone() is None
