"""Spark 4.3's table functions: the parts of what its worker has made of one, for our plans.

Its worker has bound a handler's instance to the query already, with the checks that this takes, and
calls it through functions within functions. Their variables are what is read here.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pyarrow as pa

from hydrofoil.codecs import NoCodec, Options
from hydrofoil.evals.udtf import Ends, TableFunction, TableProjection
from hydrofoil.evals.udtf_batches import boundaries
from hydrofoil.evals.udtf_pickled import PickledMethod, PickledTable
from hydrofoil.spark.stock import rebound, variables_of
from hydrofoil.spark.stock_worker import StaysStock
from hydrofoil.trace import TaskTrace, UdfTrace


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
    parts = _Variables(function)
    table = TableFunction(
        eval=parts["eval_method"],
        offsets=list(parts["args_kwargs_offsets"]),
        terminate=parts["terminate"],
        convert=parts["evaluate_rows"],
        ends=_ends(stock, parts),
    )
    for method in (table.eval, table.terminate):
        if method is not None and not hasattr(method, "__name__"):
            raise StaysStock("a method without a name")
    return_type = stock._parse_datatype_json_string(info.return_type)
    try:
        return TableProjection(
            table,
            input_type,
            return_type,
            options,
            stock_column=stock_column,
            trace=trace,
            name=info.name,
        )
    except NoCodec as missing:
        raise StaysStock(f"its rows are converted by stock: {missing}") from None


def pickled_table(stock: ModuleType, function: Any, info: Any, trace: TaskTrace) -> PickledTable:
    """The plan of a SQL_TABLE_UDF that stock runs by ``function``.

    Raises
    ------
    StaysStock
        If stock has to run it.
    """
    parts = _Variables(function)
    return_type = stock._parse_datatype_json_string(info.return_type)
    terminate = parts["terminate"]
    table = PickledTable(
        _pickled_method(parts["eval"], return_type),
        None if terminate is None else _pickled_method(terminate, return_type),
        _ends(stock, parts),
        list(parts["args_kwargs_offsets"]),
        trace=trace,
    )
    trace.udfs.append(UdfTrace(info.name, f" -> {return_type.simpleString()}", "fast"))
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


class _Variables:
    """What a function of stock's refers to in the function around it."""

    def __init__(self, function: Any) -> None:
        self._named = variables_of(function)

    def __getitem__(self, name: str) -> Any:
        try:
            return self._named[name]
        except KeyError:
            raise StaysStock(f"PySpark's worker has no {name!r} where 4.3.0 has it") from None


def _ends(stock: ModuleType, parts: _Variables) -> Ends:
    return Ends(parts["cleanup"], stock.SkipRestOfInputTableException)


def _pickled_method(evaluate: Any, return_type: Any) -> PickledMethod:
    parts = _Variables(evaluate)
    convert = parts["verify_and_convert_result"]
    checked = _Variables(convert)["check_output_row_against_schema"] is not None
    converted = checked or return_type._needSerializeAnyField
    return PickledMethod(
        parts["f"],
        convert,
        lambda outcome: rebound(evaluate, f=outcome)(),
        0 if converted else len(return_type),
    )
