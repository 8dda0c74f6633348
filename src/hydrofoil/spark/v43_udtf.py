"""Spark 4.3's table functions: the parts of what its worker has made of one, for our plans.

Its worker has bound a handler's instance to the query already, with the checks that this takes, and
calls it through functions within functions. Their variables are what is read here.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pyarrow as pa

from hydrofoil.counts.task_trace import TaskTrace, UdfTrace
from hydrofoil.evals.udtf import Ends, TableFunction, TableProjection
from hydrofoil.evals.udtf_batches import boundaries
from hydrofoil.evals.udtf_pickled import PickledMethod, PickledTable
from hydrofoil.spark.stock import rebound, variables_of
from hydrofoil.spark.stock_worker import StaysStock
from hydrofoil.values.type_table import NoCodec, Options


def arrow_table(
    stock: ModuleType,
    function: Any,
    info: Any,
    input_type: Any,
    options: Options,
    stock_column: Callable[[pa.Array, Any], list[Any]],
    trace: TaskTrace,
) -> TableProjection:
    """The plan of a SQL_ARROW_TABLE_UDF that stock runs by ``function``.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    parts = Variables(function)
    table = TableFunction(
        eval=parts["eval_method"],
        offsets=list(parts["args_kwargs_offsets"]),
        terminate=parts["terminate"],
        convert=parts["evaluate_rows"],
        ends=ends_of(stock, parts),
    )
    return_type = stock._parse_datatype_json_string(info.return_type)
    return projection(table, input_type, return_type, options, stock_column, trace, info.name)


def projection(
    table: TableFunction,
    input_type: Any,
    return_type: Any,
    options: Options,
    stock_column: Callable[[pa.Array, Any], list[Any]],
    trace: TaskTrace,
    name: str,
) -> TableProjection:
    """The plan of a table function on Arrow.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    for method in (table.eval, table.terminate):
        if method is not None and not hasattr(method, "__name__"):
            raise StaysStock("a method without a name")
    try:
        return TableProjection(
            table,
            input_type,
            return_type,
            options,
            stock_column=stock_column,
            trace=trace,
            name=name,
        )
    except NoCodec as missing:
        raise StaysStock(f"its rows are converted by stock: {missing}") from None


def pickled_table(stock: ModuleType, function: Any, name: str, trace: TaskTrace) -> PickledTable:
    """The plan of a SQL_TABLE_UDF that stock runs by ``function``, since 4.0.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    parts = Variables(function)
    terminate = parts["terminate"]
    eval_method, return_type = pickled_method(parts["eval"])
    table = PickledTable(
        eval_method,
        None if terminate is None else pickled_method(terminate)[0],
        ends_of(stock, parts),
        list(parts["args_kwargs_offsets"]),
        trace=trace,
    )
    trace.udfs.append(UdfTrace(name, f" -> {return_type.simpleString()}", "fast"))
    return table


def find_partitions_faster(function: Any) -> bool:
    """Exchange how ``function``, stock's for a SQL_ARROW_UDTF, finds partitions.

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


class Variables:
    """What a function of stock's refers to in the function around it."""

    def __init__(self, function: Any) -> None:
        self._named = variables_of(function)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._named[name]
        except KeyError:
            raise StaysStock(f"PySpark's worker has no {name!r} where it is expected") from None


def ends_of(stock: ModuleType, parts: Variables) -> Ends:
    """How a task may end, since 4.0."""
    return Ends(parts["cleanup"], stock.SkipRestOfInputTableException)


def pickled_method(evaluate: Any, *, checks_nulls: bool = True) -> tuple[PickledMethod, Any]:
    """A method whose rows are pickled, as stock evaluates it, and the declared type.

    Parameters
    ----------
    checks_nulls : bool
        Whether this line has a check of nulls in rows, if only for some declared types.
    """
    parts = Variables(evaluate)
    convert = parts["verify_and_convert_result"]
    of_convert = Variables(convert)
    return_type = of_convert["toInternal"].__self__
    checked = checks_nulls and of_convert["check_output_row_against_schema"] is not None
    converted = checked or return_type._needSerializeAnyField
    method = PickledMethod(
        parts["f"],
        convert,
        lambda outcome: rebound(evaluate, f=outcome)(),
        0 if converted else len(return_type),
    )
    return method, return_type
