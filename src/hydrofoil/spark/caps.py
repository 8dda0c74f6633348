"""THE version table: which Spark lines Hydrofoil knows, and by which adapter.

To add a Spark line, add a row and the module that it names.
"""

import sys
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class SparkLine:
    """One minor version of Spark that has an adapter."""

    minor: str
    adapter: str


LINES = {line.minor: line for line in (SparkLine(minor="4.3", adapter="hydrofoil.spark.v43"),)}


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
