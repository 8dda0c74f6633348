"""One task of an Arrow eval type: what stock is asked for, and the plan."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkRuntimeError

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.arrow_aggregate import AggregateArrow, call, whole
from hydrofoil.evals.arrow_grouped import CogroupedArrow, GroupedArrow
from hydrofoil.evals.arrow_map import ArrowMap
from hydrofoil.evals.arrow_results import Results
from hydrofoil.evals.arrow_scalar import ArrowScalar
from hydrofoil.evals.arrow_window import WindowArrow
from hydrofoil.evals.eval_types import EvalType, describe
from hydrofoil.evals.grouped_columns import keys_and_values
from hydrofoil.evals.numpy_scalar import TAKES_NUMPY, NumpyCall, NumpyScalar
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.families.arrow.casts import Casts, casts_of
from hydrofoil.spark.families.arrow.checks import group_checks, map_check
from hydrofoil.spark.stock.conversion import options
from hydrofoil.spark.stock.pipeline import Pipeline, streaming
from hydrofoil.spark.stock.streams import ArrowStream, BatchStream
from hydrofoil.spark.stock.task import StaysStock, Task
from hydrofoil.stream.batches import Batch
from hydrofoil.stream.group_frames import LONE_BATCHES

Plan = Callable[..., Iterator[Any]]

# Stock's own functions around a user's reader or writer.
DATA_SOURCES = ("data_source_read_func", "data_source_write_func")


def plan(task: Task) -> Pipeline:
    """What runs a task of an Arrow eval type.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    trace = TaskTrace(
        describe(task.eval_type),
        udfs=[
            UdfTrace(udf.name, f" -> {udf.return_type.simpleString()}", "fast") for udf in task.udfs
        ],
    )
    stock = casts_of(task)
    if task.eval_type == EvalType.SQL_SCALAR_ARROW_UDF and all(map(_takes_numpy, task.udfs)):
        return _numpy(task, stock, trace)
    if task.eval_type in (EvalType.SQL_SCALAR_ARROW_UDF, EvalType.SQL_SCALAR_ARROW_ITER_UDF):
        return streaming(ArrowScalar(stock.scalars, trace=trace), BatchStream(None, 0))
    if task.eval_type == EvalType.SQL_MAP_ARROW_ITER_UDF:
        return _map(task, stock, trace)
    if task.eval_type == EvalType.SQL_COGROUPED_MAP_ARROW_UDF:
        return streaming(_cogroups(task, stock, trace), BatchStream(stock.wrap, 2))
    if task.eval_type in (
        EvalType.SQL_GROUPED_AGG_ARROW_UDF,
        EvalType.SQL_GROUPED_AGG_ARROW_ITER_UDF,
        EvalType.SQL_WINDOW_AGG_ARROW_UDF,
    ):
        return _values(task, stock, trace)
    streams = LONE_BATCHES if task.version.lone_batches else 1
    return streaming(_groups(task, stock, trace), BatchStream(stock.wrap, streams))


# --- Columns to columns ---------------------------------------------------------------------------


def _takes_numpy(udf: Udf) -> bool:
    return len(udf.chain) == 1 and getattr(udf.chain[0], TAKES_NUMPY, False)


def _numpy(task: Task, stock: Casts, trace: TaskTrace) -> Pipeline:
    guard = task.worker.fail_on_stopiteration
    calls = []
    for udf in task.udfs:
        made: Any = udf.chain[0]
        calls.append(NumpyCall(made, guard(made.function), udf.arguments, udf.keywords))
    schema = _answer(task)
    return _as_declared(NumpyScalar(calls, stock.scalars, schema, trace=trace), schema, 0)


def _map(task: Task, stock: Casts, trace: TaskTrace) -> Pipeline:
    stream = BatchStream(stock.wrap, 0)
    if task.udfs[0].name in DATA_SOURCES:
        # Imported here, because few tasks read or write data sources.
        from hydrofoil.spark.families.arrow import sources

        made = sources.plan(task, stock, trace)
        if made is not None:
            return streaming(made, sources.stream(made, stream))
    plan = ArrowMap(
        task.udfs[0].function,
        flatten=stock.flatten,
        verify=map_check(task),
        # Without that setting, the check accepts them itself.
        any_iterable=task.version.iterables_by_conf
        and task.conf.runner.map_in_batch_legacy_accept_any_iterable,
        trace=trace,
    )
    return streaming(plan, stream)


