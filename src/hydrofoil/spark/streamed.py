"""Spark 3.5 to 4.2: adapters for workers that read each UDF from the stream as they set it up.

There is no parsed message to look at, as in 4.3. What a UDF is called with is noted where stock's
``read_single_udf`` passes it on, to the functions that `StreamedWorker.wrappers` names.
"""

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from inspect import FullArgSpec
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from hydrofoil._cext.rows import Replay
from hydrofoil.evals.udf import Udf
from hydrofoil.settings.rows import as_pickled
from hydrofoil.spark.conversion import options
from hydrofoil.spark.pickled_rows import pickled_rows
from hydrofoil.spark.stock_groups import understanding
from hydrofoil.spark.stock_worker import (
    Capture,
    Pipeline,
    StaysStock,
    StockWorker,
    functions_of,
    planned,
    publish_stock,
)
from hydrofoil.spark.streams import START

if TYPE_CHECKING:
    from hydrofoil.spark.v41_pandas import PandasTask41

SQL_BATCHED_UDF = 100
SQL_ARROW_BATCHED_UDF = 101
SQL_SCALAR_PANDAS_UDF = 200

# Stock's function around that of a row UDF on Arrow, up to 4.1.
ARROW_ROWS_WRAPPER = "wrap_arrow_batch_udf"
# Stock's functions around those of pandas.
PANDAS_WRAPPERS = (
    "wrap_scalar_pandas_udf",
    "wrap_pandas_batch_iter_udf",
    "wrap_cogrouped_map_pandas_udf",
    "wrap_grouped_agg_pandas_udf",
    "wrap_window_agg_pandas_udf",
)

NOT_HERE = "no fast path for this eval type on this version of Spark"


