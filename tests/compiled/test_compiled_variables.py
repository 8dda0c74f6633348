"""The rules of a compiled function's results, where a variable says to workers which they are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from hydrofoil.settings.jvm_operators import jar
from hydrofoil.settings.rows import VARIABLE
from hydrofoil.settings.user_conf import spark_home

# Pickled, an integer is no double, but null; Arrow takes it for one.
PROGRAM = """
import json

import hydrofoil
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.getOrCreate()
hydrofoil.enable(spark)


def found(compiled):
    spark.conf.set("spark.hydrofoil.compile.enabled", compiled)
    frame = spark.range(2).select(udf(lambda x: x + 1, "double", useArrow=True)("id"))
    values = [row[0] for row in frame.collect()]
    return values, "EvalPython" in frame._jdf.queryExecution().executedPlan().toString()


print("SEEN", json.dumps([found("true"), found("false")]))
"""


@pytest.mark.skipif(
    pyspark.__version__.startswith(("3.", "4.0.")), reason="its Arrow goes through pandas"
)
@pytest.mark.parametrize(
    ("more", "values"),
    [
        pytest.param({}, [None, None], id="inherited"),
        # Stock's workers don't listen to it.
        pytest.param(
            {"spark.executorEnv.HYDROFOIL": "off"}, [1.0, 2.0], id="off", marks=pytest.mark.slow
        ),
    ],
)
def test_a_local_masters_workers(
    tmp_path: Path, more: dict[str, str], values: list[float | None]
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    conf = {"spark.plugins": "org.hydrofoil.spark.HydrofoilPlugin", "spark.jars": str(jar())}
    words = [word for item in (conf | more).items() for word in ("--conf", "=".join(item))]
    done = subprocess.run(
        [str(spark_home() / "bin/spark-submit"), "--master", "local[1]", *words, str(program)],
        cwd=tmp_path,
        env=os.environ
        | {"PYSPARK_PYTHON": sys.executable, "SPARK_CONF_DIR": str(tmp_path), VARIABLE: "arrow"}
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert len(lines) == 1, done.stderr[-8000:]
    compiled, by_workers = json.loads(lines[0].removeprefix("SEEN "))
    assert compiled == [values, False]
    assert by_workers == [values, True]
