"""Why stock converts what a function of pandas has returned, in words. Only traces ask."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from hydrofoil.values.dataframes.build import changed_results
from hydrofoil.values.dtypes import DDL_OF_DTYPE

_DTYPE = {spark: dtype for dtype, spark in DDL_OF_DTYPE.items()}
# Python's own numbers, of which pandas makes Series of these.
_PYTHON = {"int": "int64", "float": "float64"}
_UNKNOWN = "results converted by stock"


def why_stock(results: Iterable[Any], return_types: Iterable[Any]) -> str:
    """Name the first result whose type is not the declared one, and what to declare instead.

    Parameters
    ----------
    results : iterable
        What the functions returned: Series, data frames, or values of aggregates.
    return_types : iterable of pyspark.sql.types.DataType
        The declared type of each.
    """
    changed = changed_results()
    if changed:
        return changed
    for result, declared in zip(results, return_types, strict=False):
        reason = _of_frame(result, declared) if _is_frame(result) else _of(result, declared)
        if reason:
            return reason
    return _UNKNOWN


def _is_frame(result: Any) -> bool:
    return isinstance(result, pd.DataFrame)


def _of_frame(frame: Any, declared: Any) -> str:
    fields = getattr(declared, "fields", None)
    if fields is None or len(fields) != len(frame.columns):
        return ""
    by_name = set(frame.columns) == {field.name for field in fields}
    for place, field in enumerate(fields):
        # Of two columns with one name, this is a data frame.
        column = frame[field.name] if by_name else frame.iloc[:, place]
        reason = "" if _is_frame(column) else _of(column, field.dataType)
        if reason:
            return f"column {field.name}: {reason}"
    return ""


def _of(result: Any, declared: Any) -> str:
    name = declared.simpleString()
    returned = str(result.dtype) if isinstance(result, pd.Series) else type(result).__name__
    returned = _PYTHON.get(returned, returned)
    wanted = _DTYPE.get(name)
    if wanted is None or returned == wanted or result is None:
        return ""
    declare = DDL_OF_DTYPE.get(returned)
    advice = f"declare {declare}, or return {wanted}" if declare else f"return {wanted}"
    return f"{returned} returned for {name}, so PySpark casts it: {advice}"
