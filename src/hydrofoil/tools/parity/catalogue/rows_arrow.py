"""Plain functions on Arrow transport with pickle's semantics, against stock's pickled rows."""

from collections.abc import Iterator
from importlib.util import find_spec

from hydrofoil.tools.parity.case import ROWS_ARROW, Case, case
from hydrofoil.tools.parity.catalogue import row_results, rows

# Texts of Java's, with an object's address, or the JVM's time zone: docs/rows.md has them.
_OTHERWISE = [("returns", "string", name) for name in ("bytes", "tuple", "date", "datetime")]
# Spark fails on these, in another way on each transport.
_NOT_ON_ARROW = ("year_month_interval", "calendar_interval")


def cases() -> Iterator[Case]:
    """The queries of the families ``udf-pickled`` and ``udf-arrow``, if it can be had."""
    if find_spec("hydrofoil.settings.rows") is None:
        return
    for path, build, conf in (*rows.queries(), *row_results.queries()):
        if path in _OTHERWISE or path[0] in _NOT_ON_ARROW:
            continue
        yield case("rows-arrow", *path, build=build, conf=conf, mode=ROWS_ARROW)
