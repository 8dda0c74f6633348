"""Spark 4.3: what its worker receives, in one normalized form, and the stock code behind it.

Its worker calls ``read_udfs`` once the init message is parsed, and runs a task through what that
returns: a deserializer for the data stream, a function over its items, a serializer for the answer.
This module puts Hydrofoil's three in their place for the eval types that have a fast path. The
task's context, files, broadcasts, accumulators, profilers, timing and errors stay stock's own.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, BinaryIO

import pyarrow as pa
from pyspark.errors import PySparkValueError
from pyspark.serializers import SpecialLengths, read_int
from pyspark.sql.conversion import ArrowTableToRowsConversion
from pyspark.sql.pandas.types import _dedup_names
from pyspark.sql.types import Row

from hydrofoil._cext.rows import Replay
from hydrofoil.batch_writer import BatchWriter
from hydrofoil.codecs import Options
from hydrofoil.evals.batched import RowProjection
from hydrofoil.evals.pickled import PickledProjection
from hydrofoil.evals.table import EVAL_TYPES, describe
from hydrofoil.evals.tables_pickled import PickleStream
from hydrofoil.evals.udf import Udf, function_name
from hydrofoil.spark.logs import output_context
from hydrofoil.spark.stock import private_worker, report_failure
from hydrofoil.spark.v43_arrow import ArrowTask
from hydrofoil.spark.v43_tables import (
    StaysStock,
    arrow_table,
    find_partitions_faster,
    pickled_table,
)
from hydrofoil.trace import TaskTrace, UdfTrace
from hydrofoil.wire import read_batches, read_cogroups, read_groups, write_batches

# The functions that one function of stock's `chain` calls, as an attribute of it.
CHAIN = "__hydrofoil_chain__"

# What stands before an Arrow stream to the JVM.
START = struct.pack("!i", SpecialLengths.START_ARROW_STREAM)

Pipeline = tuple[Callable[..., Any], Any, Any, Any]


class Capture:
    """What stock's reading of one task's UDFs goes through, noted on the way."""

    def __init__(self) -> None:
        self.udfs: list[Udf] = []
        self.replays: list[Any] = []
        self.prepared: list[Any] = []
        # What stock guards against StopIteration: by UDF, and the last.
        self.guards: list[Any] = []
        self.names: list[str] = []
        self.stock_only = False
        self.return_type: Any = None
        self.guarded: Any = None


class Worker:
    """Stock's worker with Hydrofoil's data path."""

    def __init__(self) -> None:
        self.stock = private_worker()
        self._capture: Capture | None = None
        self._read_udfs = self.stock.read_udfs
        self._read_single_udf = self.stock.read_single_udf
        self._read_udtf = self.stock.read_udtf
        self._read_command = self.stock.read_command
        self._fail_on_stopiteration = self.stock.fail_on_stopiteration
        self._chain = self.stock.chain
        self._install(self.stock)

    def _install(self, stock: ModuleType) -> None:
        for name in (
            "read_udfs",
            "read_single_udf",
            "read_udtf",
            "read_command",
            "fail_on_stopiteration",
            "chain",
        ):
            setattr(stock, name, getattr(self, name))
        vars(stock)["handle_worker_exception"] = report_failure
        vars(stock)["capture_outputs"] = partial(stock.capture_outputs, output_context)

    def main(self, infile: BinaryIO, outfile: BinaryIO) -> None:
        """Run one task; see `hydrofoil.worker.main`."""
        self.stock.main(infile, outfile)

    # --- Stock's functions, with an eye on what passes through ------------------------------------

    def read_command(self, *args: Any, **kwargs: Any) -> Any:
        command = self._read_command(*args, **kwargs)
        if self._capture is not None:
            self._capture.return_type = command[1]
            self._capture.names.append(function_name(command[0]))
        return command

    def chain(self, first: Any, second: Any) -> Any:
        chained = self._chain(first, second)
        setattr(chained, CHAIN, (*getattr(first, CHAIN, (first,)), second))
        return chained

    def fail_on_stopiteration(self, function: Any) -> Any:
        if self._capture is not None:
            self._capture.guarded = function
        return self._fail_on_stopiteration(function)

    def read_single_udf(
        self, pickle_ser: Any, info: Any, eval_type: int, runner_conf: Any, udf_index: int
    ) -> Any:
        capture = self._capture
        if capture is None or capture.stock_only:
            prepared = self._read_single_udf(pickle_ser, info, eval_type, runner_conf, udf_index)
            if capture is not None:
                capture.prepared.append(prepared)
                capture.guards.append(capture.guarded)
            return prepared
        if udf_index < len(capture.prepared):
            return capture.prepared[udf_index]
        capture.guarded = None
        prepared = self._read_single_udf(pickle_ser, info, eval_type, runner_conf, udf_index)
        native = EVAL_TYPES[eval_type].native
        function = capture.guarded if native == "pickled" else prepared[0]
        # What stock puts around a function has another name.
        named = function if capture.guarded is None else capture.guarded
        capture.udfs.append(
            Udf(
                function=function,
                chain=getattr(named, CHAIN, (named,)),
                arguments=list(info.args),
                keywords=dict(info.kwargs),
                return_type=capture.return_type,
                arity=prepared[3] if native == "pandas" and isinstance(prepared[-1], int) else 0,
            )
        )
        if native != "pickled":
            replay = Replay(function)
            capture.replays.append(replay)
            prepared = (replay, *prepared[1:])
        capture.prepared.append(prepared)
        return prepared

    def read_udtf(
        self, pickle_ser: Any, info: Any, eval_type: int, runner_conf: Any, eval_conf: Any
    ) -> Pipeline:
        stock: Pipeline = self._read_udtf(pickle_ser, info, eval_type, runner_conf, eval_conf)
        row = EVAL_TYPES.get(eval_type)
        try:
            if row is not None and row.native == "tables":
                return self._tables(stock[0], info, eval_type, runner_conf, eval_conf)
            if row is not None and row.native == "tables_pickled":
                function, _, deserializer, serializer = stock
                table = pickled_table(self.stock, function, info, TaskTrace(describe(eval_type)))
                return table, None, deserializer, PickleStream(serializer.serializer)
            if row is not None and row.native == "tables_batches":
                found = "; its partitions are found by Arrow" * find_partitions_faster(stock[0])
                raise StaysStock(f"a call takes a whole batch{found}")
            raise StaysStock("no fast path for this eval type yet")
        except StaysStock as reason:
            publish_stock(eval_type, [info.name], str(reason))
        return stock

    def read_udfs(
        self, pickle_ser: Any, infos: list[Any], eval_type: int, runner_conf: Any, eval_conf: Any
    ) -> Pipeline:
        row = EVAL_TYPES.get(eval_type)
        native = row.native if row else None
        reason = "no fast path for this eval type yet"
        if native == "batched" and runner_conf.use_legacy_pandas_udf_conversion:
            native, reason = None, "the legacy pandas conversion is configured"
        self._capture = capture = Capture()
        try:
            if native == "pickled":
                return self._pickled(capture, pickle_ser, infos, eval_type, runner_conf, eval_conf)
            if native == "batched":
                return self._batched(capture, pickle_ser, infos, eval_type, runner_conf, eval_conf)
            if native == "pandas":
                function, *_ = self._read_udfs(pickle_ser, infos, eval_type, runner_conf, eval_conf)
                return self._pandas(capture, function, eval_type, runner_conf)
            capture.stock_only = True
            stock: Pipeline = self._read_udfs(pickle_ser, infos, eval_type, runner_conf, eval_conf)
            if native == "arrow":
                return self._arrow(capture, stock[0], eval_type, runner_conf)
        finally:
            self._capture = None
        publish_stock(eval_type, capture.names, reason)
        return stock

    def _run(self, call: Callable[[], Any]) -> Any:
        return self._fail_on_stopiteration(call)()

    # --- The fast paths ---------------------------------------------------------------------------

    def _pickled(
        self,
        capture: Capture,
        pickle_ser: Any,
        infos: list[Any],
        eval_type: int,
        runner_conf: Any,
        eval_conf: Any,
    ) -> Pipeline:
        _, _, deserializer, serializer = self._read_udfs(
            pickle_ser, infos, eval_type, runner_conf, eval_conf
        )
        projection = PickledProjection(
            capture.udfs,
            serializer.batchSize,
            run=self._run,
            trace=TaskTrace(describe(eval_type)),
        )
        # The batched serializer's inner one reads and writes lists of rows.
        return projection, None, deserializer.serializer, serializer.serializer

    def _batched(
        self,
        capture: Capture,
        pickle_ser: Any,
        infos: list[Any],
        eval_type: int,
        runner_conf: Any,
        eval_conf: Any,
    ) -> Pipeline:
        function, _, _, _ = self._read_udfs(pickle_ser, infos, eval_type, runner_conf, eval_conf)
        serial = function
        threads = runner_conf.arrow_concurrency_level
        if threads > 0:
            unthreaded = type(runner_conf)(
                {**runner_conf._conf, "spark.sql.execution.pythonUDF.arrow.concurrency.level": "-1"}
            )
            serial, _, _, _ = self._read_udfs(pickle_ser, infos, eval_type, unthreaded, eval_conf)
        projection = RowProjection(
            capture.udfs,
            eval_conf.input_type,
            _options(runner_conf),
            stock=function,
            serial_stock=serial,
            replays=capture.replays,
            stock_column=_stock_column(runner_conf.binary_as_bytes),
            run=self._run,
            threads=threads,
            trace=TaskTrace(describe(eval_type)),
        )
        output = pa.schema(
            [
                (
                    f"_{i}",
                    self._arrow_type(udf.return_type, runner_conf),
                )
                for i, udf in enumerate(capture.udfs)
            ]
        )
        ser = ArrowStream(output.serialize().to_pybytes())
        return projection, None, ser, ser

    def _arrow(self, capture: Capture, function: Any, eval_type: int, runner_conf: Any) -> Pipeline:
        task = ArrowTask(
            self.stock,
            eval_type,
            capture.prepared,
            capture.guards,
            function,
            runner_conf,
            _options(runner_conf),
        )
        trace = TaskTrace(describe(eval_type), udfs=task.traces(capture.names))
        plan, streams = task.plan(trace)
        ser: Any
        if task.answers_as_declared:
            ser = ArrowStream(task.answer_schema().serialize().to_pybytes(), streams)
        else:
            ser = BatchStream(task.wrap, streams)
        return plan, None, ser, ser

    def _arrow_type(self, return_type: Any, runner_conf: Any) -> Any:
        return self.stock.to_arrow_type(
            return_type, timezone="UTC", prefers_large_types=runner_conf.use_large_var_types
        )

    def _pandas(
        self, capture: Capture, function: Any, eval_type: int, runner_conf: Any
    ) -> Pipeline:
        # Imported here, because plain UDFs do without pandas.
        from hydrofoil.spark.v43_pandas import PandasTask

        task = PandasTask(
            self.stock, eval_type, capture.udfs, capture.replays, function, runner_conf
        )
        plan, streams = task.plan(TaskTrace(describe(eval_type), udfs=task.traces()))
        ser = ArrowStream(task.answer_schema().serialize().to_pybytes(), streams)
        return plan, None, ser, ser

    def _tables(
        self, function: Any, info: Any, eval_type: int, runner_conf: Any, eval_conf: Any
    ) -> Pipeline:
        if runner_conf.use_legacy_pandas_udtf_conversion:
            raise StaysStock("the legacy pandas conversion is configured")
        table = arrow_table(
            self.stock,
            function,
            info,
            eval_conf.input_type,
            _options(runner_conf),
            _stock_column(runner_conf.binary_as_bytes),
            TaskTrace(describe(eval_type)),
        )
        ser = ArrowStream(table.answer_schema().serialize().to_pybytes())
        return table, None, ser, ser


class ArrowStream:
    """What stock takes for a serializer: reads frames, writes encoded batches.

    ``_flush_per_batch`` is set by stock where it reads input in a thread of its own.

    Parameters
    ----------
    schema_message : bytes
        Of the answer.
    streams : int
        Arrow streams a group; 0 where the input is one stream and not in groups.
    """

    def __init__(self, schema_message: bytes, streams: int = 0) -> None:
        self.schema_message = schema_message
        self.streams = streams
        self._flush_per_batch = False

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        return _read(stream, self.streams)

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        write_batches(
            iterator,
            self.schema_message,
            stream,
            start=START,
            flush_each=self._flush_per_batch,
        )


class BatchStream:
    """As `ArrowStream`, for plans that yield record batches as users made them.

    Parameters
    ----------
    wrap : callable, optional
        Stock's ``wrap_struct``, where the JVM expects the columns in a struct.
    streams : int
        As for `ArrowStream`. Groups' results may be written together, for the JVM takes the rows as
        they come.
    """

    def __init__(self, wrap: Callable[[Any], Any] | None, streams: int) -> None:
        self.wrap = wrap
        self.streams = streams
        self._flush_per_batch = False

    def load_stream(self, stream: BinaryIO) -> Iterator[Any]:
        return _read(stream, self.streams)

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        BatchWriter(
            stream,
            start=START,
            wrap=self.wrap,
            together=self.streams > 0,
            flush_each=self._flush_per_batch,
        ).write(iterator)


def _read(stream: BinaryIO, streams: int) -> Iterator[Any]:
    if streams == 0:
        return read_batches(stream)
    read = read_groups if streams == 1 else read_cogroups
    return read(stream, read_int, _unexpected_streams)


def _unexpected_streams(count: int) -> PySparkValueError:
    return PySparkValueError(
        errorClass="INVALID_NUMBER_OF_DATAFRAMES_IN_GROUP",
        messageParameters={"dataframes_in_group": str(count)},
    )


def publish_stock(eval_type: int, names: list[str], reason: str) -> None:
    """Trace UDFs that run on stock's code."""
    trace = TaskTrace(describe(eval_type))
    trace.udfs = [UdfTrace(name, "", "stock", reason) for name in names]
    trace.publish()


def _options(runner_conf: Any) -> Options:
    return Options(
        row_type=Row,
        dedup_names=_dedup_names,
        known_zone=_known_zone,
        binary_as_bytes=runner_conf.binary_as_bytes,
        large_var_types=runner_conf.use_large_var_types,
    )


def _known_zone(zone: str) -> bool:
    try:
        pa.lib.string_to_tzinfo(zone)
    except Exception:
        return False
    return True


def _stock_column(binary_as_bytes: bool) -> Callable[[Any, Any], list[Any]]:
    def convert(array: Any, spark_type: Any) -> list[Any]:
        converter = ArrowTableToRowsConversion._create_converter(
            spark_type, none_on_identity=True, binary_as_bytes=binary_as_bytes
        )
        values = ArrowTableToRowsConversion._to_pylist(array)
        return values if converter is None else [converter(value) for value in values]

    return convert