class StreamedWorker(StockWorker):
    """Stock's worker of an older line, with Hydrofoil's data path where `plan` has one.

    Attributes
    ----------
    fast : frozenset of int
        The eval types that `plan` is asked for.
    wrappers : tuple of str
        Stock's functions that are given a UDF's function, and make of it what stock calls: (f,
        positional offsets, keyword offsets, type, ...) or (f, type, ...).
    replayed : frozenset of int
        Eval types whose functions stock's code has to find `Replay` objects for.
    """

    fast: ClassVar[frozenset[int]]
    wrappers: ClassVar[tuple[str, ...]] = ("wrap_udf",)
    replayed: ClassVar[frozenset[int]] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        for name in self.wrappers:
            setattr(self.stock, name, partial(self._wrap, getattr(self.stock, name)))
        self.passed: tuple[Any, ...] = ()
        self._eval_type = -1

    def plan(
        self, eval_type: int, capture: Capture, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        """What runs the task instead of ``stock``.

        Parameters
        ----------
        confs : tuple
            What stock's ``read_udfs`` is given after the eval type: nothing up to 4.1.

        Raises
        ------
        StaysStock
            If ``stock`` has to run it.
        """
        assert eval_type == SQL_BATCHED_UDF, f"no plan for eval type {eval_type}"
        return self.pickled(capture.udfs, stock)

    def as_pickled(self, udfs: list[Udf], stock: Pipeline, confs: tuple[Any, ...]) -> Pipeline:
        """The plan for row UDFs on Arrow by the pickled path's rules.

        Up to 4.0 the worker is not told what types its input has, nor has it options.
        """
        plain = options(binary_as_bytes=False, large_var_types=False, pickled=True)
        return pickled_rows(udfs, None, plain, self.stock.to_arrow_type, self.run)

    def pandas(
        self, task: type["PandasTask41"], eval_type: int, capture: Capture, stock: Pipeline
    ) -> Pipeline:
        """The fast path of functions of Series and data frames, up to 4.1."""
        # With named arguments there is another dict before it.
        conf = next((item for item in reversed(self.passed[2:]) if isinstance(item, dict)), {})
        return task(self.stock, eval_type, capture.udfs, capture.replays, stock, conf).pipeline()

    def table_plan(
        self, eval_type: int, name: str, stock: Pipeline, confs: tuple[Any, ...]
    ) -> Pipeline:
        """As `plan`, for the table function of a name."""
        raise NotImplementedError

    # --- Stock's functions, with an eye on what passes through ------------------------------------

    def read_udfs(self, pickle_ser: Any, infile: Any, eval_type: int, *confs: Any) -> Pipeline:
        self.capture = capture = Capture()
        self._eval_type = eval_type
        try:
            stock: Pipeline = self.original["read_udfs"](pickle_ser, infile, eval_type, *confs)
            capture.require_known()
            if eval_type == SQL_ARROW_BATCHED_UDF and as_pickled():
                return planned(lambda: self.as_pickled(capture.udfs, stock, confs))
            if eval_type not in self.fast:
                raise StaysStock(NOT_HERE)
            return planned(lambda: self.plan(eval_type, capture, stock, confs))
        except StaysStock as reason:
            publish_stock(eval_type, capture.names, str(reason))
        finally:
            self.capture = None
        return understanding(stock, eval_type)

    def read_udtf(self, pickle_ser: Any, infile: Any, eval_type: int, *confs: Any) -> Pipeline:
        self.capture = capture = Capture()
        try:
            stock: Pipeline = self.original["read_udtf"](pickle_ser, infile, eval_type, *confs)
            if eval_type not in self.fast:
                raise StaysStock(NOT_HERE)
            return planned(lambda: self.table_plan(eval_type, capture.names[-1], stock, confs))
        except StaysStock as reason:
            publish_stock(eval_type, capture.names, str(reason))
        finally:
            self.capture = None
        return stock

    def read_single_udf(self, *args: Any, **kwargs: Any) -> Any:
        capture = self.capture
        assert capture is not None, "stock reads UDFs in read_udfs alone"
        capture.guarded, self.passed = None, ()
        prepared = self.original["read_single_udf"](*args, **kwargs)
        capture.prepared.append(prepared)
        if self.passed:
            try:
                capture.udfs.append(self._describe(capture, prepared))
            except Exception as error:
                capture.unknown = error
        return prepared

    def _wrap(self, original: Callable[..., Any], function: Any, *rest: Any) -> Any:
        if self.capture is not None:
            self.passed = (function, self.capture.guarded, *rest)
            if self._eval_type in self.replayed:
                function = Replay(function)
                self.capture.replays.append(function)
        return original(function, *rest)

    def _describe(self, capture: Capture, prepared: Any) -> Udf:
        passed, guarded, *rest = self.passed
        # Where stock turns StopIteration into an error for each call, rows are called without.
        function = passed
        if self._eval_type == SQL_BATCHED_UDF:
            function = guarded
        named = passed if guarded is None else guarded
        arguments, keywords = prepared[0], {}
        if isinstance(rest[0], list):
            arguments, keywords = rest[:2]
        return Udf(
            function=function,
            chain=functions_of(named),
            arguments=list(arguments),
            keywords=dict(keywords),
            return_type=capture.return_type,
            arity=next((len(spec.args) for spec in rest if isinstance(spec, FullArgSpec)), 0),
        )


def on_record_batches(
    function: Callable[..., Any], serializer: Any
) -> Callable[[int, Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Stock's function for a task and its serializer, from one record batch to one.

    The serializer converts to and from streams only, so each batch goes through one.
    """

    def pipeline(split_index: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            source, sink = io.BytesIO(), io.BytesIO()
            with pa.ipc.new_stream(source, batch.schema) as writer:
                writer.write_batch(batch)
            source.seek(0)
            serializer.dump_stream(function(split_index, serializer.load_stream(source)), sink)
            sink.seek(len(START))
            yield pa.ipc.open_stream(sink).read_next_batch()

    return pipeline


def on_groups(
    function: Callable[..., Any], serializer: Any, streams: int
) -> Callable[[int, Iterable[Any]], Iterator[pa.RecordBatch]]:
    """As `on_record_batches`, from groups.

    A group is an iterable of record batches, or as many of them as it has ``streams``.
    """

    def pipeline(split_index: int, groups: Iterable[Any]) -> Iterator[pa.RecordBatch]:
        for group in groups:
            source, sink = io.BytesIO(), io.BytesIO()
            source.write(struct.pack("!i", streams))
            for batches in (group,) if streams == 1 else group:
                listed = list(batches)
                # Of a stream without batches nobody asks for the schema.
                schema = listed[0].schema if listed else pa.schema([])
                with pa.ipc.new_stream(source, schema) as writer:
                    for batch in listed:
                        writer.write_batch(batch)
            source.write(struct.pack("!i", 0))
            source.seek(0)
            serializer.dump_stream(function(split_index, serializer.load_stream(source)), sink)
            if sink.tell():
                sink.seek(len(START))
                yield from pa.ipc.open_stream(sink)

    return pipeline
