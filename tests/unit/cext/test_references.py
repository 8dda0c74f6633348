"""Every codec many times over: objects and memory stay as many as they were.

What is counted: blocks of memory, all references to what Python's collector knows (types,
functions, containers), and those to the values.
"""

import gc
import io
import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.types import DataType, Row
from unit.cext.samples import SAMPLES
from unit.cext.stock import OPTIONS, to_arrow

from hydrofoil._cext.arrays.read import ObjectReader
from hydrofoil._cext.columns import ColumnView, bind_frame, live_buffers
from hydrofoil._cext.export import FrameExport, live_exports
from hydrofoil._cext.frames import Frame, FrameReader, FrameWriter
from hydrofoil._cext.gather import Gatherer
from hydrofoil._cext.objects.base import write_batch
from hydrofoil._cext.records import RecordsEncoder
from hydrofoil._cext.rows import Call, PickledLoop, RowLoop
from hydrofoil._cext.split import PieceSplitter
from hydrofoil._cext.udtf import RowsEncoder, SourceRowsEncoder, is_plain
from hydrofoil.stream.batches import uncompressed
from hydrofoil.values.type_table import decoder_for, encoder_for

TIMES = 150
# A loss is one each time at least.
FEW = TIMES // 2
METATYPE = "_common_types_metatype"


class Work:
    """What the core does with the values of a type, and with one that it leaves to stock."""

    def __init__(self, kind: DataType, values: list[Any]) -> None:
        self.kind = kind
        self.values = [*values, None]
        self.array = to_arrow(kind, self.values)
        self.schema = pa.schema([("c", self.array.type)])
        self.batch = pa.record_batch([self.array], schema=self.schema)
        self.frame = uncompressed(self.batch)

    def __call__(self) -> None:
        self.decode()
        self.encode()
        self.rows()
        self.arrow()

    def decode(self) -> None:
        view = ColumnView.of_type(self.array.type)
        decoder = decoder_for(self.kind, view, OPTIONS)
        bind_frame(self.frame, [view])
        decoder.decode(view)
        ObjectReader(decoder).read(view)
        decoder.open(view)
        encoder = encoder_for(self.kind, OPTIONS)
        loop = RowLoop(Call((lambda x: x,), (0,)))
        loop.evaluate([decoder], encoder, [], len(self.values))
        loop.collect([decoder], 0, len(self.values))
        loop.arguments([decoder], 0, len(self.values))
        decoder.close()
        view.release()

    def encode(self) -> None:
        encoder = encoder_for(self.kind, OPTIONS)
        for odd in ([], [object()], [self.values]):
            taken = encoder.encode([*self.values, *odd])
            if encoder.restores:
                encoder.restored(taken)
        encoder.encode(self.values)
        write_batch(FrameWriter(io.BytesIO()), [encoder], len(self.values))
        for value in self.values:
            is_plain(value)

    def rows(self) -> None:
        names = ["c", "d"]
        fields = [encoder_for(self.kind, OPTIONS) for _ in names]
        rows = [(v, v) for v in self.values] + [Row(c=v, d=v) for v in self.values]
        lists = [[v, v] for v in self.values]
        dicts = [{"c": v, "d": v} for v in self.values]
        for encoder in (RowsEncoder(fields, names), SourceRowsEncoder(fields, names, Row)):
            encoder.drain(iter([*rows, *lists, *dicts, object()]), [], True)
        records = RecordsEncoder(fields, names)
        records.take([*rows, object()], 0, len(rows) + 1)
        PickledLoop([Call((lambda a, b: a,), (0, 1))], [None]).evaluate([*rows, *lists], [])

    def arrow(self) -> None:
        take = pa.RecordBatch._import_from_c
        exported = FrameExport(self.schema).record_batch(self.frame, [0], take, self.schema)
        file = io.BytesIO()
        gatherer = Gatherer(self.schema, FrameWriter(file), False, 100)
        gatherer.add(exported._export_to_c)
        gatherer.flush()
        rows = self.batch.num_rows
        lengths = (3).to_bytes(4, "little") + (2 * (rows - 1) + 1).to_bytes(4, "little")
        assert len(list(PieceSplitter(self.schema).split(self.frame, lengths))) == 2
        with io.BytesIO() as stream:
            with pa.ipc.new_stream(stream, self.schema) as out:
                out.write_batch(self.batch)
            [frame] = FrameReader(io.BytesIO(stream.getvalue()))
            assert isinstance(frame, Frame)


def counted(values: list[Any]) -> tuple[int, ...]:
    gc.collect()
    # Cython's generators forget to give back a reference to their type.
    tracked = [each for each in gc.get_objects() if type(each).__name__ != METATYPE]
    found = [sys.getrefcount(value) for value in values]
    return sys.getallocatedblocks(), sum(map(sys.getrefcount, tracked)), *found


def changes(work: Callable[[], None], values: list[Any]) -> list[int]:
    before = counted(values)
    for _ in range(TIMES):
        work()
    return [now - then for now, then in zip(counted(values), before, strict=True)]


def steady(work: Callable[[], None], values: list[Any], rounds: int = 6) -> bool:
    """Whether there is a round in which nothing is lost or kept; in others caches fill."""
    return any(all(abs(change) < FEW for change in changes(work, values)) for _ in range(rounds))


def blocks_are_counted() -> bool:
    before = sys.getallocatedblocks()
    some = [object() for _ in range(TIMES)]
    return sys.getallocatedblocks() - before >= len(some) // 2


pytestmark = pytest.mark.skipif(
    not blocks_are_counted(), reason="PYTHONMALLOC=malloc has nothing that counts blocks"
)


def test_nothing_is_lost_or_kept() -> None:
    works = [Work(kind, values) for kind, values in SAMPLES]

    def all_of_them() -> None:
        for work in works:
            work()

    all_of_them()
    # Numbers that the counting itself makes are no sign.
    held = [value for work in works for value in work.values if not isinstance(value, int)]
    buffers, exports = live_buffers(), live_exports()
    if not steady(all_of_them, held):
        # To count takes longer than the work.
        found = [work.kind.simpleString() for work in works if not steady(work, held)]
        pytest.fail(f"references are lost or kept with {found}")
    assert (live_buffers(), live_exports()) == (buffers, exports)


def test_a_loss_would_be_seen() -> None:
    kept: list[Any] = []
    text = "some text"
    assert not steady(lambda: kept.append(object()), [], 2)
    assert not steady(lambda: kept.append(text), [text], 2)
    assert not steady(lambda: kept.append(Row), [], 2)
    assert steady(lambda: None, [text])
