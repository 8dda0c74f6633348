"""Stock's own converters of values, and what else conversion depends on."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import _dedup_names
from pyspark.sql.types import Row

from hydrofoil.values.type_table import Options


def options(*, binary_as_bytes: bool, large_var_types: bool, pickled: bool = False) -> Options:
    """What conversion depends on, by the task's configuration."""
    return Options(
        row_type=Row,
        dedup_names=_dedup_names,
        known_zone=known_zone,
        binary_as_bytes=binary_as_bytes,
        large_var_types=large_var_types,
        pickled=pickled,
    )


def known_zone(zone: str) -> bool:
    """Whether pyarrow can make a tzinfo of a time zone's name."""
    try:
        pa.lib.string_to_tzinfo(zone)
    except Exception:
        return False
    return True


def stock_column(binary_as_bytes: bool) -> Callable[[Any, Any], list[Any]]:
    """Stock's conversion of one column: (pyarrow array, Spark type) -> list of values."""
    # Since 4.0.
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    # Since 4.2.
    to_pylist = getattr(ArrowTableToRowsConversion, "_to_pylist", pa.Array.to_pylist)

    def convert(array: Any, spark_type: Any) -> list[Any]:
        converter = ArrowTableToRowsConversion._create_converter(
            spark_type, none_on_identity=True, binary_as_bytes=binary_as_bytes
        )
        values = to_pylist(array)
        return values if converter is None else [converter(value) for value in values]

    return convert
