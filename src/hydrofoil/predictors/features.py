"""Columns of a DataFrame as a model's features."""

from collections.abc import Sequence
from typing import Any

from hydrofoil.errors import UsageError

_NUMBERS = ("ByteType", "ShortType", "IntegerType", "LongType", "FloatType", "DoubleType")


def columns_of(
    frame: Any, features: Any, names: list[str] | None, text: bool
) -> tuple[list[Any], list[str]]:
    """The columns to pass on, and their names.

    Parameters
    ----------
    frame : DataFrame
    features : str, Column, list of them, or None
        None stands for what the model names, or for the only column.
    names : list of str, optional
        The model's own. Columns that have these names get their order.
    text : bool
        Whether strings can be features.

    Raises
    ------
    UsageError
        Nothing says which columns, or one of them is of a type that can be no feature.
    """
    from pyspark.sql.functions import col

    if features is None:
        features = _chosen(frame, names)
    elif not isinstance(features, list | tuple):
        features = [features]
    if not features:
        raise UsageError("features=[] names no column", hint="name one")
    columns = [col(one) if isinstance(one, str) else one for one in features]
    fields = frame.select(*columns).schema.fields
    made = [_as_feature(*pair, text) for pair in zip(columns, fields, strict=True)]
    called = [field.name for field in fields]
    if names is not None and called != names and sorted(called) == sorted(names):
        # By their names, as libraries take them out of a data frame, or refuse them in this order.
        made, called = [made[called.index(name)] for name in names], names
    return made, called


def _chosen(frame: Any, names: list[str] | None) -> Sequence[str]:
    present: list[str] = frame.columns
    if names is not None:
        missing = [name for name in names if name not in present]
        if missing:
            raise UsageError(
                f"the model has the features {names}, and the DataFrame no {', '.join(missing)}",
                hint="name the columns: features=[...]",
            )
        return [f"`{name}`" for name in names]
    if len(present) == 1:
        return [f"`{present[0]}`"]
    raise UsageError(
        f"the model does not name its features, and the DataFrame has the columns {present}",
        hint="name those to use: features=[...]",
    )


def _as_feature(column: Any, field: Any, text: bool) -> Any:
    kind = type(field.dataType).__name__
    if kind == "VectorUDT":
        from pyspark.ml.functions import vector_to_array

        return vector_to_array(column)
    if kind == "DecimalType":
        return column.cast("double")
    element = type(field.dataType.elementType).__name__ if kind == "ArrayType" else kind
    if element in (*_NUMBERS, "BooleanType") or (element == "StringType" and text):
        return column
    raise UsageError(
        f"column {field.name!r} is of type {field.dataType.simpleString()}, which can be no "
        "feature: those are numbers, booleans, arrays of them and vectors",
        hint="cast it, or encode it before",
    )
