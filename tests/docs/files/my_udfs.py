"""The functions that the pages call my_udfs.py; their arguments are columns of sample.parquet."""

from pyspark.sql.functions import udf


@udf("double")
def total(price: float, n: int) -> float | None:
    return None if price is None else price * n


@udf("string")
def label(item: str) -> str:
    return item.title()
