"""One task of a pandas eval type: what stock is asked for, and the plan."""

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.eval_types import EvalType, describe
from hydrofoil.evals.pandas_aggregate import AggregatePandas, AggregatePandasIter, WindowPandas
from hydrofoil.evals.pandas_grouped import (
    CogroupedMapPandas,
    GroupedMapPandas,
    GroupedMapPandasIter,
)
from hydrofoil.evals.pandas_map import MapPandas
from hydrofoil.evals.pandas_scalar import ScalarPandas, is_struct
from hydrofoil.evals.udf import Udf
from hydrofoil.spark.families.pandas import iterators
from hydrofoil.spark.families.pandas.converters import Converters
from hydrofoil.spark.families.pandas.serializer import SerializerMethods
from hydrofoil.spark.stock.pipeline import Pipeline, streaming
from hydrofoil.spark.stock.serializers import on_groups, on_lone_batches, on_record_batches
from hydrofoil.spark.stock.streams import ArrowStream
from hydrofoil.spark.stock.task import StaysStock, Task
from hydrofoil.stream.group_frames import LONE_BATCHES
from hydrofoil.stream.schemas import message_of
from hydrofoil.values.dataframes.build import COPY_ON_WRITE
from hydrofoil.values.dataframes.results import writer_for
from hydrofoil.values.dataframes.stock import StockPandas

# Those that may be sent lone batches for groups.
_OF_GROUPS = (
    EvalType.SQL_GROUPED_MAP_PANDAS_UDF,
    EvalType.SQL_GROUPED_AGG_PANDAS_UDF,
    EvalType.SQL_WINDOW_AGG_PANDAS_UDF,
)
# How many arguments functions of groups take: with and without the key.
_ARITIES: dict[int, tuple[int, ...]] = {
    EvalType.SQL_GROUPED_MAP_PANDAS_UDF: (1, 2),
    EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF: (1, 2),
    EvalType.SQL_COGROUPED_MAP_PANDAS_UDF: (2, 3),
}

Plan = Callable[..., Iterator[Any]]


def plan(task: Task) -> Pipeline:
    """What runs a task of a pandas eval type.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    _require_fast(task)
    version, eval_type = task.version, task.eval_type
    wide = task.conf.wide_offsets and eval_type not in version.narrow
    types = [_declared(task, udf.return_type, wide=wide) for udf in task.udfs]
    stock = _stock(task, types, wide=wide)
    trace = TaskTrace(describe(eval_type), udfs=[_trace(udf, stock) for udf in task.udfs])
    made, streams = _plan(task, stock, trace)
    if version.lone_batches and eval_type in _OF_GROUPS:
        streams = LONE_BATCHES
    message = message_of([_answered(task, kind) for kind in types])
    return streaming(
        made, ArrowStream(message, streams, strict=version.batches_agree_in_nullability)
    )


def _require_fast(task: Task) -> None:
    """Raise StaysStock for functions that a version leaves to its own code."""
    version, udf = task.version, task.udfs[0]
    if not version.knows_pandas_3 and COPY_ON_WRITE:
        raise StaysStock(f"pandas {pd.__version__} is newer than this version of Spark knows")
    if not version.pandas_without_arguments and not all(each.offsets for each in task.udfs):
        raise StaysStock("a function without arguments")
    if not version.any_arity and udf.arity not in _ARITIES.get(task.eval_type, (0,)):
        raise StaysStock(f"a function of {udf.arity} arguments")
    if (
        version.plain_iterator_aggregates
        and task.eval_type == EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF
        and (udf.keywords or is_struct(udf.return_type))
    ):
        raise StaysStock("an aggregate of iterators that its serializer objects to")


# --- Stock's part ---------------------------------------------------------------------------------


def _stock(task: Task, types: list[pa.DataType], *, wide: bool) -> StockPandas:
    """Stock's conversions for the task, and by which rules ours go."""
    version = task.version
    conversions: Converters | SerializerMethods
    if version.pandas_has_converters:
        conversions = Converters(task, wide=wide)
    else:
        conversions = SerializerMethods(task, types)
    return StockPandas(
        pipeline=_pipeline(task),
        spark_types=conversions.spark_types,
        series=conversions.series,
        all_series=conversions.all_series,
        concat=lambda series: pd.concat(series, axis=1),
        verify=lambda result: _verify(task, result),
        to_arrow=conversions.to_arrow,
        by_name=task.conf.by_name,
        timezone=task.conf.zone,
        large_var_types=wide,
        integer_extensions=conversions.integer_extensions,
        timestamps=conversions.timestamps(version.local_times),
        mixed_structs=version.text_changes_structs,
        combined=version.groups_are_combined,
        views=version.series_are_views,
        by_label=version.positions_by_label,
    )


