"""The settings by which a daemon watches its workers, and how they are written."""

import os
import re
from collections.abc import Callable

# Daemons read them as variables.
SLOW_ROW_KEY = "spark.hydrofoil.slowRow"
SLOW_ROW = "HYDROFOIL_SLOW_ROW"
MEMORY_KEY = "spark.hydrofoil.worker.memory"
MEMORY = "HYDROFOIL_WORKER_MEMORY"

_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")
# As Spark has them.
_SECONDS = {
    **dict.fromkeys(("", "s"), 1.0),
    **dict.fromkeys(("m", "min"), 60.0),
    "us": 1e-6,
    "ms": 1e-3,
    "h": 3600.0,
    "d": 86400.0,
}
_BYTES = {
    letter + ending: 1 << 10 * k
    for k, letter in enumerate(("", "k", "m", "g", "t", "p"))
    for ending in ("", "b")
}


def seconds(text: str) -> float:
    """A time as Spark writes it: ``30s``, ``5min``; without a unit, seconds.

    Raises
    ------
    ValueError
        It is none, or is 0.
    """
    return _of(text, _SECONDS, "a time such as 30s or 5min")


def byte_count(text: str) -> int:
    """A size as Spark writes it: ``2g``, ``512m``; without a unit, bytes.

    Raises
    ------
    ValueError
        It is none, or is 0.
    """
    return int(_of(text, _BYTES, "a size such as 512m or 2g"))


def _of(text: str, units: dict[str, float] | dict[str, int], what: str) -> float:
    match = _WRITTEN.fullmatch(text)
    unit = match and units.get(match[2].lower())
    if not match or not unit or not float(match[1]):
        raise ValueError(f"{text!r} is not {what}")
    return float(match[1]) * unit


def asked(variable: str, read: Callable[[str], float], warn: Callable[[str], None]) -> float | None:
    """What the environment asks for; None if it asks for nothing, or for nothing that can be."""
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        return read(text)
    except ValueError as error:
        warn(f"{variable} is left out: {error}")
        return None
