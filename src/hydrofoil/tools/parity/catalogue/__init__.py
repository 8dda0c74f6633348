"""The catalogue: one module a group of families, each of which says `cases()`.

A case whose answer depends on the order of rows or on anything else that changes from run to run
under stock alone does not belong here.
"""

from functools import cache
from importlib import import_module
from zlib import crc32

from hydrofoil.tools.parity.case import Case

# The order in which they run.
MODULES = (
    "rows",
    "row_results",
    "rows_arrow",
    "declared",
    "vectorized",
    "mistakes",
    "settings",
    "tables",
)

# How many cases run where nobody says which: two minutes' worth.
USUAL = 430


@cache
def catalogue() -> tuple[Case, ...]:
    """All cases that the installed Spark offers.

    Raises
    ------
    ValueError
        If two cases have the same id.
    """
    found: dict[str, Case] = {}
    for name in MODULES:
        for case in import_module(f"{__name__}.{name}").cases():
            if case.id in found:
                raise ValueError(f"two cases are called {case.id}")
            found[case.id] = case
    return tuple(found.values())


@cache
def usual() -> tuple[Case, ...]:
    """A fair selection of the catalogue, the same each time.

    Ids are drawn by their hashes, so that a new case takes the place of one other at most.
    """
    drawn = sorted(catalogue(), key=lambda case: crc32(case.id.encode()))[:USUAL]
    chosen = {case.id for case in drawn}
    return tuple(case for case in catalogue() if case.id in chosen)
