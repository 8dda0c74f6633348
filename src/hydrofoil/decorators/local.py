"""Running a function without Spark: data of pandas, Arrow, NumPy or lists to Arrow and back."""

from collections.abc import Sequence
from typing import Any

from hydrofoil.errors import UsageError


def arguments(data: Sequence[Any], names: Sequence[str], function: str) -> tuple[list[Any], bool]:
    """A value for each parameter, and whether results should be pandas'.

    Parameters
    ----------
    data : sequence
        What the user gave: see `SparkFunction.local`.
    names : sequence of str
        Of the parameters; empty if any number will do.

    Raises
    ------
    UsageError
        If the only value is a data frame or table without the columns for the parameters.
    """
    pandas = any(type(value).__module__.partition(".")[0] == "pandas" for value in data)
    columns = _column_names(data[0]) if len(data) == 1 else None
    if columns is None:
        return list(data), pandas
    if names and set(names) <= set(columns):
        return [data[0][name] for name in names], pandas
    if names and len(names) != len(columns):
        raise UsageError(
            f"{function}() has the parameters {list(names)}, and the data the columns "
            f"{list(columns)}",
            hint="select the columns, or name them as the parameters",
        )
    return [data[0][name] for name in columns], pandas


def _column_names(value: Any) -> list[Any] | None:
    schema: Any = getattr(value, "schema", None)
    if hasattr(schema, "names"):  # Arrow's tables and record batches.
        return list(schema.names)
    columns = getattr(value, "columns", None)
    return None if columns is None else list(columns)


def as_arrow(value: Any, arrow_type: Any = None) -> Any:
    """A column as a pyarrow array, of the given type if there is one."""
    import pyarrow as pa

    if isinstance(value, pa.ChunkedArray):
        value = value.combine_chunks()
        if isinstance(value, pa.ChunkedArray):
            value = value.chunk(0) if value.num_chunks else pa.array([], value.type)
    if isinstance(value, pa.Array):
        return value if arrow_type is None else value.cast(arrow_type)
    if type(value).__module__.partition(".")[0] == "pandas":
        if hasattr(value, "columns"):
            columns = [as_arrow(value[name]) for name in value.columns]
            return pa.StructArray.from_arrays(columns, [str(name) for name in value.columns])
        return as_arrow(pa.Array.from_pandas(value, type=arrow_type))
    if getattr(value, "ndim", 1) == 2:
        return pa.array(list(value), type=arrow_type)
    return pa.array(value, type=arrow_type)


def returned(array: Any, pandas: bool) -> Any:
    """A result as the user should get it."""
    if not pandas:
        return array
    import pyarrow as pa

    if pa.types.is_struct(array.type):
        import pandas as pd

        return pd.DataFrame({f.name: array.field(i).to_pandas() for i, f in enumerate(array.type)})
    return array.to_pandas()
