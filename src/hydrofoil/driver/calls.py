"""The public functions: rows to and from the driver, whether `enable` was called or not."""

from typing import TYPE_CHECKING, Any

from hydrofoil.driver.creating import ALWAYS
from hydrofoil.driver.switch import enabled_here

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.types import DataType


def collect(df: "DataFrame") -> "list[Row]":
    """All rows of a DataFrame, as by ``df.collect()``, by record batches.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        What Hydrofoil does not cover of it PySpark's own code collects.
    """
    with enabled_here(df.sparkSession):
        return df.collect()


def create_dataframe(
    spark: "SparkSession",
    data: Any,
    schema: "DataType | str | list[str] | None" = None,
    *,
    verify_schema: bool = True,
) -> "DataFrame":
    """A DataFrame of rows, as by ``spark.createDataFrame``, by record batches.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    data : iterable, pandas.DataFrame, numpy.ndarray, pyarrow.Table or RDD
        What Hydrofoil does not cover of it PySpark's own code converts. Unlike
        ``createDataFrame``, this does not leave a few rows to PySpark.
    schema : DataType, str or list of str, optional
        As for ``createDataFrame``.
    verify_schema : bool
        As for ``createDataFrame``.
    """
    token = ALWAYS.set(True)
    try:
        with enabled_here(spark):
            return spark.createDataFrame(data, schema, verifySchema=verify_schema)  # type: ignore[call-overload,no-any-return]
    finally:
        ALWAYS.reset(token)
