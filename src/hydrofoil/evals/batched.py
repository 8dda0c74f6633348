"""Row UDFs on Arrow (SQL_ARROW_BATCHED_UDF): columns to arguments, results to columns.

A batch comes in as a frame. Its columns are bound to decoders, each UDF's loop writes to its
encoder, and the encoders go out as one record batch: `RowBatches`. What the codecs leave is its
subclasses'. For `RowProjection`, stock's code converts it by Arrow's rules; three things send a
batch there, and none calls the function twice for a row:

* The batch has a column, value or buffer that is not plain: stock gets the batch itself.
* A result is not exactly of its declared type: stock is given the results, through a `Replay` in
  the function's place, and converts them; rows that are left are still computed by our loop.
* A value cannot be decoded in mid-batch: stock gets the batch, and calls the function for the rows
  from there on.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, ClassVar

import pyarrow as pa

from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import Frame
from hydrofoil._cext.objects.base import Decoder, Encoder
from hydrofoil._cext.objects.special import ValuesDecoder
from hydrofoil._cext.rows import Replay, RowLoop
from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.deaths import page
from hydrofoil.evals.reasons import returned_for
from hydrofoil.evals.udf import Udf
from hydrofoil.failures.functions import running
from hydrofoil.failures.place import Detail, detail_of
from hydrofoil.reports.refusal import refusal_of
from hydrofoil.stream.batches import Encoded, record_batch
from hydrofoil.stream.schemas import parsed
from hydrofoil.values.replaced import replaced_class
from hydrofoil.values.type_table import NoCodec, Options, decoder_for, encoder_for

StockFunction = Callable[[int, Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Unreadable(Exception):
    """The codecs cannot read the batch; ``str()`` is the reason that is counted."""


def unsettled(encoder: Encoder) -> str:
    """Why stock has to convert a batch after all, by what has changed since its first result."""
    if not encoder.is_settled():
        return getattr(encoder, "unsettled", "the time zone was changed")
    replaced = replaced_class()
    return f"the program has replaced {replaced}" if replaced else ""


class Column:
    """One input column: how its values are made for the batch that it is bound to."""

    def __init__(
        self, spark_type: Any, view: ColumnView, options: Options, *, shared: bool
    ) -> None:
        self.view = view
        self.decoder: Decoder | None = None
        self.reason = ""
        try:
            self.decoder = decoder_for(spark_type, view, options)
        except NoCodec as missing:
            self.reason = str(missing)
        self.ahead = self.decoder is not None and (
            self.decoder.eager or (shared and self.decoder.mutable)
        )

    def release(self) -> None:
        """Let go of the batch."""
        self.view.release()
        if self.decoder is not None:
            self.decoder.close()


@dataclass(frozen=True)
class Loop:
    """One UDF's row loop, and the input columns that it reads, each once."""

    columns: list[int]
    rows: RowLoop


