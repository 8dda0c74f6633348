"""The public functions: rows to and from the driver, whether `enable` was called or not."""

from typing import TYPE_CHECKING, Any

from hydrofoil.decorators.torch import as_tensor
from hydrofoil.driver.creating import ALWAYS
from hydrofoil.driver.iterating import Progress, RowStream, show_progress
from hydrofoil.driver.structured import is_structured, table_of
from hydrofoil.driver.switch import enabled_here
from hydrofoil.driver.tables import columns_of, to_table
from hydrofoil.values.arrays import Argument, Nulls, Strings

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


def iterate(
    df: "DataFrame",
    *,
    prefetch: bool = False,
    progress: "Progress | bool" = False,
) -> RowStream:
    """All rows of a DataFrame, one after the other, of which few are in memory.

    Each partition is a job, as with ``df.toLocalIterator()``. Record batches become rows one by
    one, so Python holds one record batch of rows; the driver's JVM holds a partition's bytes.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    prefetch : bool
        Run the next partition's job while one is read.
    progress : bool or callable
        Say how far it is after each partition: True on stderr, in one line; or a function of three
        numbers, the rows and the partitions that were read, and all partitions.

    Returns
    -------
    RowStream
        An iterator. Its ``close()``, the end of a ``with`` block, and the garbage collector end the
        iteration: then no job, thread or socket of it is left.
    """
    told = show_progress if progress is True else (progress or None)
    with enabled_here(df.sparkSession):
        return RowStream(df, prefetch, told)


def to_numpy(
    df: "DataFrame",
    *,
    nulls: Nulls = "error",
    strings: Strings = "object",
    ragged: bool = False,
) -> dict[str, Any]:
    """The columns of a DataFrame as NumPy arrays, by their names.

    Numbers and times are views of the record batches' memory where the result is one batch, and
    concatenated once where it is several.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        No two of its columns may have the same name.
    nulls : {"error", "nan", "mask", "propagate"}
        As for `numpy_udf`.
    strings : {"object", "stringdtype"}
        As for `numpy_udf`.
    ragged : bool
        Lists are `Ragged`, as their lengths may differ; without it they are a matrix.

    Raises
    ------
    UsageError
        If columns have the same name.
    ValueError, TypeError
        As for a parameter of `numpy_udf`.
    """
    table = to_table(df, "to_numpy")
    return {
        name: Argument(name, nulls, strings, ragged)(column)
        for name, column in columns_of(table).items()
    }


def to_torch(df: "DataFrame", *, nulls: Nulls = "error") -> dict[str, Any]:
    """The columns of a DataFrame as torch tensors, by their names.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
        Of numbers, booleans, and lists of one length of these; no two columns have the same name.
    nulls : {"error", "nan", "mask", "propagate"}
        As for `torch_udf`.

    Raises
    ------
    UsageError
        If columns have the same name.
    ValueError, TypeError
        As for a parameter of `torch_udf`.
    """
    return {
        name: as_tensor(value, f"column {name!r}")
        for name, value in to_numpy(df, nulls=nulls).items()
    }


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
        ``createDataFrame``, this does not leave a few rows to PySpark, and takes a structured
        array from Spark 4.0 on: its fields are the columns.
    schema : DataType, str or list of str, optional
        As for ``createDataFrame``.
    verify_schema : bool
        As for ``createDataFrame``.
    """
    if is_structured(data):
        from pyspark.sql import DataFrame

        # Spark 3.5 knows no tables, neither of a DataFrame nor for one.
        if hasattr(DataFrame, "toArrow"):
            data = table_of(data)
    token = ALWAYS.set(True)
    try:
        with enabled_here(spark):
            create: Any = spark.createDataFrame
            # Not all clients of Spark Connect have this parameter.
            how = {} if verify_schema else {"verifySchema": False}
            made: DataFrame = create(data, schema, **how)
            return made
    finally:
        ALWAYS.reset(token)
