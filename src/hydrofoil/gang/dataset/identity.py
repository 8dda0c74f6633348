"""Whether two exports are of the same rows in the same partitions, so that one goes on with the
other's files.

A partition that was written is only skipped if the new job's partition of that number has the same
rows. Spark promises that for few plans: a global sort draws its bounds anew in each run, adaptive
execution joins partitions as it sees fit, and a limit takes what comes first. So a plan is followed
from its end to the files it reads, and only steps that keep each partition's rows are let through:
`STEPS`. The rest is written anew.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hydrofoil.settings.sessions import sql_setting

# Physical operators that make a partition of one partition, and leaves with fixed partitions.
STEPS = frozenset(
    {
        "ArrowEvalPythonExec",
        "BatchEvalPythonExec",
        "FileSourceScanExec",
        "FilterExec",
        "GenerateExec",
        "LocalTableScanExec",
        "MapInArrowExec",
        "MapInPandasExec",
        "ProjectExec",
        "PythonMapInArrowExec",
        "RangeExec",
        "UnionExec",
    }
)

# By its number and keys a row's partition is fixed; adaptive execution leaves such a one alone.
_BY_HASH = re.compile(r"Exchange hashpartitioning\(.*REPARTITION_BY_NUM")

# Settings that decide how files are cut into partitions.
_SETTINGS = (
    "spark.sql.files.maxPartitionBytes",
    "spark.sql.files.openCostInBytes",
    "spark.sql.files.minPartitionNum",
    "spark.sql.files.maxPartitionNum",
    "spark.sql.leafNodeDefaultParallelism",
)


@dataclass(frozen=True)
class Identity:
    """What an export may be taken for.

    Parameters
    ----------
    fingerprint : str or None
        Equal for exports of the same rows in the same partitions; None if that can't be told.
    why : str
        Why not, if it can't.
    """

    fingerprint: str | None
    why: str = ""


def identify(df: Any, token: str | None) -> Identity:
    """Say what identifies a DataFrame.

    Without a token that holds within one Spark application: the hash of a plan covers its
    functions and local data, but differs in another JVM. With a token the caller vouches for them.
    """
    if not hasattr(df, "_jdf"):
        return Identity(None, "Spark Connect doesn't show how the rows are cut into partitions")
    execution = df._jdf.queryExecution()
    plan = execution.sparkPlan()
    steps = list(_steps(plan))
    for name, text in steps:
        if name not in STEPS and not _BY_HASH.match(text):
            return Identity(
                None, f"the plan's step {text.split('[')[0].strip()!r} may cut rows anew each time"
            )
    if not execution.optimizedPlan().deterministic():
        return Identity(None, "the query is not deterministic")
    spark = df.sparkSession
    content = {
        "token": token,
        "application": None if token else spark.sparkContext.applicationId,
        "plan_hash": None if token else df.semanticHash(),
        "plan": [re.sub(r"#\d+L?|plan_id=\d+", "#", text) for _, text in steps],
        "schema": df.schema.json(),
        "files": _files(df),
        "parallelism": spark.sparkContext.defaultParallelism,
        "settings": [sql_setting(spark, key) for key in _SETTINGS],
    }
    text = json.dumps(content, sort_keys=True)
    return Identity(hashlib.sha256(text.encode()).hexdigest())


def _steps(plan: Any) -> Iterator[tuple[str, str]]:
    yield plan.getClass().getSimpleName(), plan.simpleString(10_000)
    children = plan.children()
    for number in range(children.size()):
        yield from _steps(children.apply(number))


def _files(df: Any) -> list[tuple[str, int, int]]:
    """The files read, with sizes and times: rows that were added since make it another query."""
    jvm, conf = df.sparkSession._jvm, df.sparkSession._jsc.hadoopConfiguration()
    found = []
    for uri in sorted(df.inputFiles()):
        path = jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(uri))
        status = path.getFileSystem(conf).getFileStatus(path)
        found.append((uri, status.getLen(), status.getModificationTime()))
    return found
