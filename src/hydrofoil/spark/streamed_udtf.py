"""Spark 3.5 to 4.2: table functions, whose parts are read from what stock made of a handler.

See `v43_udtf`: these lines keep other functions within functions, and convert the same way.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructField, StructType

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.eval_types import describe
from hydrofoil.evals.udtf import Ends, Outcome, TableFunction
from hydrofoil.evals.udtf_pickled import PickledTable, PickleStream
from hydrofoil.spark.conversion import options, stock_column
from hydrofoil.spark.stock import rebound, variables_of
from hydrofoil.spark.stock_worker import Pipeline, StaysStock
from hydrofoil.spark.streams import ArrowStream
from hydrofoil.spark.struct_batches import wrap_struct
from hydrofoil.spark.v43_udtf import (
    Variables,
    ends_of,
    pickled_method,
    pickled_table,
    projection,
)

SQL_TABLE_UDF = 300
SQL_ARROW_TABLE_UDF = 301


def pickled(stock: ModuleType, pipeline: Pipeline, name: str) -> Pipeline:
    """What runs a SQL_TABLE_UDF of 4.0 to 4.2 instead of stock's ``pipeline``.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    function, _, deserializer, serializer = pipeline
    table: PickledTable = pickled_table(stock, function, name, TaskTrace(describe(SQL_TABLE_UDF)))
    return table, None, deserializer, PickleStream(serializer.serializer)


class _NeverRaised(Exception):
    """For lines where a method cannot ask for the end of its input."""


class _Table35(PickledTable):
    """A table function of 3.5, which ends with `terminate` even where a call has failed."""

    def __call__(self, split_index: int, rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        try:
            try:
                yield from self._tables(rows)
            finally:
                yield from self._last()
        finally:
            self.trace.publish()


def pickled_35(pipeline: Pipeline, name: str) -> Pipeline:
    """What runs a SQL_TABLE_UDF of 3.5 instead of stock's ``pipeline``.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    function, _, deserializer, serializer = pipeline
    parts = Variables(function)
    terminate = parts["terminate"]
    eval_method, return_type = pickled_method(parts["eval"], checks_nulls=False)
    table = _Table35(
        eval_method,
        None if terminate is None else pickled_method(terminate, checks_nulls=False)[0],
        Ends(None, _NeverRaised),
        list(parts["arg_offsets"]),
        trace=TaskTrace(
            describe(SQL_TABLE_UDF),
            udfs=[UdfTrace(name, f" -> {return_type.simpleString()}", "fast")],
        ),
    )
    return table, None, deserializer, PickleStream(serializer.serializer)


def arrow(
    stock: ModuleType, pipeline: Pipeline, name: str, confs: tuple[Any, ...] = ()
) -> Pipeline:
    """What runs a SQL_ARROW_TABLE_UDF of 4.1 and 4.2 instead of stock's ``pipeline``.

    Parameters
    ----------
    confs : tuple
        The task's configuration and what holds its input type, where stock has objects for them:
        since 4.2.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    parts = Variables(pipeline[0])
    if "convert_to_arrow" not in variables_of(parts["eval"]):
        raise StaysStock("the legacy pandas conversion is configured")
    methods = list(map(_Method, filter(None, (parts["eval"], parts["terminate"]))))
    of_rows = Variables(methods[0].parts["convert_to_arrow"])
    if confs:
        runner_conf, eval_conf = confs
        input_type = eval_conf.input_type
        binary_as_bytes = runner_conf.binary_as_bytes
        large = runner_conf.use_large_var_types
    else:
        input_type = StructType(
            [StructField(f"_{i}", declared) for i, declared in enumerate(parts["input_types"])]
        )
        binary_as_bytes = parts["binary_as_bytes"]
        large = of_rows["prefers_large_var_types"]
    table = TableFunction(
        eval=methods[0].call,
        offsets=list(parts["args_kwargs_offsets"]),
        terminate=methods[1].call if len(methods) > 1 else None,
        convert=partial(_converted, methods),
        ends=ends_of(stock, parts),
    )
    plan = projection(
        table,
        input_type,
        of_rows["return_type"],
        options(binary_as_bytes=binary_as_bytes, large_var_types=large),
        stock_column(binary_as_bytes),
        TaskTrace(describe(SQL_ARROW_TABLE_UDF)),
        name,
    )
    ser = ArrowStream(plan.answer_schema().serialize().to_pybytes())
    return plan, None, ser, ser


class _Method:
    """A method of a handler, and how stock evaluates it."""

    def __init__(self, evaluate: Any) -> None:
        self.evaluate = evaluate
        self.parts = Variables(evaluate)
        self.guarded = self.parts["func"]
        self.call = Variables(self.guarded)["f"]

    def batches(self, outcome: Outcome) -> Iterator[pa.RecordBatch]:
        """Stock's conversion of what a call gave."""
        known = rebound(self.evaluate, func=rebound(self.guarded, f=outcome))
        return (wrap_struct(batch) for batch, _ in known(num_rows=1))


def _converted(methods: list[_Method], outcome: Outcome) -> Iterator[pa.RecordBatch]:
    method = next(method for method in methods if method.call is outcome.method)
    return method.batches(outcome)
