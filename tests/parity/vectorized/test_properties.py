"""Drawn schemas, data, groups, batches and functions.

``--hypothesis-profile=thorough`` draws more; a failure prints how to draw it again.
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from hydrofoil.tools.parity.families import FAMILIES, Family, Unit
from hydrofoil.tools.parity.harness import Parity
from hydrofoil.tools.parity.views import see
from parity.test_properties import tables

_MAPPED = [family for family in FAMILIES if family.result in ("table", "batch")]
_ALL = [family for family in FAMILIES if "barrier" not in family.name]


def _last(value: Any) -> Any:
    return value


def _sliced(value: Any) -> Any:
    return value[1:]


def _selected(value: Any) -> Any:
    """Columns in the reverse order."""
    if hasattr(value, "columns") and hasattr(value, "iloc"):
        return value.iloc[:, ::-1]
    return value.select(list(reversed(value.schema.names)))


def _filled(value: Any) -> Any:
    """All rows as the first."""
    if hasattr(value, "iloc"):
        return value.iloc[[0] * len(value)]
    return value.take([0] * value.num_rows)


# Which group fails first is certain.
ONE_PARTITION = {"spark.sql.shuffle.partitions": "1"}

FUNCTIONS = [_last, _sliced, _selected, _filled]


@given(
    table=tables(),
    family=st.sampled_from(_MAPPED),
    function=st.sampled_from(FUNCTIONS),
    groups=st.integers(1, 4),
    batch=st.sampled_from(["1", "3", "10000"]),
    large=st.booleans(),
    by_name=st.booleans(),
)
def test_drawn_frames(
    parity: Parity,
    table: tuple[T.StructType, list[tuple[Any, ...]]],
    family: Family,
    function: Any,
    groups: int,
    batch: str,
    large: bool,
    by_name: bool,
) -> None:
    schema, rows = table

    def unit(*values: Any) -> Any:
        return function(values[-1])

    def build(spark: SparkSession) -> DataFrame:
        frame = _numbered(spark, schema, rows, groups)
        declared: Any = frame.schema
        return family.apply(frame, family.wrap(unit), declared)

    conf = {
        **ONE_PARTITION,
        "spark.sql.execution.arrow.maxRecordsPerBatch": batch,
        "spark.sql.execution.arrow.useLargeVarTypes": str(large).lower(),
        "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": str(by_name).lower(),
    }
    with parity.under(conf=conf):
        parity.same(build)


@given(
    table=tables(),
    family=st.sampled_from(_ALL),
    groups=st.integers(1, 4),
    batch=st.sampled_from(["1", "3", "10000"]),
    extension=st.booleans(),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
)
def test_drawn_arguments(
    parity: Parity,
    table: tuple[T.StructType, list[tuple[Any, ...]]],
    family: Family,
    groups: int,
    batch: str,
    extension: bool,
    zone: str,
) -> None:
    schema, rows = table
    conf = {
        **ONE_PARTITION,
        "spark.sql.execution.arrow.maxRecordsPerBatch": batch,
        "spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype": str(extension).lower(),
        "spark.sql.session.timeZone": zone,
    }
    observe: Unit = see
    with parity.under(conf=conf):
        parity.same(lambda spark: family.observed(_numbered(spark, schema, rows, groups), observe))


def _numbered(
    spark: SparkSession, schema: T.StructType, rows: list[tuple[Any, ...]], groups: int
) -> DataFrame:
    """The rows with a key and their number before them."""
    fields = [T.StructField("k", T.LongType()), T.StructField("n", T.LongType()), *schema.fields]
    numbered = [(number % groups, number, *row) for number, row in enumerate(rows)]
    return spark.createDataFrame(numbered, T.StructType(fields)).coalesce(1)
