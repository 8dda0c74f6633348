"""Floating-point columns, and what is made of them, as one type."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def converted(df: "DataFrame", dtype: str | None) -> "DataFrame":
    """The DataFrame with floats, doubles, arrays of them and ML vectors as ``dtype``.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    dtype : {"float32", "float64", None}
        None: types stay, and vectors become arrays of doubles.
    """
    from pyspark.sql import functions as F

    columns = []
    for field in df.schema.fields:
        column = F.col(f"`{field.name.replace('`', '``')}`")
        if type(field.dataType).__name__ == "VectorUDT":
            from pyspark.ml.functions import vector_to_array

            column = vector_to_array(column, dtype or "float64").alias(field.name)
        elif dtype is not None and (wanted := _wanted(field.dataType, dtype)) is not None:
            column = column.cast(wanted).alias(field.name)
        columns.append(column)
    return df.select(*columns)


def _wanted(kind: Any, dtype: str) -> Any:
    from pyspark.sql.types import ArrayType, DoubleType, FloatType

    floats = (FloatType, DoubleType)
    target = FloatType() if dtype == "float32" else DoubleType()
    if isinstance(kind, floats):
        return target
    if isinstance(kind, ArrayType) and isinstance(kind.elementType, floats):
        return ArrayType(target, kind.containsNull)
    return None
