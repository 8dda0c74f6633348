"""Plain functions on Arrow transport with pickle's semantics, against stock's pickled rows."""

from collections.abc import Iterator
from importlib.util import find_spec

from hydrofoil.parity.case import ROWS_ARROW, Case, case
from hydrofoil.parity.catalogue import row_results, rows


def cases() -> Iterator[Case]:
    """The queries of the families ``udf-pickled`` and ``udf-arrow``, if it can be had."""
    if find_spec("hydrofoil.rows") is None:
        return
    for path, build, conf in (*rows.queries(), *row_results.queries()):
        yield case("rows-arrow", *path, build=build, conf=conf, mode=ROWS_ARROW)