class RowBatches(ABC):
    """All UDFs of one projection, run over a task's batches.

    Parameters
    ----------
    udfs : list of Udf
        In the order of the output's columns.
    input_type : pyspark.sql.types.StructType
        The input columns' Spark types.
    options : Options
        What conversion depends on.
    column_values : callable
        Converts a column without a codec: (pyarrow array, Spark type) -> list of values.
    others : str
        Who converts what has no codec, for the trace.
    run : callable
        Calls what it is given, turning StopIteration into what stock makes of it.
    """

    column_type: ClassVar[type[Column]] = Column

    def __init__(
        self,
        udfs: list[Udf],
        input_type: Any,
        options: Options,
        *,
        column_values: Callable[[pa.Array, Any], list[Any]],
        others: str,
        run: Callable[[Callable[[], Any]], Any],
        trace: TaskTrace,
    ) -> None:
        self.udfs = udfs
        self.input_type = input_type
        self.options = options
        self.column_values = column_values
        self.others = others
        self.run = run
        self.trace = trace
        self.split_index = 0
        # The UDF that is running, and what is known of its call once that has raised.
        self.at = 0
        self.noted = page.mine().fields
        self.failed: Detail | None = None
        self.encoders: list[Encoder | None] = []
        for udf in udfs:
            try:
                self.encoders.append(self.encoder_of(udf.return_type))
                reason = ""
            except NoCodec as missing:
                self.encoders.append(None)
                reason = f"its results are converted by {others}: {missing}"
            trace.udfs.append(
                UdfTrace(udf.name, f" -> {udf.return_type.simpleString()}", "fast", reason)
            )
        self.schema: pa.Schema | None = None
        self.columns: list[Column] = []
        self.loops: list[Loop] = []
        self.unsupported = ""

    def encoder_of(self, spark_type: Any) -> Encoder:
        """The encoder of results of a declared type; `NoCodec` if stock has to convert them."""
        return encoder_for(spark_type, self.options)

    def __call__(
        self, split_index: int, batches: Iterable[Frame | pa.RecordBatch]
    ) -> Iterator[Encoded | pa.RecordBatch]:
        self.split_index = split_index
        try:
            for batch in batches:
                if isinstance(batch, Frame):
                    yield self._evaluate(batch)
                else:
                    self.trace.fell_back("the stream is irregular")
                    yield self._by_others(batch)
        finally:
            self.trace.publish()

    @abstractmethod
    def _by_others(self, batch: pa.RecordBatch) -> Encoded | pa.RecordBatch:
        """The answer to a batch that the codecs cannot read."""

    @abstractmethod
    def _run_udfs(self, frame: Frame, decoders: dict[int, Decoder]) -> Encoded | pa.RecordBatch:
        """The answer to a batch that the decoders are bound to."""

    # --- Once a task -----------------------------------------------------------------------------

    def prepare(self, schema_message: bytes) -> None:
        """Plan for input of this schema, as the first batch does."""
        if self.schema is None:
            self._plan(schema_message)

    def _plan(self, schema_message: bytes) -> None:
        self.schema = parsed(schema_message)
        fields = self.input_type.fields
        for udf in self.udfs:
            distinct = list(dict.fromkeys(udf.offsets))
            call = udf.call({offset: slot for slot, offset in enumerate(distinct)})
            self.loops.append(Loop(distinct, RowLoop(call)))
        if len(fields) != len(self.schema):
            self.unsupported = "the batch has other columns than its declared input"
            return
        users = [set(udf.offsets) for udf in self.udfs]
        try:
            self.columns = [
                self.column_type(
                    field.dataType,
                    ColumnView.of_type(arrow_type),
                    self.options,
                    shared=sum(i in offsets for offsets in users) > 1,
                )
                for i, (field, arrow_type) in enumerate(zip(fields, self.schema.types, strict=True))
            ]
        except UnsupportedLayout as error:
            self.unsupported = f"a column's layout is not known: {error}"
            return
        for udf, trace in zip(self.udfs, self.trace.udfs, strict=True):
            missing = [self.columns[o].reason for o in udf.offsets if self.columns[o].reason]
            arguments = ", ".join(fields[o].dataType.simpleString() for o in udf.offsets)
            trace.signature = f"({arguments}){trace.signature}"
            if missing:
                trace.reason = "; ".join(
                    filter(
                        None,
                        [f"arguments are converted by {self.others}: {missing[0]}", trace.reason],
                    )
                )

    # --- Once a batch ----------------------------------------------------------------------------

    def _evaluate(self, frame: Frame) -> Encoded | pa.RecordBatch:
        self.prepare(frame.schema_message)
        decoders = None
        try:
            decoders = self._decoders(frame)
        except Unreadable as reason:
            self.trace.fell_back(str(reason))
        if decoders is None:
            # Not above, where what stock raises would have our reason as its context.
            return self._by_others(self._record_batch(frame))
        try:
            return self.run(lambda: self._run_udfs(frame, decoders))
        except BaseException:
            known = self.failed
            self.failed = known or detail_of(lambda: self._detail(decoders))
            if known is not None and known.row is not None and known.arguments is None:
                self.failed = detail_of(lambda: self._with_arguments(known, decoders)) or known
            raise
        finally:
            for column in self.columns:
                column.release()

    def _record_batch(self, frame: Frame) -> pa.RecordBatch:
        return record_batch(frame, self.schema)

    def _decoders(self, frame: Frame) -> dict[int, Decoder]:
        """For each input column, what reads its values in this batch."""
        if self.unsupported:
            raise Unreadable(self.unsupported)
        replaced = replaced_class()
        if replaced is not None:
            raise Unreadable(f"the program has replaced {replaced}")
        batch = None
        if frame.compressed:
            batch = self._record_batch(frame)
            for column, array in zip(self.columns, batch.columns, strict=True):
                column.view.bind(array)
        else:
            try:
                bind_frame(frame, [column.view for column in self.columns])
            except ValueError as error:
                raise Unreadable(f"irregular record batch: {error}") from None
        decoders: dict[int, Decoder] = {}
        for i, column in enumerate(self.columns):
            if column.decoder is None:
                batch = self._record_batch(frame) if batch is None else batch
                array = next(islice(batch.itercolumns(), i, None))
                values = self.column_values(array, self.input_type.fields[i].dataType)
                decoders[i] = ValuesDecoder(values)
                continue
            try:
                if column.ahead:
                    decoders[i] = ValuesDecoder(column.decoder.decode(column.view))
                else:
                    column.decoder.open(column.view)
                    decoders[i] = column.decoder
            except Exception as error:
                raise Unreadable(f"a value that stock should convert: {error}") from None
        return decoders

    def _detail(self, decoders: dict[int, Decoder]) -> Detail | None:
        """What is known of the call that has raised, while its batch can still be read."""
        udf, loop = self.udfs[self.at], self.loops[self.at]
        row = loop.rows.row
        if not loop.rows.raised:
            return Detail(udf.chain)
        if loop.rows.reading:
            return Detail(udf.chain, row)
        return self._with_arguments(Detail(udf.chain, row), decoders)

    def _with_arguments(self, detail: Detail, decoders: dict[int, Decoder]) -> Detail:
        """The same, with what the function was called with."""
        assert detail.row is not None
        k = next(k for k, udf in enumerate(self.udfs) if udf.chain == detail.functions)
        columns = [decoders[o] for o in self.loops[k].columns]
        (arguments,) = self.loops[k].rows.arguments(columns, detail.row, detail.row + 1)
        keywords = tuple(self.udfs[k].keywords)
        return replace(detail, arguments=arguments, keywords=keywords)

    def _collect(self, k: int, decoders: dict[int, Decoder], start: int, stop: int) -> list[Any]:
        """The results of UDF ``k`` for rows ``start`` to ``stop - 1``, as they are."""
        self.at = self.noted[page.FUNCTION] = k
        loop = self.loops[k]
        arguments = [decoders[o] for o in loop.columns]
        collected: list[Any] = loop.rows.collect(arguments, start, stop)
        return collected


