"""THE version table: which Spark lines Hydrofoil knows, by which adapter, and what is fast on each.

To add a Spark line, add a row and the module that it names. `docs/lines.md` says why an eval type
runs on stock's code on some lines, and `tests/matrix` that each line does what its row says.
"""

import sys
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class SparkLine:
    """One minor version of Spark that has an adapter; ``fast`` has codes of eval types."""

    minor: str
    adapter: str
    fast: frozenset[int]


def _line(minor: str, fast: tuple[int, ...]) -> SparkLine:
    return SparkLine(minor, f"hydrofoil.spark.v{minor.replace('.', '')}", frozenset(fast))


_ROWS = (100, 101)
_PANDAS_TO_40 = (200, 201, 202, 203, 204, 205, 206)
_PANDAS = (*_PANDAS_TO_40, 216, 217)
_ARROW = (207, 209, 210, 215, 250, 251, 252, 253, 254)
_TABLES = (300, 301)

LINES = {
    line.minor: line
    for line in (
        _line("4.3", (*_ROWS, *_PANDAS, *_ARROW, *_TABLES)),
        _line("4.2", (*_ROWS, *_PANDAS, *_ARROW, *_TABLES)),
        _line(
            "4.1",
            (*_ROWS, *_PANDAS_TO_40, 216, 207, 209, 210, 215, 250, 251, 252, 253, *_TABLES),
        ),
        _line("4.0", (*_ROWS, *_PANDAS_TO_40, 207, 209, 210, 300)),
        _line("3.5", (*_ROWS, *_PANDAS_TO_40, 207, 300)),
    )
}


@cache
def installed_line() -> SparkLine | None:
    """The installed PySpark's row, or None, with one warning, if the table has none."""
    import pyspark

    minor = ".".join(pyspark.__version__.split(".")[:2])
    line = LINES.get(minor)
    if line is None:
        print(
            f"hydrofoil: PySpark {pyspark.__version__} is not one of the versions that this "
            f"release speeds up ({', '.join(LINES)}); everything runs on stock PySpark's code",
            file=sys.stderr,
        )
    return line
