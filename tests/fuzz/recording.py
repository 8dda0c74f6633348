"""Makes the recorded tasks and the kept inputs again: ``python -m fuzz.recording``.

It is run by the Python of each version of Spark, the newest last: of older ones the groups are
kept, which have other framings.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pyspark
from pyspark.sql import DataFrame, GroupedData, SparkSession, Window
from pyspark.sql import functions as F

import hydrofoil
from fuzz import functions as f
from fuzz.target import CORPUS, names
from fuzz.tasks import FOLDER, without_places
from hydrofoil.daemon import IN_PLACE
from hydrofoil.recordings.recording import SUFFIX, Recording
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.user_conf import spark_version
from hydrofoil.stream.group_format import MAGIC
from hydrofoil.tools.parity.engines import use_conf
from hydrofoil.tools.parity.session import local_session
from hydrofoil.tools.replay.recorder import FOLDER_VARIABLE
from hydrofoil.tools.replay.stream import data_section

NEWEST = "4.3"
VERSION = ".".join(pyspark.__version__.split(".")[:2])
# What an Arrow message begins with.
CONTINUATION = re.compile(rb"\xff{4}(?!\xff)")
FRAME = "k long, text string"

Query = Callable[[DataFrame], DataFrame]


# Columns of all types that have a codec.
TYPES = {
    "boolean": "id % 2 = 0",
    "tinyint": "id - 12",
    "smallint": "id * 1000",
    "int": "id * 100000",
    "bigint": "id * 1000",
    "float": "id / 2",
    "double": "id / 3",
    "decimal(20,3)": "id / 8",
    "string": "concat('row ', id, 'ä')",
    "binary": "encode(concat('row ', id), 'utf-8')",
    "date": "date_add(date'1999-12-31', int(id))",
    "timestamp": "timestamp_seconds(id * 100000)",
    "timestamp_ntz": "timestamp_seconds(id * 100000)",
    "interval day to second": "make_dt_interval(int(id), 1, 2, 3.5)",
    "array<double>": "array(id, null, 0.5)",
    "array<string>": "array('ä', null, string(id))",
    "map<string,bigint>": "map('ä', id, 'b', null)",
    "struct<a:bigint,b:string>": "named_struct('a', id, 'b', string(id))",
}
# In a Series these have no codec.
NO_SERIES = ("array<double>", "array<string>", "map<string,bigint>")


def grouped(df: DataFrame) -> GroupedData:
    return df.select("k", "text").groupBy("k")


def repeated(df: DataFrame) -> DataFrame:
    spark = df.sparkSession
    spark.udtf.register("repeat_row", F.udtf(f.Repeat, returnType="a: long, b: string"))
    df.createOrReplaceTempView("given")
    return spark.sql("SELECT r.* FROM given, LATERAL repeat_row(k, text) r")


def of_types(function: Callable[[str], Any], but: Sequence[str] = ()) -> Query:
    """A query that gives each of the columns of all types to the function made for its type."""
    kinds = [kind for kind in TYPES if kind not in but]

    def query(df: DataFrame) -> DataFrame:
        columns = [f"if(k % 7 = 5, null, cast({TYPES[kind]} as {kind}))" for kind in kinds]
        given = df.withColumn("id", F.col("k")).selectExpr(
            *(f"{column} c{i}" for i, column in enumerate(columns))
        )
        return given.select(*(function(kind)(f"c{i}") for i, kind in enumerate(kinds)))

    return query


FLAT: dict[str, Query] = {
    "udf": lambda df: df.select(
        F.udf(f.shout, "string", useArrow=True)("text"),
        F.udf(f.pair, "struct<text:string,n:int>", useArrow=True)("text", "items"),
    ),
    "pickled": lambda df: df.select(F.udf(f.shout, "string", useArrow=False)("text")),
    "pickledTypes": of_types(lambda kind: F.udf(f.same, kind, useArrow=False)),
    "udfTypes": of_types(lambda kind: F.udf(f.same, kind, useArrow=True)),
    "pandasTypes": of_types(lambda kind: F.pandas_udf(f.same_series, kind), NO_SERIES),
    "pandasIterator": lambda df: df.select(F.pandas_udf(f.each_series, "string")("text")),
    "arrowIterator": lambda df: df.select(F.arrow_udf(f.each_array, "string")("text")),
    "numpy": lambda df: df.select(hydrofoil.numpy_udf("double")(f.halved)(F.col("k"))),
    "pandas": lambda df: df.select(F.pandas_udf(f.doubled, "long")("k")),
    "arrow": lambda df: df.select(F.arrow_udf(f.added, "long")("k")),
    "mapInPandas": lambda df: df.select("k", "text").mapInPandas(f.same_frames, FRAME),
    "mapInArrow": lambda df: df.select("k", "text", "items").mapInArrow(
        f.same_batches, FRAME + ", items array<struct<a:long>>"
    ),
    "udtf": repeated,
}
GROUPED: dict[str, Query] = {
    "applyInPandas": lambda df: grouped(df).applyInPandas(f.same_frame, FRAME),
    "cogroup": lambda df: grouped(df).cogroup(grouped(df)).applyInPandas(f.joined, FRAME),
    "aggregate": lambda df: df.groupBy("k").agg(F.pandas_udf(f.total, "double")("k")),
    "applyInArrow": lambda df: grouped(df).applyInArrow(f.same_table, FRAME),
    "arrowAggregate": lambda df: df.groupBy("k").agg(F.arrow_udf(f.sum_of_array, "double")("k")),
    "cogroupInArrow": lambda df: grouped(df).cogroup(grouped(df)).applyInArrow(f.both, FRAME),
    "window": lambda df: df.select(
        F.pandas_udf(f.total, "double")("k").over(Window.partitionBy("k"))
    ),
}
# As Spark's own operators send them.
COMPRESSED: dict[str, Query] = {
    f"{name}Compressed": FLAT[name] for name in ("udf", "mapInPandas", "udtf")
}
CODEC = "spark.sql.execution.arrow.compression.codec"


def frame(spark: SparkSession, *, in_groups: bool) -> DataFrame:
    return spark.range(0, 24, 1, 1).selectExpr(
        f"id {'div 7' if in_groups else ''} k",
        "if(id % 5 = 3, null, concat('row ', id, 'ä')) text",
        "array(named_struct('a', id), named_struct('a', null)) items",
    )


def recorded(spark: SparkSession, folder: Path) -> dict[str, Recording]:
    """A task of each query by its name, by Spark's operators and, if it differs, by Hydrofoil's."""
    found: dict[str, Recording] = {}
    queries = {**(FLAT | COMPRESSED if VERSION == NEWEST else {}), **GROUPED}
    for name, query in queries.items():
        codec = "zstd" if name in COMPRESSED else "none"
        for ours in (False,) if name in COMPRESSED else (False, True):
            df = query(frame(spark, in_groups=name in GROUPED))
            with use_conf(spark, {jvm_operators.ENABLED_KEY: str(ours).lower(), CODEC: codec}):
                df.collect()
            task = first_task(folder)
            if not ours or data_of(task) != data_of(found[name]):
                found[name + ("-columnar" if ours else "")] = task
    return found


def first_task(folder: Path) -> Recording:
    """The first of a query's tasks; all are removed."""
    while list(folder.glob("*.part")) or not (done := sorted(folder.glob(f"*{SUFFIX}"))):
        time.sleep(0.1)
    loaded = [Recording.load(path) for path in done]
    for path in done:
        path.unlink()
    return loaded[0]


