"""Columns as tensors: numbers, arrays, vectors, or several numbers side by side."""

from collections.abc import Sequence
from typing import Any, Literal

from hydrofoil.errors import UsageError
from hydrofoil.ml.base.columns import element_type, features, field_of, quoted, scalars

Kind = Literal["float", "double", "long"]
Columns = str | Sequence[str]

_WHOLE = ("ByteType", "ShortType", "IntegerType", "LongType")


def is_whole(df: Any, columns: Columns, role: str) -> bool:
    """Whether columns, or the elements of an array, are integers."""
    names = [columns] if isinstance(columns, str) else columns
    return all(_element(df, name, role) in _WHOLE for name in names)


def is_scalar(df: Any, columns: Columns, role: str) -> bool:
    """Whether it is one number a row: one column, and neither a vector nor an array."""
    return isinstance(columns, str) and _array_element(df, columns, role) is None


def tensor_column(df: Any, columns: Columns, kind: Kind, role: str) -> Any:
    """What a rank gets for one tensor.

    A null array or vector makes the query fail. Null numbers and null elements stay null.

    Parameters
    ----------
    df : DataFrame
    columns : str or sequence of str
        One column of numbers, arrays or vectors, or several of numbers.
    kind : {"float", "double", "long"}
    role : str
        What it is for, for messages.

    Returns
    -------
    Column
        A number, or an array, of the kind.

    Raises
    ------
    UsageError
        A column is not there, or is of a type that can't be a tensor.
    """
    exact = kind == "double"
    if kind == "long":
        return _whole(df, columns, role)
    if is_scalar(df, columns, role):
        assert isinstance(columns, str)
        [column], _ = scalars(df, [columns], exact, role)
        return column.cast(kind)
    return features(df, columns, exact).cast(f"array<{kind}>")


def _whole(df: Any, columns: Columns, role: str) -> Any:
    from pyspark.sql import functions

    if not isinstance(columns, str):
        return functions.array(*(_whole_number(df, name, role) for name in columns))
    if is_scalar(df, columns, role):
        return _whole_number(df, columns, role)
    if not is_whole(df, columns, role):
        kind = field_of(df, columns, role).dataType.simpleString()
        raise UsageError(
            f"column {columns!r} is of type {kind}, and the {role} has to have integers",
            hint=f"cast it: df.withColumn({columns!r}, col({columns!r}).cast('array<long>'))",
        )
    return _not_null(df, columns).cast("array<long>")


def _whole_number(df: Any, name: str, role: str) -> Any:
    """A number as a long; one that has a fraction, or is NaN, makes the query fail."""
    from pyspark.sql import functions

    scalars(df, [name], role=role)  # Looks at the type.
    column = functions.col(quoted(name))
    if is_whole(df, name, role) or _element(df, name, role) == "BooleanType":
        return column.cast("long")
    said = functions.concat(
        functions.lit(f"column '{name}' has "),
        column.cast("string"),
        functions.lit(f", and the {role} is a whole number here. StringIndexer numbers classes"),
    )
    number = column.cast("double")
    is_one = column.isNull() | (number == functions.floor(number))
    return functions.when(is_one, column.cast("long")).otherwise(functions.raise_error(said))


def _not_null(df: Any, name: str) -> Any:
    from pyspark.sql import functions

    column = functions.col(quoted(name))
    why = functions.lit(f"column '{name}' is null in a row: filter such rows out")
    return functions.when(column.isNotNull(), column).otherwise(functions.raise_error(why))


def _element(df: Any, name: str, role: str) -> str:
    element = _array_element(df, name, role)
    return type(field_of(df, name, role).dataType).__name__ if element is None else element


def _array_element(df: Any, name: str, role: str) -> str | None:
    field_of(df, name, role)  # Says what it is for, if it is not there.
    try:
        return element_type(df, name)
    except UsageError as error:
        raise UsageError(f"the {role}: {error.message}", hint=error.hint) from None