# --- Groups to tables -----------------------------------------------------------------------------


def _groups(task: Task, stock: Casts, trace: TaskTrace) -> GroupedArrow:
    udf = task.udfs[0]
    return GroupedArrow(
        udf.function,
        *keys_and_values(udf.arguments)[0],
        with_key=_with_key(task, 1),
        iterator=task.eval_type == EvalType.SQL_GROUPED_MAP_ARROW_ITER_UDF,
        flatten=stock.flatten,
        verify=group_checks(task, stock),
        trace=trace,
    )


def _cogroups(task: Task, stock: Casts, trace: TaskTrace) -> CogroupedArrow:
    udf = task.udfs[0]
    return CogroupedArrow(
        udf.function,
        *keys_and_values(udf.arguments),
        with_key=_with_key(task, 2),
        verify=group_checks(task, stock),
        trace=trace,
    )


def _with_key(task: Task, tables: int) -> bool:
    """Whether the function takes the key in front of so many tables."""
    taken = task.udfs[0].arity - tables
    if not task.version.any_arity and taken not in (0, 1):
        raise StaysStock("the function has a different number of arguments")
    return taken != 0


# --- Groups to values -----------------------------------------------------------------------------


def _answer(task: Task) -> pa.Schema:
    """The schema of the record batches that functions to values answer with."""
    wide = task.conf.wide_offsets
    return pa.schema(
        [(f"_{i}", task.arrow_type(udf.return_type, wide=wide)) for i, udf in enumerate(task.udfs)]
    )


def _as_declared(plan: Plan, schema: pa.Schema, streams: int) -> Pipeline:
    return streaming(plan, ArrowStream(schema.serialize().to_pybytes(), streams))


def _values(task: Task, stock: Casts, trace: TaskTrace) -> Pipeline:
    schema = _answer(task)
    results = Results(
        [udf.return_type for udf in task.udfs],
        schema,
        options(binary_as_bytes=stock.binary_as_bytes, wide_offsets=task.conf.wide_offsets),
        stock.enforce,
    )
    made: Plan
    if task.eval_type == EvalType.SQL_WINDOW_AGG_ARROW_UDF:
        made = _windows(task, results, trace)
    elif task.version.aggregates_in_turn:
        made = _AggregatesInTurn(task.udfs, results, iterator=False, trace=trace)
    else:
        iterator = task.eval_type == EvalType.SQL_GROUPED_AGG_ARROW_ITER_UDF
        made = AggregateArrow(task.udfs, results, iterator=iterator, trace=trace)
    return _as_declared(made, schema, 1)


def _windows(task: Task, results: Results, trace: TaskTrace) -> WindowArrow:
    bounds = task.conf.windows(task.version)
    if task.version.windows_need_arguments:
        for udf, bound in zip(task.udfs, bounds, strict=False):
            if bound == "unbounded" and not udf.offsets:
                raise StaysStock("a window without arguments")
    return WindowArrow(task.udfs, bounds, results, unknown_bound=_unknown_bound, trace=trace)


def _unknown_bound(bound: str) -> PySparkRuntimeError:
    return PySparkRuntimeError(
        errorClass="INVALID_WINDOW_BOUND_TYPE", messageParameters={"window_bound_type": bound}
    )


class _AggregatesInTurn(AggregateArrow):
    """Aggregates where stock makes an array of each result before it calls the next function."""

    def _of_columns(self, group: Iterable[Batch]) -> list[Any]:
        batch = whole(self.columns, group)
        if batch is None:
            return []
        values = []
        for udf in self.udfs[:-1]:
            values.append(call(udf, batch))
            pa.array(values[-1:])
        values.append(call(self.udfs[-1], batch))
        return values
