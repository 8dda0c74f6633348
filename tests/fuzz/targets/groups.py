"""Groups from the JVM: many in a record batch, or a stream each, as each operator frames them.

An input's first byte says what the task expects; then come the bytes that the JVM sends it. Stock's
framing of Hydrofoil's groups is read, too.
"""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkValueError

from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import CorruptFrame, Frame
from hydrofoil.stream.group_format import MAGIC
from hydrofoil.stream.group_frames import LONE_BATCHES, GroupInput
from hydrofoil.stream.reading import CorruptGroups
from hydrofoil.stream.schemas import parsed
from hydrofoil.stream.stock_framing import StockFraming

STREAMS = (1, 2, LONE_BATCHES)
STOCK = 0x80
# More is as much work as the JVM says: empty groups are a few bytes each.
MOST = 2000

REFUSED = (EOFError, OSError, ValueError, CorruptFrame, CorruptGroups, PySparkValueError)
REFUSED += (pa.ArrowException,)


def one(data: bytes) -> None:
    if not data:
        return
    streams = STREAMS[data[0] % len(STREAMS)]
    file = io.BytesIO(data[1:])
    try:
        if data[0] & STOCK:
            as_stock_reads(file, lone=streams == LONE_BATCHES)
        else:
            as_we_read(file, streams)
    except REFUSED:
        pass


def as_we_read(file: io.BytesIO, streams: int) -> None:
    def unexpected(count: int) -> Exception:
        return PySparkValueError(f"{count} data frames")

    for i, group in enumerate(GroupInput(file, streams, unexpected)):
        for batch in frames(group):
            if isinstance(batch, Frame):
                look_at(batch)
        if i == MOST:
            return


def frames(group: Any) -> Iterator[Any]:
    if isinstance(group, tuple):
        for side in group:
            yield from side
    else:
        yield from group


def look_at(frame: Frame) -> None:
    try:
        views = [ColumnView.of_type(kind) for kind in parsed(frame.schema_message).types]
    except UnsupportedLayout:
        return
    bind_frame(frame, views)
    for view in views:
        view.release()


def as_stock_reads(file: io.BytesIO, *, lone: bool) -> None:
    if file.read(len(MAGIC)) == MAGIC:
        framed = StockFraming(file, lone_batches=lone)
        for _ in range(MOST):
            if len(framed.read(1000)) < 1000:
                return
