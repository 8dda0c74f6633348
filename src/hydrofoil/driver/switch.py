"""Turning the driver's and the bridge's fast paths on and off: replaces what `patches` lists.

The replacements belong to the process, not to a session: PySpark's classes are the same for all.
"""

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hydrofoil.driver.patches import PATCHES, Patch
from hydrofoil.process import switch
from hydrofoil.spark.versions import SparkVersion, installed_version

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_lock = threading.RLock()
_is_on = False
# Calls for which the fast paths are on whether or not they are for the process.
_forced: ContextVar[bool] = ContextVar("hydrofoil_driver_forced", default=False)
_forcing = 0


@dataclass(frozen=True)
class _Place:
    """An attribute that has been replaced, and what was there."""

    owner: Any
    name: str
    original: Any
    replacement: Any


# By their rows in the table: what is in place now.
_places: dict[Patch, _Place] = {}


def enable(spark: "SparkSession | None" = None, *, driver: bool = True) -> None:
    """Have rows go to and from the driver by Arrow and the core, where PySpark pickles them.

    It counts for all sessions of this process, at once. `configure` and `session` do this, too.
    Nothing happens on a version of Spark that Hydrofoil does not know, or with ``HYDROFOIL=off``.

    Parameters
    ----------
    spark : SparkSession, optional
        A running session. One of a Spark Connect client has what its client allows.
    driver : bool
        False takes the fast paths out, as `disable` does.
    """
    if not driver:
        disable(spark)
        return
    global _is_on
    with _lock:
        if _put_all_in(spark):
            _is_on = True


def disable(spark: "SparkSession | None" = None) -> None:
    """Give all sessions of this process PySpark's own methods back.

    Parameters
    ----------
    spark : SparkSession, optional
        Does not matter, as PySpark's classes are the same for all sessions.
    """
    global _is_on
    with _lock:
        _is_on = False
        if not _forcing:
            _take_all_out()


@contextmanager
def enabled_here(spark: "SparkSession") -> Iterator[None]:
    """Have the fast paths on inside of the block, for this thread alone."""
    global _forcing
    with _lock:
        _forcing += 1
        _put_all_in(spark)
    token = _forced.set(True)
    try:
        yield
    finally:
        _forced.reset(token)
        with _lock:
            _forcing -= 1
            if not _forcing and not _is_on:
                _take_all_out()


def is_enabled() -> bool:
    """Whether the fast paths are on in this process."""
    return _is_on


def original_of(owner: Any, name: str) -> Any:
    """PySpark's own attribute, whether it is replaced now or not."""
    with _lock:
        for place in _places.values():
            if place.owner is owner and place.name == name:
                return place.original
    return vars(owner)[name]


def _put_all_in(spark: "SparkSession | None") -> bool:
    version = None if switch.is_off() else installed_version()
    if version is None:
        return False
    for patch in PATCHES:
        if patch not in _places and _is_wanted(patch, version, spark):
            try:
                _places[patch] = _put_in(patch, version)
            except _NotThere as missing:
                _tell_once(str(missing))
    return True


def _take_all_out() -> None:
    # The last one first: a method can have several.
    for patch, place in reversed(list(_places.items())):
        # What somebody else has put over ours since then stays, and goes on to the original.
        if vars(place.owner).get(place.name) is place.replacement:
            setattr(place.owner, place.name, place.original)
            del _places[patch]


def _is_wanted(patch: Patch, version: SparkVersion, spark: "SparkSession | None") -> bool:
    if patch.where and not getattr(version, patch.where):
        return False
    return not patch.connect or type(spark).__module__.startswith("pyspark.sql.connect")


class _NotThere(Exception):
    """This PySpark has nothing in a patch's place; ``str()`` is the place."""


@functools.cache
def _tell_once(place: str) -> None:
    print(
        f"hydrofoil: this PySpark is not as published: it has no {place}, which is left out of "
        "what is sped up on the driver",
        file=sys.stderr,
    )


def _put_in(patch: Patch, version: SparkVersion) -> _Place:
    module_name = patch.module.format_map(vars(version))
    owner: Any = import_module(module_name)
    if patch.owner:
        owner = getattr(owner, patch.owner, None)
    if owner is None or patch.name not in vars(owner):
        raise _NotThere(".".join(filter(None, (module_name, patch.owner, patch.name))))
    original = vars(owner)[patch.name]
    module, _, maker = patch.maker.partition(":")
    make = getattr(import_module(module), maker)
    replacement: Any
    if isinstance(original, property):
        getter = original.fget
        replacement = property(_switched(getter, make(getter)), original.fset, original.fdel)
    elif isinstance(original, staticmethod):
        function = original.__func__
        replacement = staticmethod(_switched(function, make(function)))
    elif isinstance(original, functools.cached_property):
        replacement = functools.cached_property(_switched(original.func, make(original.func)))
        replacement.__set_name__(owner, patch.name)
    else:
        replacement = _switched(original, make(original))
    setattr(owner, patch.name, replacement)
    return _Place(owner, patch.name, original, replacement)


def _switched(original: Any, fast: Callable[..., Any]) -> Any:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (fast if _is_on or _forced.get() else original)(*args, **kwargs)

    return call
