"""The catalogue: one module a family, each of which says `cases()`.

A case whose answer depends on the order of rows or on anything else that changes from run to run
under stock alone does not belong here.
"""

from functools import cache
from importlib import import_module

from hydrofoil.parity.case import Case

# The order in which they run.
MODULES = ("rows", "row_results", "rows_arrow", "vectorized", "mistakes", "settings", "tables")


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
