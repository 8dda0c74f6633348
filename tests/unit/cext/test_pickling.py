"""Objects of the core point into memory: none of them is pickled or copied."""

import pickle
import pkgutil
from importlib import import_module

import pytest

import hydrofoil._cext as core

MODULES = [each.name for each in pkgutil.walk_packages(core.__path__, f"{core.__name__}.")]
CLASSES = [
    each
    for name in MODULES
    for each in vars(import_module(name)).values()
    if isinstance(each, type)
    and each.__module__ == name
    and not issubclass(each, BaseException | list | dict)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_what_points_into_memory(kind: type) -> None:
    try:
        made = kind()
    except TypeError:  # It is made of something.
        assert not hasattr(kind, "__setstate_cython__")
        return
    try:
        state = made.__reduce_ex__(pickle.HIGHEST_PROTOCOL)[2]
    except TypeError as error:
        assert kind.__name__ in str(error)
    else:
        assert state is None  # It holds nothing.
