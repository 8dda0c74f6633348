"""Types that are more than how their values are stored: users' own, and texts of limited length."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.case import ARROW, Case, case
from hydrofoil.tools.parity.catalogue.rows import TRANSPORTS
from hydrofoil.tools.parity.catalogue.vectorized import CORE, last
from hydrofoil.tools.parity.families import FAMILIES, Family
from hydrofoil.tools.parity.harness import numbers
from hydrofoil.tools.parity.points import Point, PointType
from hydrofoil.tools.parity.probes import describe

_AS_STRING = {"spark.sql.legacy.charVarcharAsString": "true"}


def cases() -> Iterator[Case]:
    """Users' types with functions of all kinds, then texts with plain functions."""
    for transport, switch in TRANSPORTS.items():
        for name, build in _POINTS.items():
            yield case("udt", f"udf-{transport}", name, build=build, conf={ARROW: switch})
        for declared in ("char(3)", "varchar(3)"):
            for text in ("ab", "abcd"):
                build = partial(_texts, declared, text)
                path = ("char", f"udf-{transport}", declared, text)
                yield case(*path, build=build, conf={ARROW: switch})
                yield case(*path, "as-string", build=build, conf={ARROW: switch, **_AS_STRING})
    for family in FAMILIES:
        if family.name in CORE:
            yield case("udt", family, "seen", build=partial(_seen, family))
            yield case("udt", family, "back", build=partial(_back, family))


def _texts(declared: str, text: str, spark: SparkSession) -> DataFrame:
    return numbers(spark, 3).select(udf(lambda row: text, declared)("id").alias("made"))


def _points(spark: SparkSession) -> DataFrame:
    schema = T.StructType(
        [
            T.StructField("k", T.LongType()),
            T.StructField("n", T.LongType()),
            T.StructField("v", PointType()),
        ]
    )
    rows = [(0, 0, Point(1.0, -0.0)), (0, 1, None), (1, 2, Point(0.5, 2.0))]
    return spark.createDataFrame(rows, schema).coalesce(1)


def _seen_by_row(spark: SparkSession) -> DataFrame:
    return _points(spark).select(udf(describe, "string")("v").alias("seen"))


def _back_by_row(spark: SparkSession) -> DataFrame:
    return _points(spark).select(udf(lambda value: value, PointType())("v").alias("back"))


def _made_by_row(spark: SparkSession) -> DataFrame:
    made = udf(lambda n: Point(n + 0.5, 1.0), PointType())
    return _points(spark).select(made("n").alias("made"))


def _listed_by_row(spark: SparkSession) -> DataFrame:
    listed = udf(lambda value: [value, value], T.ArrayType(PointType()))
    return _points(spark).select(udf(describe, "string")(listed("v")).alias("seen"))


def _wrong_by_row(spark: SparkSession) -> DataFrame:
    return _points(spark).select(udf(lambda n: "text", PointType())("n").alias("made"))


_POINTS = {
    "seen": _seen_by_row,
    "back": _back_by_row,
    "made": _made_by_row,
    "listed": _listed_by_row,
    "wrong": _wrong_by_row,
}


def _seen(family: Family, spark: SparkSession) -> DataFrame:
    return family.observed(_points(spark))


def _back(family: Family, spark: SparkSession) -> DataFrame:
    declared: Any = PointType()
    if family.result in ("table", "batch"):
        declared = T.StructType([T.StructField("made", declared)])
    return family.apply(_points(spark), family.wrap(partial(last, family)), declared)
