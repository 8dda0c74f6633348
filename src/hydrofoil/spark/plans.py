"""The plans of lines whose worker has a task's configuration as an object: 4.2 and later."""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.batched import RowProjection, StockFunction
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.conversion import options, stock_column
from hydrofoil.spark.pickled_rows import pickled_rows
from hydrofoil.spark.stock_worker import Capture, Pipeline
from hydrofoil.spark.streams import ArrowStream, BatchStream
from hydrofoil.spark.v43_arrow import ArrowTask
from hydrofoil.values.type_table import Options


def row_plan(
    worker: ModuleType,
    capture: Capture,
    runner_conf: Any,
    input_type: Any,
    *,
    stock: StockFunction,
    serial_stock: StockFunction,
    run: Callable[[Callable[[], Any]], Any],
    threads: int,
) -> Pipeline:
    """The fast path of row UDFs on Arrow; see `RowProjection`."""
    projection = RowProjection(
        capture.udfs,
        input_type,
        options_of(runner_conf),
        stock=stock,
        serial_stock=serial_stock,
        replays=capture.replays,
        stock_column=stock_column(runner_conf.binary_as_bytes),
        run=run,
        threads=threads,
        trace=TaskTrace(describe(101)),
    )
    large = runner_conf.use_large_var_types
    output = pa.schema(
        [
            (
                f"_{i}",
                worker.to_arrow_type(udf.return_type, timezone="UTC", prefers_large_types=large),
            )
            for i, udf in enumerate(capture.udfs)
        ]
    )
    ser = ArrowStream(output.serialize().to_pybytes())
    return projection, None, ser, ser


def arrow_plan(
    worker: ModuleType,
    capture: Capture,
    stock: Callable[..., Any],
    eval_type: int,
    runner_conf: Any,
    make_task: type[ArrowTask] = ArrowTask,
) -> Pipeline:
    """The fast path of functions of Arrow's objects."""
    task = make_task(
        worker,
        eval_type,
        capture.prepared,
        capture.guards,
        stock,
        runner_conf,
        options_of(runner_conf),
    )
    trace = TaskTrace(describe(eval_type), udfs=task.traces(capture.names))
    plan, streams = task.plan(trace)
    ser: Any
    if task.answers_as_declared:
        ser = ArrowStream(task.answer_schema().serialize().to_pybytes(), streams)
    else:
        ser = BatchStream(task.wrap, streams)
    return plan, None, ser, ser


def pickled_row_plan(
    worker: ModuleType,
    udfs: list[Udf],
    runner_conf: Any,
    input_type: Any,
    run: Callable[[Callable[[], Any]], Any],
) -> Pipeline:
    """The fast path of row UDFs on Arrow by the pickled path's rules."""
    to_arrow_type = partial(
        worker.to_arrow_type, timezone="UTC", prefers_large_types=runner_conf.use_large_var_types
    )
    return pickled_rows(udfs, input_type, options_of(runner_conf, pickled=True), to_arrow_type, run)


def options_of(runner_conf: Any, *, pickled: bool = False) -> Options:
    """What conversion depends on, by the task's configuration."""
    return options(
        binary_as_bytes=runner_conf.binary_as_bytes,
        large_var_types=runner_conf.use_large_var_types,
        pickled=pickled,
    )
