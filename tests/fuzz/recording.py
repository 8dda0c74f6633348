"""Makes the recorded tasks and the kept inputs again: ``python -m fuzz.recording``.

It is run by the Python of each version of Spark, the newest last: of older ones the groups are
kept, which have other framings.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pyspark
from pyspark.sql import DataFrame, GroupedData, SparkSession
from pyspark.sql import functions as F

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


def grouped(df: DataFrame) -> GroupedData:
    return df.select("k", "text").groupBy("k")


def repeated(df: DataFrame) -> DataFrame:
    spark = df.sparkSession
    spark.udtf.register("repeat_row", F.udtf(f.Repeat, returnType="a: long, b: string"))
    df.createOrReplaceTempView("given")
    return spark.sql("SELECT r.* FROM given, LATERAL repeat_row(k, text) r")


FLAT: dict[str, Query] = {
    "udf": lambda df: df.select(
        F.udf(f.shout, "string", useArrow=True)("text"),
        F.udf(f.pair, "struct<text:string,n:int>", useArrow=True)("text", "items"),
    ),
    "pickled": lambda df: df.select(F.udf(f.shout, "string", useArrow=False)("text")),
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
}


def frame(spark: SparkSession, *, in_groups: bool) -> DataFrame:
    return spark.range(0, 24, 1, 1).selectExpr(
        f"id {'div 7' if in_groups else ''} k",
        "if(id % 5 = 3, null, concat('row ', id, 'ä')) text",
        "array(named_struct('a', id), named_struct('a', null)) items",
    )


def recorded(spark: SparkSession, folder: Path) -> dict[str, Recording]:
    """A task of each query by its name, by Spark's operators and, if it differs, by Hydrofoil's."""
    found: dict[str, Recording] = {}
    queries = {**(FLAT if VERSION == NEWEST else {}), **GROUPED}
    for name, query in queries.items():
        for ours in (False, True):
            df = query(frame(spark, in_groups=name in GROUPED))
            with use_conf(spark, {jvm_operators.ENABLED_KEY: str(ours).lower()}):
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