def data_of(task: Recording) -> bytes:
    """What comes behind the functions; of older versions of Spark, the groups."""
    section = data_section(task)
    if section is not None:
        return section
    arrow = CONTINUATION.search(task.data, len(task.data) // 4)
    start = arrow.start() if arrow else len(task.data)
    if task.data[start - 8 : start - 4] == MAGIC:
        return task.data[start - 8 :]
    # How many streams a group has; without that, each batch is a group.
    return task.data[start - 4 if task.data[start - 4 : start - 1] == bytes(3) else start :]


def groups_input(name: str, data: bytes) -> bytes:
    """As `targets.groups` takes it."""
    streams = 1 if name.startswith("cogroup") else 0
    if data[:4] not in (MAGIC, (streams + 1).to_bytes(4, "big")):
        streams = 2  # Batches of one stream.
    return bytes([streams]) + data


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = jvm_operators.additions({}) if not jvm_operators.why_not(spark_version()) else {}
        conf = {
            # A name that Hydrofoil's operators know; what serves in its place is the recorder.
            "spark.python.daemon.module": "hydrofoil.daemon",
            f"spark.executorEnv.{IN_PLACE}": "fuzz.recording_daemon",
            f"spark.executorEnv.{FOLDER_VARIABLE}": name,
            "spark.sql.execution.arrow.maxRecordsPerBatch": "10",
        }
        spark = local_session(ours | conf, [str(Path(__file__).parents[1])])
        found = recorded(spark, folder)
        spark.stop()
    kept = CORPUS / "groups"
    kept.mkdir(parents=True, exist_ok=True)
    for name, task in found.items():
        if name.partition("-")[0] in GROUPED:
            (kept / f"{name}-{VERSION}").write_bytes(groups_input(name, data_of(task)))
    if VERSION != NEWEST:
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for name, task in found.items():
        without_places(task).save(FOLDER / f"{name}{SUFFIX}")
    for name in names():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for i, data in enumerate(getattr(import_module(f"fuzz.targets.{name}"), "seeds", list)()):
            (folder / f"sample-{i:02}").write_bytes(data)


if __name__ == "__main__":
    main()
