"""How a DataFrame's record batches become rows, by its session's settings."""

from typing import Any

import pyarrow as pa

from hydrofoil.settings.sessions import sql_setting
from hydrofoil.spark.stock.conversion import options
from hydrofoil.spark.versions import installed_version
from hydrofoil.values.arrow_types import arrow_type
from hydrofoil.values.replaced import replaced_class
from hydrofoil.values.rows.reading import RowReader, unreadable_row
from hydrofoil.values.type_table import Options

_WIDE_KEY = "spark.sql.execution.arrow.useLargeVarTypes"
_BINARY_KEY = "spark.sql.execution.pyspark.binaryAsBytes"


def is_connect(frame: Any) -> bool:
    """Whether a DataFrame is one of a Spark Connect client, which has no JVM."""
    return type(frame).__module__.startswith("pyspark.sql.connect")


def why_stock(frame: Any) -> str:
    """Why a DataFrame's rows must come as PySpark sends them; empty if they need not."""
    replaced = replaced_class()
    if replaced is not None:
        return f"{replaced} is replaced"
    try:
        schema = frame.schema
    except Exception:
        # PySpark's own code says what is wrong, where it needs it at all.
        return "a schema that PySpark can't read"
    return unreadable_row(schema)


def reader_of(frame: Any, schema: Any) -> RowReader:
    """The reader of a DataFrame's record batches of this schema."""
    return RowReader(frame.schema, schema, row_options(frame.sparkSession))


def arrow_schema_of(frame: Any) -> Any:
    """The schema of the record batches that the JVM makes of a DataFrame."""
    wide = is_wide(frame.sparkSession)
    return pa.schema(
        [
            pa.field(field.name, arrow_type(field.dataType, wide=wide), field.nullable)
            for field in frame.schema.fields
        ]
    )


def is_wide(session: Any) -> bool:
    """Whether strings and binary have 64-bit offsets in the JVM's record batches."""
    version = installed_version()
    return (
        version is not None and version.wide_offsets and sql_setting(session, _WIDE_KEY) == "true"
    )


def row_options(session: Any) -> Options:
    """What rows depend on besides their types."""
    version = installed_version()
    binary_as_bytes = (
        version is not None
        and version.binary_has_setting
        and sql_setting(session, _BINARY_KEY) == "true"
    )
    return options(
        binary_as_bytes=binary_as_bytes, wide_offsets=False, pickled=True, row_attributes=False
    )
