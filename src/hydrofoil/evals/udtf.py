"""Table functions on Arrow (SQL_ARROW_TABLE_UDF): a call for each input row, a batch for each call.

The JVM joins the k-th batch to the k-th input row, so batches of few rows stay apart, and a call
without rows gives an empty one. What a call returns is encoded as it is taken; at the first row
that is not exactly of the declared types stock's code is given the call's outcome: the rows so far
and whatever follows. It also makes the error where the call raises, or returns what has no rows.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import pyarrow as pa

from hydrofoil._cext.columns import ColumnView, UnsupportedLayout, bind_frame
from hydrofoil._cext.frames import Frame
from hydrofoil._cext.udtf import RowsEncoder
from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.deaths.page import ROW, mine
from hydrofoil.evals.batched import Column, unsettled
from hydrofoil.failures.place import Detail
from hydrofoil.stream.batches import Encoded, record_batch
from hydrofoil.values.replaced import replaced_class
from hydrofoil.values.type_table import NoCodec, Options, encoder_for

Method = Callable[..., Any]


class Outcome:
    """A method whose result, or error, is known: what stock is given in the method's place."""

    def __init__(self, method: Method, result: Any, error: Exception | None = None) -> None:
        self.method = method
        self.result = result
        self.error = error

    @property
    def __name__(self) -> str:
        name: str = self.method.__name__
        return name

    def __call__(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True)
class Ends:
    """How a task may end.

    Attributes
    ----------
    cleanup : callable or None
        What is called in any case.
    skip : type
        The exception by which a method asks for the end of its input.
    """

    cleanup: Callable[[], Any] | None
    skip: type[Exception]


def until_the_end(
    answers: Iterator[Any], last: Callable[[], Iterator[Any]], ends: Ends
) -> Iterator[Any]:
    """The answers to a task's rows, and then those of ``last``, in the order of stock's calls."""
    try:
        yield from answers
        yield from last()
    except ends.skip:
        # Also where `last` itself has raised it.
        yield from last()
    finally:
        if ends.cleanup is not None:
            ends.cleanup()


@dataclass(frozen=True)
class TableFunction:
    """One instance of a handler class, as stock has bound it to the query.

    Attributes
    ----------
    eval : callable
        Takes a row's arguments.
    offsets : list of int
        The input column of each argument.
    terminate : callable or None
        What is called after the last row.
    convert : callable
        Stock's call of a method without arguments: method -> batches to send.
    ends : Ends
    """

    eval: Method
    offsets: list[int]
    terminate: Method | None
    convert: Callable[[Any], Iterator[pa.RecordBatch]]
    ends: Ends


