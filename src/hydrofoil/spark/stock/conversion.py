"""Stock's own converters of values, and what else conversion depends on."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import _dedup_names, from_arrow_schema, from_arrow_type
from pyspark.sql.types import Row

from hydrofoil.spark.stock.conf import Conf
from hydrofoil.values.type_table import Options


def options_of(conf: Conf, *, pickled: bool = False) -> Options:
    """What conversion depends on, by the task's configuration."""
    return options(
        binary_as_bytes=conf.binary_as_bytes, wide_offsets=conf.wide_offsets, pickled=pickled
    )


def options(
    *,
    binary_as_bytes: bool,
    wide_offsets: bool,
    pickled: bool = False,
    strict: bool = False,
    row_attributes: bool = True,
) -> Options:
    """As `options_of`, where the configuration is known in other ways."""
    return Options(
        row_type=Row,
        dedup_names=_dedup_names,
        known_zone=known_zone,
        binary_as_bytes=binary_as_bytes,
        large_var_types=wide_offsets,
        pickled=pickled,
        strict=strict,
        row_attributes=row_attributes,
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
    rows = converters().ArrowTableToRowsConversion
    # Since 4.2.
    to_pylist = getattr(rows, "_to_pylist", pa.Array.to_pylist)

    def convert(array: Any, spark_type: Any) -> list[Any]:
        converter = rows._create_converter(
            spark_type, none_on_identity=True, binary_as_bytes=binary_as_bytes
        )
        values = to_pylist(array)
        return values if converter is None else [converter(value) for value in values]

    return convert


def converters() -> ModuleType:
    """Stock's module of converters, which the oldest version has not."""
    from pyspark.sql import conversion

    return conversion


def no_value() -> Any:
    """What stock fills a column with where a batch has rows and no columns."""
    import pyspark

    return pyspark._NoValue  # type: ignore[attr-defined]


def spark_type_of(arrow_type: pa.DataType) -> Any:
    """The Spark type of a column; timestamps without a zone have none."""
    return from_arrow_type(arrow_type, prefer_timestamp_ntz=True)


def spark_types_of(schema: pa.Schema, **how: Any) -> Any:
    """The Spark types of a schema's columns, as a struct."""
    return from_arrow_schema(schema, **how)
