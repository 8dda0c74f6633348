"""Rows as the JVM pickles them: of any shape, in the loops that take them.

What a pickle may import is what Spark's name: unpickling runs what it says, and who can change the
JVM's pickles can run anything.
"""

import io
import pickle
from contextlib import suppress
from typing import Any

from pyspark.sql.types import LongType, StringType, _create_row_inbound_converter
from unit.cext.stock import OPTIONS

from fuzz import pickles
from fuzz.tasks import tasks
from hydrofoil._cext.frames import FrameWriter
from hydrofoil._cext.objects.base import write_batch
from hydrofoil._cext.rows import Call, PickledLoop
from hydrofoil._cext.udtf import PickledRows, RowsEncoder
from hydrofoil.values.type_table import encoder_for

NAMED = {
    ("pyspark.sql.types", "_create_row_inbound_converter"): _create_row_inbound_converter,
    ("pyspark.sql.types", "Row"): OPTIONS.row_type,
}
FIELDS = [LongType(), StringType()]


class Rows(pickle.Unpickler):
    """Imports nothing but what rows are made of."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in NAMED:
            return NAMED[module, name]
        raise pickle.UnpicklingError(f"{module}.{name}")


def one(data: bytes) -> None:
    if not data:
        return
    if pickles.allocates(data[1:]):
        return
    try:
        rows = Rows(io.BytesIO(data[1:])).load()
    except Exception:  # As many kinds as there are objects.
        return
    if pickles.is_endless(rows):
        return
    results: list[Any] = []
    calls = [Call((lambda *a: a[0],), (0, 1)), Call((lambda a: a,), (data[0] % 4,))]
    # A row of another width or kind is an error of the same kind as where Python's code reads it.
    with suppress(TypeError, IndexError, KeyError, ValueError):
        PickledLoop(calls, [None, str]).evaluate(rows, results)
    assert all(type(row) in (tuple, list) and len(row) == 2 for row in results)
    with suppress(TypeError, ValueError):
        for row in PickledRows(iter(rows), tuple, data[0] % 4):
            assert type(row) is tuple
    with suppress(TypeError):
        drain(iter(rows))


def drain(rows: Any) -> None:
    encoder = RowsEncoder([encoder_for(kind, OPTIONS) for kind in FIELDS], ["a", "b"])
    taken: list[Any] = []
    if encoder.drain(rows, taken, True):
        write_batch(FrameWriter(io.BytesIO()), [encoder], len(taken))


def seeds() -> list[bytes]:
    """What the JVM sent a task, and rows of other shapes."""
    [data] = [task.data for task in tasks() if task.name == "pickled"]
    size = int.from_bytes(data[:4], "big")
    row = OPTIONS.row_type
    shapes: list[Any] = [[(1, "a"), (2, None)], [[1], {}, (1, 2, 3)], [row("a", "b")(1, "x")], 7]
    return [b"\2" + data[4 : 4 + size], *(b"\2" + pickle.dumps(rows, 4) for rows in shapes)]
