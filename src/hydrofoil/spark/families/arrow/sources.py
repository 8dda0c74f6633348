"""Data sources: the functions for mapInArrow that stock makes of a user's reader or writer."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from importlib import import_module
from inspect import signature
from itertools import chain, islice
from types import CodeType, FunctionType
from typing import Any, BinaryIO

import pyarrow as pa
from pyspark.sql import datasource
from pyspark.sql.types import BinaryType, StructField, StructType, _create_row

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.sources import SourceReads, SourceWrites, ToBatches
from hydrofoil.spark.families.arrow.casts import Casts
from hydrofoil.spark.families.arrow.checks import map_check
from hydrofoil.spark.stock.closures import Variables, is_same, rebound, variables_of
from hydrofoil.spark.stock.conversion import converters, options, spark_type_of
from hydrofoil.spark.stock.streams import ArrowStream, BatchStream
from hydrofoil.spark.stock.task import Task
from hydrofoil.values.type_table import NoCodec, Options

_READ = ("pyspark.sql.worker.plan_data_source_read", "data_source_read_func")
_WRITE = ("pyspark.sql.worker.write_into_data_source", "data_source_write_func")
_TO_BATCHES = "records_to_arrow_batches"


def plan(task: Task, stock: Casts, trace: TaskTrace) -> SourceReads | SourceWrites | None:
    """What runs a reader's or a writer's task; None for other functions, and for Arrow writers."""
    udf = task.udfs[0]
    function = udf.chain[0]
    # Stock guards it; where it is profiled as well, the profiler has to go on around all of it.
    if len(udf.chain) != 1 or variables_of(udf.function).get("f") is not function:
        return None
    if _is(function, *_READ):
        return _reads(task, stock, trace, function)
    if _is(function, *_WRITE):
        return _writes(task, stock, trace, function)
    return None


def stream(made: SourceReads | SourceWrites, batches: BatchStream) -> BatchStream:
    """What reads and writes for a plan."""
    return _ReadStream(made, batches) if isinstance(made, SourceReads) else batches


class _ReadStream(BatchStream):
    """A reader's answers: record batches as a reader made them, or encoded rows."""

    def __init__(self, reads: SourceReads, batches: BatchStream) -> None:
        super().__init__(batches.wrap, batches.streams)
        self.reads = reads

    def dump_stream(self, iterator: Iterable[Any], stream: BinaryIO) -> None:
        iterator = iter(iterator)
        # The schema is known when the first of them is there.
        first = list(islice(iterator, 1))
        answers = chain(first, iterator)
        if self.reads.schema is None:
            super().dump_stream(answers, stream)
            return
        encoded = ArrowStream(self.reads.schema.serialize().to_pybytes())
        encoded._flush_per_batch = self._flush_per_batch
        encoded.dump_stream(answers, stream)


def _is(function: Any, module: str, name: str) -> bool:
    """Whether a function is the one that stock makes by this name, within another of a module."""
    if getattr(function, "__name__", "") != name or not isinstance(function, FunctionType):
        return False
    return function.__code__ in _codes(module, name)


@cache
def _codes(module: str, name: str) -> list[CodeType]:
    functions = (f for f in vars(import_module(module)).values() if isinstance(f, FunctionType))
    return [c for f in functions if f.__module__ == module for c in _within(f.__code__, name)]


def _within(code: CodeType, name: str) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name == name:
                yield constant
            yield from _within(constant, name)


def _reads(task: Task, stock: Casts, trace: TaskTrace, function: Any) -> SourceReads:
    def read(to_batches: ToBatches) -> Callable[[Iterator[pa.RecordBatch]], Any]:
        names = {**function.__globals__, _TO_BATCHES: to_batches}
        made = FunctionType(function.__code__, names, function.__name__, None, function.__closure__)
        guarded: Any = task.worker.fail_on_stopiteration(made)
        return guarded  # type: ignore[no-any-return]

    return SourceReads(
        read,
        stock=function.__globals__[_TO_BATCHES],
        wrap=stock.wrap,
        options=options(binary_as_bytes=True, wide_offsets=False),
        flatten=stock.flatten,
        verify=map_check(task),
        trace=trace,
    )


def _writes(task: Task, stock: Casts, trace: TaskTrace, function: Any) -> SourceWrites | None:
    parts = Variables(function)
    writer, makers, names = parts["writer"], parts["converters"], parts["fields"]
    kinds: Any = (getattr(datasource, name, None) for name in _ARROW_WRITERS)
    if isinstance(writer, tuple(kind for kind in kinds if kind is not None)):
        return None
    # Since 4.2.
    to_pylist = getattr(converters().ArrowTableToRowsConversion, "_to_pylist", pa.Array.to_pylist)

    def rows(batch: pa.RecordBatch) -> Iterator[Any]:
        columns = [to_pylist(column) for column in batch.columns]
        for row in range(batch.num_rows):
            values = [makers[k](columns[k][row]) for k in range(batch.num_columns)]
            yield _create_row(fields=names, values=values)

    return SourceWrites(
        lambda given: task.worker.fail_on_stopiteration(rebound(function, writer=given)),
        writer=writer,
        known=partial(_known, makers, names),
        rows=rows,
        flatten=stock.flatten,
        verify=map_check(task),
        trace=trace,
    )


_ARROW_WRITERS = ("DataSourceArrowWriter", "DataSourceStreamArrowWriter")


def _known(makers: list[Any], names: list[str], arrow_type: Any) -> tuple[StructType, Options]:
    """The Spark types by which stock has made these converters.

    Types are guessed from Arrow's; if the guess is right, stock makes the same converters of it.
    """
    fields = list(arrow_type)
    guessed = StructType(
        [
            StructField(name, spark_type_of(field.type), field.nullable)
            for name, field in zip(names, fields, strict=False)
        ]
    )
    stock = converters().ArrowTableToRowsConversion._create_converter
    ways: list[dict[str, bool]] = [{}]
    if "binary_as_bytes" in signature(stock).parameters:
        ways = [{"binary_as_bytes": True}, {"binary_as_bytes": False}]
    for way in ways:
        made = [stock(field.dataType, **way) for field in guessed.fields]
        if len(fields) == len(names) and is_same(made, makers):
            as_bytes = isinstance(stock(BinaryType(), **way)(b""), bytes)
            return guessed, options(binary_as_bytes=as_bytes, wide_offsets=False)
    raise NoCodec("types that Arrow does not have")