class RowProjection(RowBatches):
    """Row UDFs by Arrow's rules: what the codecs leave is stock's.

    Parameters
    ----------
    stock : callable
        Stock's function for this task, with ``replays`` in place of the users' functions.
    serial_stock : callable
        The same without threads, for replaying results in order.
    stock_column : callable
        Stock's conversion of one column: (pyarrow array, Spark type) -> list of values.
    threads : int
        How many threads call the functions; 0 or less for none.
    """

    def __init__(
        self,
        udfs: list[Udf],
        input_type: Any,
        options: Options,
        *,
        stock: StockFunction,
        serial_stock: StockFunction,
        replays: list[Replay],
        stock_column: Callable[[pa.Array, Any], list[Any]],
        run: Callable[[Callable[[], Any]], Any],
        threads: int,
        trace: TaskTrace,
    ) -> None:
        super().__init__(
            udfs,
            input_type,
            options,
            column_values=stock_column,
            others="stock",
            run=run,
            trace=trace,
        )
        self.stock = stock
        self.serial_stock = serial_stock
        self.replays = replays
        self.threads = threads

    def _run_udfs(self, frame: Frame, decoders: dict[int, Decoder]) -> Encoded | pa.RecordBatch:
        rows = frame.length
        # What is known of the UDFs before this one: results, or None where the encoder has them.
        done: list[list[Any] | None] = []
        for k, loop in enumerate(self.loops):
            self.at = self.noted[page.FUNCTION] = k
            encoder = self.encoders[k]
            if encoder is None or self.threads > 0:
                known = self._collect(k, decoders, 0, rows) if self.threads > 0 else []
                if encoder is None or encoder.encode(known) < rows or unsettled(encoder):
                    return self._replay(frame, decoders, done, known, "results converted by stock")
                done.append(known)
                continue
            kept: list[Any] | None = None if encoder.restores else []
            arguments = [decoders[o] for o in loop.columns]
            try:
                taken = loop.rows.evaluate(arguments, encoder, kept, rows)
            except Exception as error:
                if not loop.rows.reading:
                    raise
                known = encoder.restored(loop.rows.row) if kept is None else kept
                return self._resume(
                    frame, done, known, f"a value that stock should convert: {error}"
                )
            reason = unsettled(encoder)
            if taken == rows and not reason:
                done.append(kept)
                continue
            known = encoder.restored(taken) if kept is None else kept
            if taken < rows:
                known.append(loop.rows.left)
            if loop.rows.shared:
                # Results that may change until all are there are converted then, as by stock.
                known += self._collect(k, decoders, taken + 1, rows)
                taken = encoder.encode(known)
                if taken == rows and not unsettled(encoder):
                    done.append(known)
                    continue
                reason = f"a result was not exactly {self.udfs[k].return_type.simpleString()}"
            elif taken < rows:
                reason = returned_for(loop.rows.left, self.udfs[k].return_type)
            return self._replay(frame, decoders, done, known, reason)
        self.trace.fast()
        return Encoded(self.encoders, rows)

    def _collect(self, k: int, decoders: dict[int, Decoder], start: int, stop: int) -> list[Any]:
        if self.threads <= 0:
            return super()._collect(k, decoders, start, stop)
        loop, udf = self.loops[k], self.udfs[k]
        arguments = [decoders[o] for o in loop.columns]
        names, positional = list(udf.keywords), len(udf.arguments)

        def call(row: tuple[Any, ...]) -> Any:
            return udf.function(
                *row[:positional], **dict(zip(names, row[positional:], strict=True))
            )

        with ThreadPoolExecutor(max_workers=self.threads) as pool:
            return list(pool.map(call, loop.rows.arguments(arguments, start, stop)))

    # --- Stock's code ----------------------------------------------------------------------------

    def _by_others(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self._unload()
        return self._by_stock(self.stock, batch)

    def _by_stock(self, stock: StockFunction, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Stock's answer to a batch, for which it calls what the replays stand for."""
        try:
            return next(stock(self.split_index, iter([batch])))
        except Exception as error:
            traceback = error.__traceback__
            self.failed = detail_of(lambda: self._detail_of_replays(traceback))
            raise

    def _detail_of_replays(self, traceback: TracebackType | None) -> Detail | None:
        function = running([udf.chain[0] for udf in self.udfs], traceback)
        for udf, replay in zip(self.udfs, self.replays, strict=True):
            if udf.chain[0] is function and replay.at > 0:
                return Detail(udf.chain, replay.at - 1)
        return None

    def _replay(
        self,
        frame: Frame,
        decoders: dict[int, Decoder],
        done: list[list[Any] | None],
        known: list[Any],
        reason: str,
    ) -> pa.RecordBatch:
        """Let stock convert results: ``done`` of the UDFs before, ``known`` of this one so far.

        Stock evaluates one UDF and converts its results before it evaluates the next, so what is
        not known yet is computed when stock asks for it.
        """
        self.trace.fell_back(reason)
        rows = frame.length
        self._load_done(done, rows)
        for k in range(len(done), len(self.udfs)):
            results = known if k == len(done) else []
            rest = None
            if len(results) < rows:
                rest = partial(self._collect, k, decoders, len(results), rows)
            self.replays[k].load(results, rest)
        batch = self._record_batch(frame)
        if batch.num_columns:
            # Nobody looks at the arguments, and nulls are the cheapest to convert.
            nulls = [pa.nulls(rows, arrow_type) for arrow_type in batch.schema.types]
            batch = pa.RecordBatch.from_arrays(nulls, schema=batch.schema.with_metadata(None))
        try:
            try:
                return next(self.serial_stock(self.split_index, iter([batch])))
            except Exception:
                # Where a function has raised, it is our loop that has called it.
                if any(loop.rows.raised for loop in self.loops):
                    raise
                if not self._leave_out(batch, decoders):
                    self.failed = detail_of(lambda: self._detail_of_result(batch))
                    raise
            return next(self.serial_stock(self.split_index, iter([batch])))
        finally:
            self._unload()

    def _resume(
        self, frame: Frame, done: list[list[Any] | None], known: list[Any], reason: str
    ) -> pa.RecordBatch:
        """Let stock decode the batch and call the functions for rows that have no result yet."""
        self.trace.fell_back(reason)
        self._load_done(done, frame.length)
        self.replays[len(done)].load(known)
        try:
            return self._by_stock(self.stock, self._record_batch(frame))
        finally:
            self._unload()

    def _load_done(self, done: list[list[Any] | None], rows: int) -> None:
        for k, results in enumerate(done):
            encoder = self.encoders[k]
            assert encoder is not None
            self.replays[k].load(encoder.restored(rows) if results is None else results)

    def _detail_of_result(self, batch: pa.RecordBatch) -> Detail | None:
        """Whose result stock does not convert: it is given fewer and fewer of them."""
        every = [replay.results for replay in self.replays]
        for k, udf in enumerate(self.udfs):
            low, high = 0, len(every[k])
            if not high or not self._objects_to(k, every[k], batch):
                continue
            while high - low > 1:
                middle = (low + high) // 2
                if self._objects_to(k, every[k][low:middle], batch):
                    high = middle
                else:
                    low = middle
            return Detail(udf.chain, low, result=every[k][low : low + 1])
        return None

    def _leave_out(self, batch: pa.RecordBatch, decoders: dict[int, Decoder]) -> bool:
        """Make null what stock does not convert, where a function goes on without such rows."""
        every = [replay.results for replay in self.replays]
        taken = False
        for k, udf in enumerate(self.udfs):
            refused = refusal_of(udf.chain[-1])
            if refused is None:
                continue
            every[k] = known = list(every[k])
            for row, error in list(self._objections(k, known, batch, 0, len(known))):
                if refused(error, len(known) - 1 - row, known[row]):
                    known[row], taken = None, True
        for k, (known, replay) in enumerate(zip(every, self.replays, strict=True)):
            rest = None
            if len(known) < batch.num_rows:
                rest = partial(self._collect, k, decoders, len(known), batch.num_rows)
            replay.load(known, rest)
        return taken

    def _objections(
        self, k: int, results: list[Any], batch: pa.RecordBatch, low: int, high: int
    ) -> Iterator[tuple[int, Exception]]:
        """The rows of UDF ``k`` that stock does not convert, and what it says of each."""
        error = self._objection(k, results[low:high], batch) if high > low else None
        if error is None:
            return
        if high - low == 1:
            yield low, error
            return
        middle = (low + high) // 2
        yield from self._objections(k, results, batch, low, middle)
        yield from self._objections(k, results, batch, middle, high)

    def _objects_to(self, k: int, results: list[Any], batch: pa.RecordBatch) -> bool:
        """Whether stock fails to convert results of UDF ``k``, beside nulls of all others."""
        return self._objection(k, results, batch) is not None

    def _objection(self, k: int, results: list[Any], batch: pa.RecordBatch) -> Exception | None:
        for other, replay in enumerate(self.replays):
            replay.load(results if other == k else [None] * len(results))
        try:
            next(self.serial_stock(self.split_index, iter([batch.slice(0, len(results))])))
        except Exception as error:
            return error
        return None

    def _unload(self) -> None:
        for replay in self.replays:
            replay.load([])
