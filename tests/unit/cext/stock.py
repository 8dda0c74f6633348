"""Stock PySpark's own conversions, as its worker applies them to a column: the oracle."""

import pyarrow as pa
from pyspark.sql.conversion import ArrowTableToRowsConversion, LocalDataToArrowConversion
from pyspark.sql.pandas.types import _dedup_names, to_arrow_type
from pyspark.sql.types import Row

from hydrofoil.spark.stock.conversion import known_zone
from hydrofoil.values.type_table import Options

OPTIONS = Options(row_type=Row, dedup_names=_dedup_names, known_zone=known_zone)


def to_arrow(spark_type, values):
    """What stock sends back to the JVM for a column of results."""
    arrow_type = to_arrow_type(spark_type, timezone="UTC")
    convert = LocalDataToArrowConversion._create_converter(spark_type)
    return pa.array([convert(value) for value in values], type=arrow_type)


def to_python(spark_type, array):
    """What stock hands to the user's function for a column."""
    convert = ArrowTableToRowsConversion._create_converter(spark_type)
    return [convert(value) for value in ArrowTableToRowsConversion._to_pylist(array)]


def exact(value):
    """A value's repr with its class at every level, so that 1, True and 1.0 differ."""
    if isinstance(value, Row):
        return ("Row", getattr(value, "__fields__", None), [exact(item) for item in value])
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [exact(item) for item in value])
    if isinstance(value, dict):
        return ("dict", [(exact(key), exact(item)) for key, item in value.items()])
    return (type(value).__name__, repr(value), getattr(value, "fold", 0))
