"""Table functions: by row, pickled or on Arrow, and on record batches.

Stock's worker has bound a handler's instance to the query already, with the checks that this takes,
and calls it through functions within functions. Their variables are what is read here.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructField, StructType

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.eval_types import EvalType, describe
from hydrofoil.evals.udtf import Ends, Outcome, TableFunction, TableProjection
from hydrofoil.evals.udtf_batches import boundaries
from hydrofoil.evals.udtf_pickled import PickledMethod, PickledTable, PickleStream
from hydrofoil.spark.stock.closures import Variables, rebound, variables_of
from hydrofoil.spark.stock.conversion import options, stock_column
from hydrofoil.spark.stock.pipeline import Pipeline, streaming
from hydrofoil.spark.stock.serializers import wrap_struct
from hydrofoil.spark.stock.streams import ArrowStream
from hydrofoil.spark.stock.task import NOT_HERE, StaysStock, TableTask
from hydrofoil.values.type_table import NoCodec, Options


def plan(task: TableTask) -> Pipeline:
    """What runs a task of a table function.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    if task.eval_type == EvalType.SQL_ARROW_UDTF and task.version.finds_partitions:
        found = "; its partitions are found by Arrow" * _find_partitions_faster(task.stock.function)
        raise StaysStock(f"a call takes a whole batch{found}")
    if task.eval_type not in task.version.fast:
        raise StaysStock(NOT_HERE)
    return _pickled(task) if task.eval_type == EvalType.SQL_TABLE_UDF else _on_arrow(task)


def _find_partitions_faster(function: Any) -> bool:
    """Exchange how ``function``, stock's for record batches, finds partitions.

    Returns
    -------
    bool
        False if its input has no partitions.
    """
    terminate = variables_of(function).get("terminate")
    partitions: Any = getattr(terminate, "__self__", None)
    # The class is one of stock's, made for each task.
    if type(partitions).__qualname__ != "read_udtf.<locals>.ArrowUDTFWithPartition":
        return False
    partitions._detect_partition_boundaries = boundaries(
        partitions._partition_child_indexes, partitions._detect_partition_boundaries
    )
    return True


def _ends(task: TableTask, parts: Variables) -> Ends:
    """How a task may end."""
    if not task.version.tables_can_stop:
        return Ends(None, _NeverRaised)
    return Ends(parts["cleanup"], task.worker.SkipRestOfInputTableException)


class _NeverRaised(Exception):
    """For versions where a method cannot ask for the end of its input."""


# --- Pickled rows ---------------------------------------------------------------------------------


def _pickled(task: TableTask) -> Pipeline:
    version = task.version
    parts = Variables(task.stock.function)
    terminate = parts["terminate"]
    method = partial(_pickled_method, checks_nulls=version.table_rows_are_checked)
    eval_method, return_type = method(parts["eval"])
    make = PickledTable if version.tables_can_stop else _TerminatesAfterFailure
    table = make(
        eval_method,
        None if terminate is None else method(terminate)[0],
        _ends(task, parts),
        list(parts[version.table_offsets]),
        trace=TaskTrace(
            describe(task.eval_type),
            udfs=[UdfTrace(task.name, f" -> {return_type.simpleString()}", "fast")],
        ),
    )
    serializer = PickleStream(task.stock.serializer.serializer)
    return Pipeline(table, None, task.stock.deserializer, serializer)


def _pickled_method(evaluate: Any, *, checks_nulls: bool) -> tuple[PickledMethod, Any]:
    """A method whose rows are pickled, as stock evaluates it, and the declared type."""
    parts = Variables(evaluate)
    convert = parts["verify_and_convert_result"]
    of_convert = Variables(convert)
    return_type = of_convert["toInternal"].__self__
    # Only for some declared types is there something to check.
    checked = checks_nulls and of_convert["check_output_row_against_schema"] is not None
    converted = checked or return_type._needSerializeAnyField
    method = PickledMethod(
        parts["f"],
        convert,
        lambda outcome: rebound(evaluate, f=outcome)(),
        0 if converted else len(return_type),
    )
    return method, return_type


