"""Every data type as an argument, as a result and beside them, from columns and from rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyspark
import pytest
from columnar_compare import Comparison
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from hydrofoil.tools.parity.engines import WARM_STOCK, use_conf
from hydrofoil.tools.parity.samples import (
    BASE,
    PARTIAL,
    SPECIAL,
    TIME,
    TIME_CONF,
    Sample,
    arrays,
    columns,
    keyed_maps,
    named,
    nested,
    string_maps,
    structs,
)

# There are more than a thousand.
ONE_IN = 53

# Geometries are not there before 4.1, times of day not before 4.1.
LINE = tuple(map(int, pyspark.__version__.split(".")[:2]))
SPECIALS = [s for s in SPECIAL if LINE >= (4, 1) or s.name not in ("geometry", "geography")]
# What Spark's operators run, if at all.
LEFT_TO_SPARK = ("variant", "collated", "geometry", "geography")
NESTED = [
    *(arrays(base) for base in BASE),
    *(structs(base) for base in BASE),
    *(string_maps(base) for base in BASE),
    *(keyed_maps(base) for base in BASE if base.key),
    *nested(named(BASE, "string")),
    *nested(named(BASE, "decimal_38_18")),
]
SAMPLES = list({sample.type: sample for sample in (*BASE, *PARTIAL, *SPECIALS, *NESTED)}.values())
TYPES = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)

SOURCES = ("rows", "shuffled", "parquet", "orc", "cached")


def data(spark: SparkSession, sample: Sample, source: str, files: Path) -> DataFrame:
    """The sample's values in two partitions, from one source or another."""
    made = columns(spark, [sample], 2).withColumn("n", F.monotonically_increasing_id())
    if source == "rows":
        return made
    if source == "shuffled":
        return made.repartition(3)
    if source == "cached":
        return made.cache()
    path = files / f"{source}-{sample.name}"
    if not path.exists():
        made.write.format(source).save(str(path))
    return spark.read.format(source).schema(made.schema).load(str(path))


def stored(sample: Sample, source: str, spark: SparkSession, files: Path) -> None:
    """Skip the test if the source can't hold the type."""
    try:
        with use_conf(spark, {"spark.hydrofoil.columnar.enabled": "false"}):
            data(spark, sample, source, files).count()
    except Exception as error:
        pytest.skip(f"{source} can't hold {sample.type}: {type(error).__name__}")


def supported(*samples: Sample) -> bool | None:
    """Whether Hydrofoil's operators should run; None where types decide in other ways, too."""
    return not any(sample.name.endswith(LEFT_TO_SPARK) for sample in samples)


def shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"


@pytest.mark.parametrize("source", SOURCES)
@TYPES
def test_beside_the_function(compare: Comparison, files: Path, sample: Sample, source: str) -> None:
    """The column passes through; nothing of it crosses to Python."""
    stored(sample, source, compare.spark, files)

    def build(spark: SparkSession) -> DataFrame:
        found = data(spark, sample, source, files)
        return found.select(sample.name, F.udf(lambda n: n + 1, "long", useArrow=True)("n"))

    compare.same(build, ours=supported(sample), engines=[WARM_STOCK])


@pytest.mark.parametrize("source", ["rows", "parquet"])
@TYPES
def test_as_an_argument(compare: Comparison, files: Path, sample: Sample, source: str) -> None:
    stored(sample, source, compare.spark, files)

    def build(spark: SparkSession) -> DataFrame:
        seen = F.udf(shown, "string", useArrow=True)
        return data(spark, sample, source, files).select(seen(sample.name), "n")

    compare.same(build, ours=supported(sample))


@pytest.mark.parametrize("source", ["rows", "shuffled", "parquet"])
@TYPES
def test_as_an_argument_and_a_result_of_batches(
    compare: Comparison, files: Path, sample: Sample, source: str
) -> None:
    stored(sample, source, compare.spark, files)

    def build(spark: SparkSession) -> DataFrame:
        found = data(spark, sample, source, files)

        def same(batches: Iterator[Any]) -> Iterator[Any]:
            yield from batches

        return found.mapInArrow(same, found.schema)

    compare.same(build, ours=supported(sample))


@TYPES
def test_as_a_result(compare: Comparison, files: Path, sample: Sample) -> None:
    def build(spark: SparkSession) -> DataFrame:
        same = F.udf(lambda value: value, sample.type, useArrow=True)
        return data(spark, sample, "rows", files).select("n", same(sample.name).alias("it"))

    compare.same(build, ours=supported(sample))


@TYPES
def test_as_a_result_of_pandas(compare: Comparison, files: Path, sample: Sample) -> None:
    def build(spark: SparkSession) -> DataFrame:
        def same(series: pd.Series) -> pd.Series:
            return series

        # A struct is a frame, which only a function that says so may return.
        if sample.type.startswith("STRUCT"):

            def same(series: pd.DataFrame) -> pd.DataFrame:
                return series

        it = F.pandas_udf(same, sample.type)(sample.name).alias("it")
        # Of two tasks that fail by different values, either may be the first.
        return data(spark, sample, "rows", files).coalesce(1).select("n", it)

    compare.same(build, ours=None)


@pytest.mark.skipif(LINE < (4, 1), reason="Spark 4.0 has no times of day")
@pytest.mark.parametrize("made", [TIME, arrays(TIME), structs(TIME)], ids=lambda made: made.name)
def test_times_of_day(compare: Comparison, files: Path, made: Sample) -> None:
    def build(spark: SparkSession) -> DataFrame:
        same = F.udf(lambda value: value, made.type, useArrow=True)
        return data(spark, made, "rows", files).select(made.name, same(made.name).alias("it"))

    compare.same(build, conf=TIME_CONF, ours=None)


def test_user_defined_types(compare: Comparison) -> None:
    from pyspark.ml.linalg import Vectors, VectorUDT

    schema = StructType([StructField("n", LongType()), StructField("v", VectorUDT())])

    def build(spark: SparkSession) -> DataFrame:
        rows = [(1, Vectors.dense([1.0, 2.0])), (2, Vectors.sparse(3, {1: 4.0})), (3, None)]
        frame = spark.createDataFrame(rows, schema).coalesce(1)
        total = F.udf(lambda v: float(v.toArray().sum()) if v else None, "double", useArrow=True)
        return frame.select("v", total("v"), F.udf(lambda n: -n, "long", useArrow=True)("n"))

    compare.same(build, ours=None)


@pytest.mark.parametrize("kind", ["char(5)", "varchar(5)"])
def test_padded_and_bounded_strings(compare: Comparison, kind: str) -> None:
    """Tables pad and check them; functions see plain strings."""
    spark = compare.spark
    name = f"bounded_{kind[:4]}"
    spark.sql("CREATE OR REPLACE TEMPORARY VIEW ab AS VALUES ('a'), ('abcde'), (NULL) AS t(s)")
    spark.sql(f"DROP TABLE IF EXISTS {name}")
    spark.sql(f"CREATE TABLE {name} (s {kind}) USING parquet")
    spark.sql(f"INSERT INTO {name} SELECT s FROM ab")

    def build(spark: SparkSession) -> DataFrame:
        return spark.table(name).select("s", F.udf(shown, "string", useArrow=True)("s"))

    compare.same(build, ours=None, in_order=False)
    spark.sql(f"DROP TABLE {name}")
