"""Drawn schemas, values, batch sizes and sources, by Hydrofoil's operators and by Spark's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from columnar_compare import Comparison
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, use_conf
from hydrofoil.tools.parity.samples import BASE, Sample, arrays, columns, string_maps, structs

# Every draw is two or three queries.
DRAWS = 12

DEEPER = (arrays, structs, string_maps)
FIELDS = st.builds(
    lambda base, makers: _nested(base, makers),
    st.sampled_from(BASE),
    st.lists(st.sampled_from(DEEPER), max_size=2),
)


def _nested(base: Sample, makers: list[Any]) -> Sample:
    for make in makers:
        base = make(base)
    return base


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    fields = draw(st.lists(FIELDS, min_size=1, max_size=4, unique_by=lambda field: field.name))
    names = [field.name for field in fields]
    return {
        "fields": fields,
        "passing": draw(st.lists(st.sampled_from(names), unique=True)),
        "arguments": draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)),
        "source": draw(st.sampled_from(["rows", "shuffled", "parquet", "cached"])),
        "copies": draw(st.integers(1, 40)),
        "partitions": draw(st.integers(1, 3)),
        "kept": draw(st.sampled_from([None, 0.1, 0.9])),
        "map": draw(st.booleans()),
        "records": draw(st.sampled_from(["1", "7", "10000"])),
        "engine": draw(st.sampled_from([WARM_STOCK, HYDROFOIL])),
        "offheap": draw(st.sampled_from(["true", "false"])),
        "codegen": draw(st.sampled_from(["true", "false"])),
    }


def shown(*values: Any) -> str:
    return "; ".join(map(repr, values))


def build(spark: SparkSession, query: dict[str, Any], folder: Path) -> DataFrame:
    frame = columns(spark, query["fields"], query["partitions"])
    many = spark.range(0, query["copies"], 1, query["partitions"]).select("id")
    frame = many.crossJoin(F.broadcast(frame))
    if query["source"] == "parquet":
        path = str(folder / str(abs(hash(frame.schema.json()))) / str(query["copies"]))
        with use_conf(spark, {ENABLED_KEY: "false"}):
            frame.coalesce(1).write.mode("overwrite").parquet(path)
        frame = spark.read.parquet(path)
    elif query["source"] == "cached":
        frame = frame.cache()
    elif query["source"] == "shuffled":
        frame = frame.repartition(query["partitions"])
    if query["kept"] is not None:
        frame = frame.where(F.pmod(F.hash("id"), F.lit(100)) < query["kept"] * 100)
    if query["map"]:

        def again(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield batch.slice(0, 1)
                yield batch

        frame = frame.mapInArrow(again, frame.schema)
    text = F.udf(shown, "string", useArrow=True)(*query["arguments"])
    return frame.select("id", *query["passing"], text.alias("text"))


@settings(
    max_examples=DRAWS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=queries())
def test_drawn_queries(compare: Comparison, tmp_path_factory: Any, query: dict[str, Any]) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    conf = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": query["records"],
        "spark.sql.columnVector.offheap.enabled": query["offheap"],
        "spark.sql.codegen.wholeStage": query["codegen"],
    }
    compare.same(
        lambda spark: build(spark, query, folder),
        conf=conf,
        in_order=False,
        engines=[query["engine"]],
    )
