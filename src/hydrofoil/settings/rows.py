"""How plain UDFs exchange rows, and by whose rules values are converted: ``rows=``.

* ``"stock"``: as Spark is configured to.
* ``"arrow"``: as Arrow record batches, with the results that the pickled path gives.
* ``"arrow-native"``: as Arrow record batches, by the rules of Spark's own Arrow path.

Executors learn the first two apart from the third by an environment variable, because Spark tells
a worker's code no more than that rows come as Arrow. ``docs/rows.md`` has what differs.
"""

import os

from hydrofoil.errors import UsageError

CHOICES = ("stock", "arrow", "arrow-native")
VARIABLE = "HYDROFOIL_ROWS"
ARROW_KEY = "spark.sql.execution.pythonUDF.arrow.enabled"
VARIABLE_KEY = f"spark.executorEnv.{VARIABLE}"


def settings(rows: str | None = None) -> dict[str, str]:
    """The Spark settings that make a choice; by default that of ``HYDROFOIL_ROWS``, or "stock".

    Raises
    ------
    UsageError
        If there is no such choice.
    """
    rows = chosen() if rows is None else _known(rows, "rows")
    if rows == "stock":
        return {}
    return {ARROW_KEY: "true", VARIABLE_KEY: rows}


def chosen() -> str:
    """The choice that this process's environment names, or "stock".

    Raises
    ------
    UsageError
        If ``HYDROFOIL_ROWS`` names no choice.
    """
    return _known(os.environ.get(VARIABLE) or "stock", f"the environment variable {VARIABLE}")


def as_pickled() -> bool:
    """Whether this worker converts what comes as Arrow by the pickled path's rules."""
    return chosen() == "arrow"


def _known(rows: str, name: str) -> str:
    if rows not in CHOICES:
        known = ", ".join(map(repr, CHOICES))
        raise UsageError(f"{name} is {rows!r}", hint=f"it must be one of {known}")
    return rows
