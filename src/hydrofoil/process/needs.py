"""THE table of versions that work, by Spark version."""

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Needs:
    """What a version of Spark and Hydrofoil need; ``below`` is the first one not yet supported."""

    java: int
    python: str
    pyarrow: str
    pandas: str
    pandas_below: str
    numpy: str


# A lower bound is the higher one of Spark's and Hydrofoil's own.
_NEWEST = Needs(
    java=17,
    python="3.11",
    pyarrow="18.0.0",
    pandas="2.2.0",
    pandas_below="3",
    numpy="1.26",
)
NEEDS = {
    "4.3": _NEWEST,
    "4.2": replace(_NEWEST, python="3.10"),
    "4.1": replace(_NEWEST, python="3.10", pyarrow="15.0.0"),
    "4.0": replace(_NEWEST, python="3.10", pyarrow="15.0.0", pandas="2.0.0"),
    "3.5": replace(_NEWEST, python="3.10", java=8, pyarrow="15.0.0", pandas="2.0.0"),
}


def release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (2, 3) for "2.3rc1"."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else ()


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def needs_of(spark: str | None) -> Needs:
    """Return the needs of a Spark version; for an unknown one, of the known one nearest to it."""
    oldest, newest = min(NEEDS, key=release), max(NEEDS, key=release)
    known = minor(spark or newest)
    # What runs on stock's code there must not be said to need what only newer versions do.
    nearest = oldest if release(known) < release(oldest) else newest
    return NEEDS.get(known, NEEDS[nearest])