class _TerminatesAfterFailure(PickledTable):
    """A table function that ends with `terminate` even where a call has failed."""

    def __call__(self, split_index: int, rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        try:
            try:
                yield from self._tables(rows)
            finally:
                yield from self._last()
        finally:
            self.trace.publish()


# --- On Arrow -------------------------------------------------------------------------------------


def _on_arrow(task: TableTask) -> Pipeline:
    bare = task.version.table_methods_are_bare
    table = (_bare_methods if bare else _converting_methods)(task)
    for method in (table.function.eval, table.function.terminate):
        if method is not None and not hasattr(method, "__name__"):
            raise StaysStock("a method without a name")
    try:
        projection = TableProjection(
            table.function,
            table.input_type,
            table.return_type,
            table.options,
            stock_column=stock_column(table.options.binary_as_bytes),
            trace=TaskTrace(describe(task.eval_type)),
            name=task.name,
        )
    except NoCodec as missing:
        raise StaysStock(f"its rows are converted by stock: {missing}") from None
    return streaming(projection, ArrowStream(projection.answer_schema().serialize().to_pybytes()))


class _Parts:
    """What is read of a table function on Arrow."""

    def __init__(
        self, function: TableFunction, input_type: Any, return_type: Any, options: Options
    ) -> None:
        self.function = function
        self.input_type = input_type
        self.return_type = return_type
        self.options = options


def _bare_methods(task: TableTask) -> _Parts:
    conf = task.conf
    assert conf is not None, "such versions have objects for the configuration"
    if conf.runner.use_legacy_pandas_udtf_conversion:
        raise StaysStock("the legacy pandas conversion is configured")
    parts = Variables(task.stock.function)
    function = TableFunction(
        eval=parts["eval_method"],
        offsets=list(parts[task.version.table_offsets]),
        terminate=parts["terminate"],
        convert=parts["evaluate_rows"],
        ends=_ends(task, parts),
    )
    return _Parts(
        function,
        conf.input_type,
        task.worker._parse_datatype_json_string(task.return_type),
        options(binary_as_bytes=conf.binary_as_bytes, wide_offsets=conf.wide_offsets),
    )


def _converting_methods(task: TableTask) -> _Parts:
    parts = Variables(task.stock.function)
    if "convert_to_arrow" not in Variables(parts["eval"]):
        raise StaysStock("the legacy pandas conversion is configured")
    methods = list(map(_Method, filter(None, (parts["eval"], parts["terminate"]))))
    of_rows = Variables(methods[0].parts["convert_to_arrow"])
    if task.conf is not None:
        input_type = task.conf.input_type
        binary_as_bytes = task.conf.binary_as_bytes
        wide = task.conf.wide_offsets
    else:
        input_type = StructType(
            [StructField(f"_{i}", declared) for i, declared in enumerate(parts["input_types"])]
        )
        binary_as_bytes = parts["binary_as_bytes"]
        wide = of_rows["prefers_large_var_types"]
    function = TableFunction(
        eval=methods[0].call,
        offsets=list(parts[task.version.table_offsets]),
        terminate=methods[1].call if len(methods) > 1 else None,
        convert=partial(_converted, methods),
        ends=_ends(task, parts),
    )
    return _Parts(
        function,
        input_type,
        of_rows["return_type"],
        options(binary_as_bytes=binary_as_bytes, wide_offsets=wide),
    )


class _Method:
    """A method of a handler, and how stock evaluates it."""

    def __init__(self, evaluate: Any) -> None:
        self.evaluate = evaluate
        self.parts = Variables(evaluate)
        self.guarded = self.parts["func"]
        self.call: Callable[..., Any] = Variables(self.guarded)["f"]

    def batches(self, outcome: Outcome) -> Iterator[pa.RecordBatch]:
        """Stock's conversion of what a call gave."""
        known = rebound(self.evaluate, func=rebound(self.guarded, f=outcome))
        return (wrap_struct(batch) for batch, _ in known(num_rows=1))


def _converted(methods: list[_Method], outcome: Outcome) -> Iterator[pa.RecordBatch]:
    method = next(method for method in methods if method.call is outcome.method)
    return method.batches(outcome)
