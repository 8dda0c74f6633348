"""`toPandas` by Arrow, which is PySpark's own: what pyarrow need not do for it is left out.

pyarrow makes one object of equal strings, for which it looks each of them up in a table. Where few
are equal, that takes five times as long as to make an object of each. Values are the same.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

# What is looked at to learn whether a column's values are mostly different: so much of each chunk,
# and of what is seen there, all but so much. At most twice the objects are made then that would be.
_PART = 16
_MOSTLY = 0.95


def make_convert(original: Callable[..., Any]) -> Callable[..., Any]:
    """The replacement of `pyspark.sql.pandas.conversion._convert_arrow_table_to_pandas`."""

    def convert(arrow_table: Any, schema: Any, **how: Any) -> Any:
        # Where columns are freed one by one, nobody else may hold them.
        table = arrow_table if how.get("self_destruct") else _Table(arrow_table)
        return original(table, schema, **how)

    return convert


def mostly_different(column: pa.ChunkedArray) -> bool:
    """Whether a column has strings or bytes, itself or in its arrays, of which few are equal."""
    import pyarrow.compute as pc

    values = column.type
    while pa.types.is_list(values) or pa.types.is_large_list(values):
        values = values.value_type
    if not any(is_one(values) for is_one in _TEXTS):
        return False
    sample = [_flat(chunk.slice(0, -(-len(chunk) // _PART))) for chunk in column.chunks]
    seen = pa.chunked_array(sample, type=values)
    count = len(seen) - seen.null_count
    return count > 0 and bool(pc.count_distinct(seen).as_py() >= _MOSTLY * count)


_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)


def _flat(array: pa.Array) -> pa.Array:
    while pa.types.is_nested(array.type):
        array = array.flatten()
    return array


class _Table:
    """A table whose columns are converted by `_Column`."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def rename_columns(self, names: Any) -> "_Table":
        return _Table(self._table.rename_columns(names))

    @property
    def columns(self) -> list[Any]:
        return [_Column(each) if mostly_different(each) else each for each in self._table.columns]


class _Column:
    """A column of values that are mostly different."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self._column = column

    def __getattr__(self, name: str) -> Any:
        return getattr(self._column, name)

    def to_pandas(self, **options: Any) -> Any:
        return self._column.to_pandas(deduplicate_objects=False, **options)