class TableProjection:
    """One table function, run over a task's batches of argument rows.

    Parameters
    ----------
    function : TableFunction
    input_type, return_type : pyspark.sql.types.StructType
        The columns of the input, and of the table that the function makes.
    options : Options
        What conversion depends on.
    stock_column : callable
        Stock's conversion of one column: (pyarrow array, Spark type) -> list of values.

    Raises
    ------
    NoCodec
        If a column of the table is left to stock's converters.
    """

    def __init__(
        self,
        function: TableFunction,
        input_type: Any,
        return_type: Any,
        options: Options,
        *,
        stock_column: Callable[[pa.Array, Any], list[Any]],
        trace: TaskTrace,
        name: str,
    ) -> None:
        fields = return_type.fields
        if len({field.name for field in fields}) != len(fields) or not fields:
            raise NoCodec("a table without columns, or with two of one name")
        self.function = function
        self.input_type = input_type
        self.options = options
        self.stock_column = stock_column
        self.trace = trace
        self.encoder = RowsEncoder(
            [encoder_for(field.dataType, options, nullable=field.nullable) for field in fields],
            [field.name for field in fields],
        )
        self.schema: pa.Schema | None = None
        self.columns: list[Column] | None = None
        arguments = ", ".join(
            input_type.fields[o].dataType.simpleString() for o in function.offsets
        )
        # The row that the function was given last, and what is known of the call that has raised.
        self.row = -1
        self.failed: Detail | None = None
        self.described = UdfTrace(name, f"({arguments}) -> {return_type.simpleString()}", "fast")
        trace.udfs.append(self.described)

    def __call__(
        self, split_index: int, batches: Iterable[Frame | pa.RecordBatch]
    ) -> Iterator[Encoded | pa.RecordBatch]:
        try:
            yield from until_the_end(self._all(batches), self._last, self.function.ends)
        finally:
            self.trace.publish()

    def answer_schema(self) -> pa.Schema:
        """The schema of the batches that stock sends."""
        return next(self.function.convert(Outcome(self.function.eval, None))).schema

    # --- A batch's arguments ---------------------------------------------------------------------

    def _rows(self, batch: Frame | pa.RecordBatch) -> Iterable[tuple[Any, ...]]:
        """The arguments of each call; every value of the batch is converted before the first."""
        if isinstance(batch, Frame):
            if self.schema is None:
                self._plan(batch.schema_message)
            rows, columns = batch.length, self._decoded(batch)
        else:
            rows, columns = batch.num_rows, self._converted(batch)
        if not self.function.offsets:
            return repeat((), rows)
        return zip(*[columns[offset] for offset in self.function.offsets], strict=False)

    def _plan(self, schema_message: bytes) -> None:
        self.schema = pa.ipc.read_schema(pa.py_buffer(schema_message))
        fields = self.input_type.fields
        missing = ["the batch has other columns than its declared input"]
        if len(fields) == len(self.schema):
            try:
                self.columns = [
                    Column(
                        field.dataType, ColumnView.of_type(arrow_type), self.options, shared=False
                    )
                    for field, arrow_type in zip(fields, self.schema.types, strict=True)
                ]
                missing = [column.reason for column in self.columns if column.reason]
            except UnsupportedLayout as error:
                missing = [str(error)]
        if missing:
            self.described.reason = f"arguments by stock's converters: {missing[0]}"

    def _decoded(self, frame: Frame) -> list[list[Any]]:
        """Each input column's values, by stock's converters where no decoder has it."""
        if self.columns is None or replaced_class() is not None:
            return self._converted(self._record_batch(frame))
        batch = None
        if frame.compressed:
            batch = self._record_batch(frame)
            for column, array in zip(self.columns, batch.columns, strict=True):
                column.view.bind(array)
        else:
            try:
                bind_frame(frame, [column.view for column in self.columns])
            except ValueError:
                return self._converted(self._record_batch(frame))
        decoded = []
        for i, column in enumerate(self.columns):
            values = None
            if column.decoder is not None:
                # What a decoder stumbles over is stock's to convert or to report.
                with suppress(Exception):
                    values = column.decoder.decode(column.view)
            if values is None:
                batch = self._record_batch(frame) if batch is None else batch
                values = self.stock_column(batch.column(i), self.input_type.fields[i].dataType)
            column.release()
            decoded.append(values)
        return decoded

    def _converted(self, batch: pa.RecordBatch) -> list[list[Any]]:
        return [
            self.stock_column(array, field.dataType)
            for array, field in zip(batch.columns, self.input_type.fields, strict=False)
        ]

    def _record_batch(self, frame: Frame) -> pa.RecordBatch:
        return record_batch(frame, self.schema)

    # --- The calls -------------------------------------------------------------------------------

    def _all(self, batches: Iterable[Frame | pa.RecordBatch]) -> Iterator[Encoded | pa.RecordBatch]:
        for batch in batches:
            yield from self._run(self.function.eval, self._rows(batch))

    def _last(self) -> Iterator[Encoded | pa.RecordBatch]:
        if self.function.terminate is not None:
            yield from self._run(self.function.terminate, [()])

    def _run(
        self, method: Method, rows: Iterable[tuple[Any, ...]]
    ) -> Iterator[Encoded | pa.RecordBatch]:
        noted = mine().fields
        for arguments in rows:
            self.row += 1
            noted[ROW] = self.row
            try:
                answer = self._call(method, arguments)
                if isinstance(answer, Encoded):
                    self.trace.fast()
                    yield answer
                else:
                    yield from self.function.convert(answer)
            except self.function.ends.skip:
                raise
            except Exception:
                row = None if method is self.function.terminate else self.row
                self.failed = Detail((method,), row, arguments)
                raise

    def _call(self, method: Method, arguments: tuple[Any, ...]) -> Encoded | Outcome:
        """What one call returned, encoded, or for stock to convert."""
        try:
            result = method(*arguments)
        except self.function.ends.skip:
            raise
        except Exception as error:
            self.trace.fell_back(f"{type(error).__name__} raised")
            return Outcome(method, None, error)
        if result is None:
            result = ()
        in_memory = type(result) in (list, tuple)
        if not in_memory and not isinstance(result, Iterable):
            self.trace.fell_back(f"{type(result).__name__} returned instead of rows")
            return Outcome(method, result)
        iterator = iter(result)
        rows: list[Any] = []
        self.encoder.drain(iterator, rows, not in_memory)
        if self.encoder.length == len(rows):
            reason = unsettled(self.encoder)
            if not reason:
                return Encoded([self.encoder], len(rows))
            self.trace.fell_back(reason)
            return Outcome(method, rows)
        self.trace.fell_back(f"a row of {type(rows[-1]).__name__} was not exactly of its types")
        return Outcome(method, chain(rows, iterator))
