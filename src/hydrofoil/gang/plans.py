"""``gang.plan``: what a gang would meet, told before it is run."""

from typing import TYPE_CHECKING

from hydrofoil.errors import HydrofoilError
from hydrofoil.gang.seams import Resources
from hydrofoil.gang.session import session_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Warnings(list[str]):
    """A warning each; printed as lines."""

    def __repr__(self) -> str:
        lines = [f"{number}. {text}" for number, text in enumerate(self, 1)]
        return "\n".join([*(lines or ["Nothing stands in the way."]), _PADDING])

    __str__ = __repr__


_PADDING = (
    'Ranks with fewer rows than others see some again (steps="pad"); for exact sums over rows use '
    'steps="uneven".'
)
_FIXED = ("tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "date", "timestamp")


def plan(
    df: "DataFrame", num_tasks: int | None = None, resources: Resources | None = None
) -> list[str]:
    """Say what stands in the way of a gang on ``df``, or makes it slow. Runs nothing.

    Parameters
    ----------
    df : DataFrame
    num_tasks : int, optional
        Ranks.
    resources : Resources, optional
        Of each.

    Returns
    -------
    list of str
        A warning each; empty if there is none.
    """
    warnings = Warnings()
    try:
        session = session_of(df.sparkSession)
        session.check()
        slots = session.count(resources or Resources())
        if slots is None:
            warnings.append("the Spark Connect server doesn't tell how many slots there are")
        elif num_tasks is not None and slots.total < num_tasks:
            warnings.append(f"{num_tasks} ranks don't fit: {slots.reason}")
    except HydrofoilError as error:
        warnings.append(str(error))
    if df.isStreaming:
        warnings.append("a streaming DataFrame never ends: call gang.run in foreachBatch")
    slow = [name for name, kind in df.dtypes if not _is_fixed(kind)]
    if slow:
        warnings.append(
            f"columns {', '.join(slow)} have no fixed width: batches of them are made row by row; "
            "leave them out with columns=, or make numbers or arrays of numbers of them"
        )
    return warnings


def _is_fixed(kind: str) -> bool:
    element = kind.removeprefix("array<").removesuffix(">")
    return element in _FIXED or element == "vector"
