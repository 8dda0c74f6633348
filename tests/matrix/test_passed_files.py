"""How many of the package's files a batch passes, from the stream to the function and back."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.replay.recorder import record

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
MINOR = ".".join(pyspark.__version__.split(".")[:2])


def by_group(spark: SparkSession) -> DataFrame:
    rows = spark.range(0, 20, 1, 1).selectExpr("id % 3 as k", "id as v")
    return rows.groupBy("k").applyInPandas(lambda frame: frame.assign(v=1), "k long, v long")


def by_column(spark: SparkSession) -> DataFrame:
    return spark.range(0, 20, 1, 1).select(F.arrow_udf(lambda column: column, "long")("id"))


# By version: a query, its name in the page, and the most files that a batch may pass.
MADE: dict[str, tuple[Callable[[SparkSession], DataFrame], str, int]] = {
    "4.1": (by_group, "`applyInPandas` on Spark 4.1", 15),
    "4.3": (by_column, "a function of Arrow's arrays on Spark 4.3", 10),
}


def listed(name: str) -> list[str]:
    """The files that the page lists below a query's name."""
    _, found, rest = PAGE.read_text("utf-8").partition(f"For {name}:\n\n")
    assert found, f"{PAGE.name} has no list for {name}"
    lines = rest.partition("\n\n")[0].splitlines()
    return [line.split("`")[1] for line in lines]


@pytest.mark.skipif(MINOR not in MADE, reason="not one of the versions that the page names")
def test_a_batch_passes_the_files_that_the_page_lists(spark: SparkSession) -> None:
    build, name, most = MADE[MINOR]
    recordings = record(spark, build(spark).collect)
    data = max((recording.data for recording in recordings), key=len)
    done = subprocess.run(
        [sys.executable, "-m", "matrix.passed_files"],
        input=pickle.dumps(data),
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr.decode()
    _, files = json.loads(done.stdout)
    assert len(files) <= most, files
    assert sorted(files) == sorted(listed(name)), f"list in {PAGE.name}: {files}"
