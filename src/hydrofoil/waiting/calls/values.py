"""Columns to arguments, and results to columns, as PySpark has them for functions of rows."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from hydrofoil.values.arrow_types import arrow_type
from hydrofoil.values.pickle_rules.arguments import column_values
from hydrofoil.values.pickle_rules.results import ResultRules, array_of

Converter = Callable[[Any], Any]


def spark_type_of(kind: pa.DataType) -> Any:
    """The Spark type whose columns arrive so."""
    from pyspark.sql.pandas.types import from_arrow_type

    return from_arrow_type(kind, prefer_timestamp_ntz=True)


class Arguments:
    """The rows of batches of arrays.

    Parameters
    ----------
    types : sequence of pyspark.sql.types.DataType or None
        What hints say of each column. Before Spark 4.1 columns come by way of pandas, which has
        integers with nulls as floats; they are what they were by this.
    converters : sequence of callable or None
        What makes an argument of what PySpark passes.
    further_type, further : optional
        The same of all columns behind these.
    """

    def __init__(
        self,
        types: Sequence[Any],
        converters: Sequence[Converter | None],
        further_type: Any = None,
        further: Converter | None = None,
    ) -> None:
        self._types = list(types)
        self._converters = list(converters)
        self._further_type = further_type
        self._further = further

    def rows(self, arrays: Sequence[pa.Array]) -> Iterator[tuple[Any, ...]]:
        """A tuple for each row."""
        return zip(*(self.column(i, array) for i, array in enumerate(arrays)), strict=True)

    def column(self, i: int, array: pa.Array) -> list[Any]:
        """The values of one column."""
        declared = self._types[i] if i < len(self._types) else self._further_type
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if declared is not None and pa.types.is_floating(array.type):
            wanted = arrow_type(declared)
            if pa.types.is_integer(wanted):
                array = array.cast(wanted)
        if pa.types.is_timestamp(array.type) and array.type.unit != "us":
            array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
        values = column_values(array, spark_type_of(array.type), binary_as_bytes=_binary_as_bytes())
        convert = self._converters[i] if i < len(self._converters) else self._further
        return values if convert is None else [convert(value) for value in values]


class Results:
    """Results to arrays of a declared type, by PySpark's rules for functions of rows."""

    def __init__(self, return_type: Any, converter: Converter | None) -> None:
        self._rules = ResultRules(return_type)
        self._converter = converter
        self.arrow = arrow_type(return_type)

    def internal(self, result: Any) -> Any:
        """What PySpark's worker would send of a result: done when the function has returned."""
        return self._rules.internal(result if self._converter is None else self._converter(result))

    def converted(self, internal: Any) -> Any:
        """What the JVM would make of that."""
        return self._rules.converted(internal)

    def array(self, converted: list[Any]) -> pa.Array:
        """These as a column."""
        return array_of(converted, self.arrow)


def _binary_as_bytes() -> bool:
    """As the session says; PySpark before 4.1 has no such setting, and has bytearrays."""
    import pyspark

    major, minor = (int(part) for part in pyspark.__version__.split(".")[:2])
    return (major, minor) >= (4, 1)
