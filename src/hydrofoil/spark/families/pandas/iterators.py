"""Functions of iterators: under stock's checks, called by us or by stock's function."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pandas as pd
from pyspark.errors import PySparkTypeError

from hydrofoil.counts.task_trace import TaskTrace
from hydrofoil.evals.arrays_iter import ScalarArraysIter, is_over_arrays
from hydrofoil.evals.pandas_scalar import ScalarPandasIter, ScalarPandasIterCalled, is_struct
from hydrofoil.spark.stock.task import Task
from hydrofoil.values.dataframes.stock import StockPandas

Plan = Callable[..., Iterator[Any]]


def scalar_plan(task: Task, stock: StockPandas, trace: TaskTrace) -> Plan:
    """The plan of a scalar function of iterators."""
    udf, worker, function = task.udfs[0], task.worker, task.stock.function
    if is_over_arrays(udf):
        made: Any = udf.chain[0]
        return ScalarArraysIter(udf, worker.fail_on_stopiteration(made.function), trace)
    if task.version.iterators_run_in_stock:
        return ScalarPandasIterCalled(
            udf,
            stock,
            trace,
            called=lambda split_index, columns: _results_of(function(split_index, columns)),
        )
    element = pd.DataFrame if is_struct(udf.return_type) else pd.Series

    def counted(outputs: Iterator[Any], rows_in: Callable[[], int]) -> Iterator[Any]:
        limited = worker.verify_output_row_limit(outputs, rows_in)
        checked: Iterator[Any] = worker.verify_iter_result_row_count(limited, rows_in)
        return checked

    return ScalarPandasIter(
        udf,
        stock,
        trace,
        checked=lambda results: worker.verify_return_type(
            results,
            Iterator[element],  # type: ignore[valid-type]
        ),
        counted=counted,
        exhausted=worker.verify_iterator_exhausted,
    )


def map_call(task: Task) -> Callable[[int, Iterator[Any]], Iterator[Any]]:
    """What mapInPandas' function returns for an iterator of data frames, under stock's checks.

    The function is called when the first result is asked for, or before.
    """
    function = task.stock.function
    if task.version.iterators_run_in_stock:
        return lambda split_index, frames: _results_of(
            function(split_index, ([frame] for frame in frames))
        )
    return lambda split_index, frames: _checked_frames(task, task.udfs[0].function(frames))


def _results_of(packed: Iterator[tuple[Any, Any]]) -> Iterator[Any]:
    """What stock's function for a task of an iterator gives, without the type beside each."""
    return (result for result, _ in packed)


def _checked_frames(task: Task, results: Any) -> Iterator[Any]:
    any_iterable = (
        task.version.iterables_by_conf and task.conf.runner.map_in_batch_legacy_accept_any_iterable
    )
    if any_iterable and not isinstance(results, Iterator):
        # Without an iterator, the error below says so.
        with suppress(TypeError):
            results = iter(results)
    if not isinstance(results, Iterator):
        raise _wrong_type("iterator of pandas.DataFrame", type(results).__name__)
    return map(_data_frame, results)


def _data_frame(result: Any) -> Any:
    if not isinstance(result, pd.DataFrame):
        raise _wrong_type("iterator of pandas.DataFrame", f"iterator of {type(result).__name__}")
    return result


def _wrong_type(expected: str, actual: str) -> PySparkTypeError:
    return PySparkTypeError(
        errorClass="UDF_RETURN_TYPE",
        messageParameters={"expected": expected, "actual": actual},
    )
