"""Record batches to the JVM: one Arrow stream of what users' functions returned."""

import time
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import pyarrow as pa

from hydrofoil._cext.columns import UnsupportedLayout
from hydrofoil._cext.frames import FrameWriter
from hydrofoil._cext.gather import Gatherer
from hydrofoil.stream.batches import MOST_ROWS, MOST_SECONDS


class BatchWriter:
    """Writes one Arrow stream, whose schema is that of its first batch.

    Parameters
    ----------
    start : bytes
        Precedes the stream, once there is something to write.
    wrap : callable, optional
        Stock's ``wrap_struct``, where batches go out as one struct column.
    together : bool
        Several small batches may be written as one.
    flush_each : bool
        Flush the file whenever something is written.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        start: bytes,
        wrap: Callable[[pa.RecordBatch], pa.RecordBatch] | None,
        together: bool,
        flush_each: bool,
    ) -> None:
        self._stream = stream
        self._start = start
        self._wrap = wrap
        self._together = together
        self._flush_each = flush_each
        self._schema: pa.Schema | None = None
        self._gatherer: Gatherer | None = None
        # For schemas that the core does not know.
        self._pyarrow: Any = None
        self._waiting = 0.0

    def write(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Write all batches, and the end of the stream even if ``batches`` raises."""
        try:
            for batch in batches:
                self._add(batch)
        finally:
            self._close()

    def _add(self, batch: pa.RecordBatch) -> None:
        if self._schema is None:
            self._open(batch)
        if self._schema_is_odd:
            assert self._wrap is not None
            batch = self._wrap(batch)
        if not batch.schema.equals(self._schema):
            self._refuse(batch)
        if self._gatherer is None:
            self._pyarrow.write_batch(batch)
        else:
            self._gatherer.add(batch._export_to_c)
            if self._gatherer.rows:
                now = time.monotonic()
                self._waiting = self._waiting or now
                if now - self._waiting > MOST_SECONDS:
                    self._gatherer.flush()
            if not self._gatherer.rows:
                self._waiting = 0.0
        if self._flush_each:
            self._stream.flush()

    def _open(self, first: pa.RecordBatch) -> None:
        schema = first.schema
        # Only stock's code knows what it makes of no columns, or of nulls where none may be.
        self._schema_is_odd = self._wrap is not None and (
            len(schema) == 0 or not all(field.nullable for field in schema)
        )
        in_struct = self._wrap is not None and not self._schema_is_odd
        if self._schema_is_odd:
            assert self._wrap is not None
            schema = self._wrap(first).schema
        self._stream.write(self._start)
        writer = FrameWriter(self._stream)
        together = self._together and not self._schema_is_odd
        try:
            self._gatherer = Gatherer(schema, writer, in_struct, MOST_ROWS if together else 0)
        except UnsupportedLayout:
            if in_struct:
                self._schema_is_odd, in_struct = True, False
                assert self._wrap is not None
                schema = self._wrap(first).schema
            self._pyarrow = pa.RecordBatchStreamWriter(self._stream, schema)
        else:
            sent = pa.schema([("_0", pa.struct(list(schema)))]) if in_struct else schema
            writer.write_message(sent.serialize().to_pybytes())
            self._writer = writer
        self._schema = schema

    def _refuse(self, batch: pa.RecordBatch) -> None:
        """Raise what pyarrow raises at a batch of a different schema than the stream's."""
        schema = self._schema
        if self._wrap is not None and not self._schema_is_odd:
            assert schema is not None
            schema = pa.schema([("_0", pa.struct(list(schema)))])
            batch = self._wrap(batch)
        pa.RecordBatchStreamWriter(pa.BufferOutputStream(), schema).write_batch(batch)
        raise RuntimeError(f"a batch with schema {batch.schema} in a stream of schema {schema}")

    def _close(self) -> None:
        if self._gatherer is not None:
            self._gatherer.flush()
            self._writer.write_end()
        elif self._pyarrow is not None:
            self._pyarrow.close()
