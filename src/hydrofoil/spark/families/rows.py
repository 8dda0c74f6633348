"""Row functions: pickled, on Arrow, on Arrow by the pickled path's rules, and through pandas."""

import os
from dataclasses import replace
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructField, StructType

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.batched import RowProjection, StockFunction
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.pickle_rules import RowsByPickleRules
from hydrofoil.evals.pickled import PickledProjection
from hydrofoil.evals.udf import Udf
from hydrofoil.reports.refusal import guarded
from hydrofoil.settings.rows import as_pickled
from hydrofoil.spark.stock.closures import Variables
from hydrofoil.spark.stock.conf import Conf
from hydrofoil.spark.stock.conversion import (
    options,
    options_of,
    spark_type_of,
    spark_types_of,
    stock_column,
)
from hydrofoil.spark.stock.pipeline import Pipeline, streaming
from hydrofoil.spark.stock.serializers import on_record_batches
from hydrofoil.spark.stock.streams import ArrowStream
from hydrofoil.spark.stock.task import StaysStock, Task
from hydrofoil.spark.versions import SparkVersion
from hydrofoil.stream.schemas import message_of


def pickled(task: Task) -> Pipeline:
    """The plan of a task whose rows are pickled."""
    projection = PickledProjection(
        task.udfs,
        task.stock.serializer.batchSize,
        run=task.run,
        trace=TaskTrace(describe(task.eval_type)),
    )
    # The batched serializer's inner one reads and writes lists of rows.
    return Pipeline(
        projection, None, task.stock.deserializer.serializer, task.stock.serializer.serializer
    )


def declined(version: SparkVersion, conf: Conf) -> str:
    """Why stock has to run rows on Arrow, by the configuration; empty if nothing speaks for it."""
    if as_pickled():
        return ""
    if version.rows_can_be_legacy and conf.legacy_rows:
        return "the legacy pandas conversion is configured"
    if not version.rows_in_threads and conf.threads:
        return "threads are configured"
    return ""


def on_arrow(task: Task) -> Pipeline:
    """The plan of a task whose rows are on Arrow.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    if as_pickled():
        return _as_pickled(task)
    if task.version.rows_go_through_pandas:
        return _through_pandas(task)
    conf = task.conf
    stock = serial = _stock_function(task)
    threads = conf.threads if task.version.rows_in_threads else 0
    if threads > 0:
        serial = task.without_threads()
    projection = RowProjection(
        task.udfs,
        conf.input_type,
        options_of(conf),
        stock=stock,
        serial_stock=serial,
        replays=task.replays,
        stock_column=lambda *column: stock_column(conf.binary_as_bytes)(*column),
        run=task.run,
        threads=threads,
        trace=TaskTrace(describe(task.eval_type)),
    )
    return _answering(projection, _answer(task, wide=conf.wide_offsets))


def _stock_function(task: Task) -> StockFunction:
    if task.eval_type in task.version.serializer_converts:
        return on_record_batches(task.stock)
    return task.stock.function


def _answer(task: Task, *, wide: bool) -> list[pa.DataType]:
    """The types of the columns that stock answers with."""
    return [task.arrow_type(udf.return_type, wide=wide) for udf in task.udfs]


def _answering(plan: Any, answer: list[pa.DataType]) -> Pipeline:
    return streaming(plan, ArrowStream(message_of(answer)))


def _as_pickled(task: Task) -> Pipeline:
    """The plan by the pickled path's rules."""
    conf = task.conf
    if task.version.input_type_is_sent:
        input_type, wide = conf.input_type, conf.wide_offsets
        converting = options_of(conf, pickled=True)
    else:
        # Such versions have no options for rows, or don't tell the worker of them.
        input_type, wide = _types_of, False
        converting = options(binary_as_bytes=False, wide_offsets=False, pickled=True)
    answer = _answer(task, wide=wide)
    plan = RowsByPickleRules(
        task.udfs,
        input_type,
        converting,
        output=pa.schema([(f"_{i}", kind) for i, kind in enumerate(answer)]),
        pickled_at_once=_pickled_at_once(task.version),
        run=task.run,
        trace=TaskTrace(describe(task.eval_type)),
    )
    return _answering(plan, answer)


def _types_of(schema: pa.Schema) -> Any:
    return spark_types_of(schema, prefer_timestamp_ntz=True)


def _pickled_at_once(version: SparkVersion) -> int:
    """How many results stock's worker pickles together.

    Where spark.sql.execution.python.udf.maxRecordsPerBatch says so, Spark gives it to the workers
    of all kinds of functions by this variable.
    """
    return int(os.environ.get("PYTHON_UDF_BATCH_SIZE", "100")) if version.batch_size_is_set else 100


def _through_pandas(task: Task) -> Pipeline:
    """The plan where stock's serializer takes rows through pandas."""
    import pandas as pd

    from hydrofoil.evals.pandas_rows import PandasRows

    # Stock fails at a UDF without arguments, and says how.
    if not task.version.rows_without_arguments and not all(udf.offsets for udf in task.udfs):
        raise StaysStock("a function without arguments")
    if int(pd.__version__.split(".")[0]) > 2:
        raise StaysStock(f"pandas {pd.__version__} has its own type for strings")
    serializer: Any = task.stock.deserializer
    pipeline = on_record_batches(task.stock)
    wide = task.conf.wide_offsets
    plan = PandasRows(
        [
            _as_stock_calls(udf, evaluate)
            for udf, (_, evaluate) in zip(task.udfs, task.prepared, strict=True)
        ],
        None,
        options(binary_as_bytes=True, wide_offsets=wide),
        stock=pipeline,
        serial_stock=pipeline,
        replays=task.replays,
        stock_column=lambda array, _: list(serializer.arrow_to_pandas(pa.chunked_array([array]))),
        run=task.run,
        threads=0,
        trace=TaskTrace(describe(task.eval_type)),
        type_of=spark_type_of,
        make_struct=lambda fields: StructType([StructField(*field) for field in fields]),
    )
    return _answering(plan, _answer(task, wide=wide))


def _as_stock_calls(udf: Udf, wrapped: Any) -> Udf:
    """The UDF with what stock makes of each result at once: strings, of whatever is declared so."""
    evaluate = Variables(wrapped)["evaluate"]
    result_function = Variables(Variables(evaluate)["f"])["result_func"]
    if type(udf.return_type).__name__ not in ("StringType", "BinaryType"):
        return udf
    return replace(udf, chain=(*udf.chain, guarded(udf.chain[-1], result_function)))
