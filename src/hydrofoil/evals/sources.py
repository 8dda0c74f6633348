"""Python data sources: rows of a reader to record batches, and record batches to a writer's rows.

Both are functions for mapInArrow that stock has made of a user's reader or writer. Here stock's own
functions go on running, with parts of them exchanged: what makes record batches of the reader's
rows, and the rows that the writer is given.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import pyarrow as pa

from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import Frame
from hydrofoil._cext.udtf import SourceRowsEncoder
from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrow_columns import Columns
from hydrofoil.evals.arrow_map import ArrowMap
from hydrofoil.evals.batched import unsettled
from hydrofoil.stream.batches import Batch, Encoded
from hydrofoil.values.replaced import replaced_class
from hydrofoil.values.type_table import NoCodec, Options, decoder_for, encoder_for

# Makes record batches of what a reader gives: (iterator, rows a batch, type, data source) -> them.
ToBatches = Callable[[Iterator[Any], int, Any, Any], Iterable[pa.RecordBatch]]


class SourceReads(ArrowMap):
    """A reader's partition: one input row, and whatever the reader yields.

    Rows are encoded as they come, a batch of as many as stock takes. At the first that is not
    exactly of the declared types stock converts its batch, or makes the error.

    Parameters
    ----------
    read : callable
        Stock's function for mapInArrow, made with another `ToBatches` than its own.
    stock : ToBatches
        Stock's own.
    wrap : callable
        Stock's ``wrap_struct``.
    options : Options
        What conversion depends on.
    """

    def __init__(
        self,
        read: Callable[[ToBatches], Callable[[Iterator[pa.RecordBatch]], Any]],
        *,
        stock: ToBatches,
        wrap: Callable[[pa.RecordBatch], pa.RecordBatch],
        options: Options,
        flatten: Callable[[pa.RecordBatch], pa.RecordBatch],
        verify: Callable[[Any], Iterator[pa.RecordBatch]],
        trace: TaskTrace,
    ) -> None:
        super().__init__(
            read(self._to_batches), flatten=flatten, verify=verify, any_iterable=False, trace=trace
        )
        self.stock = stock
        self.wrap = wrap
        self.options = options
        # Of the answer, once the reader has yielded a row that can be encoded.
        self.schema: pa.Schema | None = None

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[Any]:
        try:
            results = self.function(map(self.columns, batches))
            first = next(results, None)
            if first is None:
                return
            results = chain([first], results)
            if self.schema is not None:
                yield from results
                return
            for result in self.verify(results):
                self.trace.fast()
                yield result
        finally:
            self.trace.publish()

    def _to_batches(
        self, records: Iterator[Any], size: int, return_type: Any, source: Any
    ) -> Iterator[Encoded | pa.RecordBatch]:
        begun = list(islice(records, 1))
        if not begun:
            return
        records = chain(begun, records)
        encoder = None
        if not isinstance(begun[0], pa.RecordBatch):
            try:
                encoder = self._encoder(return_type)
            except NoCodec as missing:
                self.trace.udfs[0].reason = f"its rows are converted by stock: {missing}"
        if encoder is None:
            yield from self.stock(records, size, return_type, source)
            return
        nothing = [None] * len(return_type.fields)
        [sample] = self.stock(iter([nothing]), size, return_type, source)
        self.schema = self.wrap(sample).schema
        while True:
            part = islice(records, size)
            rows: list[Any] = []
            encoder.drain(part, rows, True)
            if not rows:
                return
            reason = _why_left(encoder, rows)
            if not reason:
                self.trace.fast()
                yield Encoded([encoder], len(rows))
                continue
            self.trace.fell_back(reason)
            rows.extend(part)
            if isinstance(rows[0], pa.RecordBatch):
                # Stock looks for record batches before its first row alone.
                rows.insert(0, nothing)
            for batch in self.stock(iter(rows), len(rows), return_type, source):
                yield self.wrap(batch)

    def _encoder(self, return_type: Any) -> SourceRowsEncoder:
        """Raises `NoCodec` where stock has to convert all rows."""
        fields = return_type.fields
        names = [field.name for field in fields]
        if not names or len(set(names)) != len(names):
            raise NoCodec("no columns, or two of one name")
        if not all(field.nullable for field in fields):
            raise NoCodec("a column that is declared not to be null")
        encoders = [encoder_for(field.dataType, self.options) for field in fields]
        return SourceRowsEncoder(encoders, names, self.options.row_type)


def _why_left(encoder: SourceRowsEncoder, rows: list[Any]) -> str:
    """Why stock has to convert rows that the encoder was given; empty if it has not."""
    if encoder.length == len(rows):
        return unsettled(encoder)
    return f"a row of {type(rows[-1]).__name__} was not exactly of its types"


class SourceWrites:
    """A partition for a writer: its rows in, the writer's message out.

    Parameters
    ----------
    write : callable
        Stock's function for mapInArrow, made with another writer than the user's.
    writer : object
        The user's.
    known : callable
        The Spark types of a struct's fields, and what else conversion depends on: (Arrow type) ->
        (pyspark.sql.types.StructType, Options). Raises `NoCodec` where that can't be known.
    rows : callable
        Stock's conversion of a record batch: its rows, one after the other.
    flatten, verify : callable
        As for `ArrowMap`.
    """

    def __init__(
        self,
        write: Callable[[Any], Callable[[Iterator[pa.RecordBatch]], Any]],
        *,
        writer: Any,
        known: Callable[[pa.DataType], tuple[Any, Options]],
        rows: Callable[[pa.RecordBatch], Iterator[Any]],
        flatten: Callable[[pa.RecordBatch], pa.RecordBatch],
        verify: Callable[[Any], Iterator[pa.RecordBatch]],
        trace: TaskTrace,
    ) -> None:
        self.stock_write = write
        self.writer = writer
        self.known = known
        self.stock_rows = rows
        self.columns = Columns(flatten=flatten)
        self.verify = verify
        self.trace = trace
        self.message: bytes | None = None
        self.view: ColumnView | None = None
        self.decoder: Any = None

    def __call__(self, split_index: int, batches: Iterable[Batch]) -> Iterator[pa.RecordBatch]:
        try:
            write = self.stock_write(_Given(self.writer, self._rows(batches)))
            yield from self.verify(write(iter(())))
        finally:
            self.trace.publish()

    def _rows(self, batches: Iterable[Batch]) -> Iterator[Any]:
        for batch in batches:
            rows = self._decoded(batch) if isinstance(batch, Frame) else None
            yield from self.stock_rows(self.columns(batch)) if rows is None else rows

    def _decoded(self, frame: Frame) -> list[Any] | None:
        """A frame's rows; None where stock has to make them."""
        if frame.schema_message is not self.message:
            self._plan(frame.schema_message)
        if self.decoder is None or frame.compressed or replaced_class() is not None:
            self.trace.fell_back(self.trace.udfs[0].reason or "not a plain batch")
            return None
        assert self.view is not None, "a decoder has a view"
        try:
            bind_frame(frame, [self.view])
            rows: list[Any] = self.decoder.decode(self.view)
        except Exception as error:
            # What the core stumbles over is stock's to convert or to report.
            self.trace.fell_back(f"a value without a codec: {error}")
            return None
        finally:
            self.view.release()
        self.trace.fast()
        return rows

    def _plan(self, message: bytes) -> None:
        self.message, self.decoder = message, None
        schema = pa.ipc.read_schema(pa.py_buffer(message))
        try:
            if len(schema) != 1 or not pa.types.is_struct(schema.types[0]):
                raise NoCodec("columns that are not in a struct")
            self.view = ColumnView.of_type(schema.types[0])
            spark_type, options = self.known(schema.types[0])
            self.decoder = decoder_for(spark_type, self.view, options)
        except (NoCodec, UnsupportedLayout) as missing:
            self.trace.udfs[0].reason = f"its rows are converted by stock: {missing}"


class _Given:
    """Stands for a writer in stock's function, and has the writer take other rows than stock's."""

    def __init__(self, writer: Any, rows: Iterator[Any]) -> None:
        self._writer = writer
        self._rows = rows

    def write(self, _: Iterator[Any]) -> Any:
        return self._writer.write(self._rows)