def _pipeline(task: Task) -> Callable[..., Any]:
    """Stock's function for the task, over batches or groups of record batches."""
    if task.eval_type not in task.version.serializer_converts:
        return task.stock.function
    if task.eval_type == EvalType.SQL_COGROUPED_MAP_PANDAS_UDF:
        return on_groups(task.stock, 2)
    if task.eval_type in _OF_GROUPS:
        if task.version.lone_batches:
            return on_lone_batches(task.stock)
        return on_groups(task.stock, 1)
    return on_record_batches(task.stock)


def _verify(task: Task, result: Any) -> None:
    """Stock's check of a Series or data frame that a function has returned."""
    truncate = task.eval_type in (
        EvalType.SQL_SCALAR_PANDAS_ITER_UDF,
        EvalType.SQL_MAP_PANDAS_ITER_UDF,
    )
    task.worker.verify_pandas_result(
        result,
        task.udfs[0].return_type,
        assign_cols_by_name=True if truncate else task.conf.by_name,
        truncate_return_schema=truncate,
    )


def _declared(task: Task, spark_type: Any, *, wide: bool) -> pa.DataType:
    return task.arrow_type(spark_type, wide=wide, zone=task.conf.zone)


def _answered(task: Task, declared: pa.DataType) -> pa.DataType:
    """The type of a column of the answer, for a function's declared type."""
    if task.version.structs_keep_nullability or not pa.types.is_struct(declared):
        return declared
    # Stock puts a struct together from a data frame's columns, all of which may hold nulls.
    return pa.struct([pa.field(field.name, field.type) for field in declared])


# --- The plan -------------------------------------------------------------------------------------


def _trace(udf: Udf, stock: StockPandas) -> UdfTrace:
    return UdfTrace(
        udf.name, f" -> {udf.return_type.simpleString()}", "fast", _left_to_stock(udf, stock)
    )


def _left_to_stock(udf: Udf, stock: StockPandas) -> str:
    fields = (
        [field.dataType for field in udf.return_type.fields]
        if is_struct(udf.return_type)
        else [udf.return_type]
    )
    for spark_type in fields:
        if writer_for(spark_type, stock) is None:
            return f"its results are converted by stock: {spark_type.simpleString()}"
    return ""


def _plan(task: Task, stock: StockPandas, trace: TaskTrace) -> tuple[Plan, int]:
    """The function over the task's batches or groups, and how many streams a group has."""
    udfs, udf = task.udfs, task.udfs[0]
    plans: dict[int, tuple[Callable[[], Plan], int]] = {
        EvalType.SQL_SCALAR_PANDAS_UDF: (lambda: ScalarPandas(udfs, task.replays, stock, trace), 0),
        EvalType.SQL_SCALAR_PANDAS_ITER_UDF: (lambda: iterators.scalar_plan(task, stock, trace), 0),
        EvalType.SQL_MAP_PANDAS_ITER_UDF: (
            lambda: MapPandas(udf, stock, trace, called=iterators.map_call(task)),
            0,
        ),
        EvalType.SQL_GROUPED_MAP_PANDAS_UDF: (lambda: GroupedMapPandas(udf, stock, trace), 1),
        EvalType.SQL_GROUPED_MAP_PANDAS_ITER_UDF: (
            lambda: GroupedMapPandasIter(udf, stock, trace),
            1,
        ),
        EvalType.SQL_COGROUPED_MAP_PANDAS_UDF: (lambda: CogroupedMapPandas(udf, stock, trace), 2),
        EvalType.SQL_GROUPED_AGG_PANDAS_UDF: (lambda: AggregatePandas(udfs, stock, trace), 1),
        EvalType.SQL_GROUPED_AGG_PANDAS_ITER_UDF: (
            lambda: AggregatePandasIter(udf, stock, trace),
            1,
        ),
        EvalType.SQL_WINDOW_AGG_PANDAS_UDF: (
            lambda: WindowPandas(udfs, task.conf.windows(task.version), stock, trace),
            1,
        ),
    }
    make, streams = plans[task.eval_type]
    return make(), streams
