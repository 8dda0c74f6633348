"""What a worker looks like from inside a UDF, on real Spark, by the environment of its daemon."""

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import pyspark
import pyspark.sql.functions as F
import pytest
from pyspark.sql import SparkSession

from hydrofoil.process import blas
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_engine, use_environment

Report = dict[str, Any]


def ask(
    spark: SparkSession,
    look: Callable[[], Report],
    engine: Engine = HYDROFOIL,
    environment: Mapping[str, str] = {},
    partitions: int = 1,
) -> list[Report]:
    """Return what ``look`` sees in the worker of each partition."""

    with use_engine(spark, engine), use_environment(spark, environment):
        column = F.udf(lambda _: json.dumps(look()), "string")("id")
        rows = spark.range(0, partitions, 1, partitions).select(column).collect()
    return [json.loads(row[0]) for row in rows]


def at_first_call() -> Report:
    import os
    import sys

    modules = set(sys.modules)
    frames = "hydrofoil.spark.families.pandas.plan"
    return {
        "argv": sys.argv,
        "environment": {name: os.environ.get(name) for name in ("JE_ARROW_MALLOC_CONF",)},
        "hydrofoil": "hydrofoil.worker" in modules,
        "loaded": [name for name in ("numpy", "pandas", "pyarrow", frames) if name in modules],
        "parent": os.getppid(),
        "pid": os.getpid(),
        "pyspark": sys.modules["pyspark"].__file__,
        "threads": len(os.listdir("/proc/self/task")),
    }


def blas_threads() -> Report:
    import os

    import numpy

    from hydrofoil.process import blas

    square = numpy.ones((600, 600))
    square @ square
    counts = []
    for path in blas.loaded_libraries():
        get_threads = blas.find_function(ctypes.CDLL(path), "openblas_get_num_threads")
        counts.append(get_threads())
    return {"blas": counts, "threads": len(os.listdir("/proc/self/task"))}


def draw() -> Report:
    import os
    import random
    import time

    import numpy

    time.sleep(3)  # Both workers are busy: none of them serves both partitions.
    return {"pid": os.getpid(), "numpy": numpy.random.rand(), "random": random.random()}


def test_workers_are_forked_with_their_imports_behind_them(spark: SparkSession) -> None:
    # One that has run no function yet, which may have started threads.
    [seen] = ask(spark, at_first_call, environment={"HYDROFOIL_TEST": "a worker of its own"})
    assert seen["hydrofoil"]
    assert seen["argv"][0].endswith("hydrofoil/daemon.py")
    assert seen["argv"][1:] == ["pyspark.worker"]
    assert {"numpy", "pyarrow"} <= set(seen["loaded"])
    assert seen["pyspark"] == pyspark.__file__
    assert seen["environment"] == {"JE_ARROW_MALLOC_CONF": None}
    assert seen["threads"] == 1


def test_pandas_is_imported_once_the_first_workers_are_under_way(spark: SparkSession) -> None:
    environment = {"HYDROFOIL_TEST": "a daemon of its own"}
    conf = spark.sparkContext._jsc.sc().conf()
    conf.set("spark.python.worker.reuse", "false")
    deadline = time.monotonic() + 60
    try:
        [seen] = ask(spark, at_first_call, environment=environment)
        while "pandas" not in seen["loaded"] and time.monotonic() < deadline:
            time.sleep(0.5)
            [seen] = ask(spark, at_first_call, environment=environment)
    finally:
        conf.set("spark.python.worker.reuse", "true")
    assert {"pandas", "hydrofoil.spark.families.pandas.plan"} <= set(seen["loaded"])
    assert seen["threads"] == 1


# The daemons that tests share may have several idle workers.
OWN_DAEMON = {"HYDROFOIL_TEST": "a daemon with one worker"}


def test_a_reused_worker_is_still_hydrofoils(spark: SparkSession) -> None:
    first, second = (ask(spark, at_first_call, environment=OWN_DAEMON)[0] for _ in range(2))
    assert first["pid"] == second["pid"]
    assert second["hydrofoil"]
    assert second["argv"] == first["argv"]


def listings() -> Report:
    import os
    import zipimport

    listed = zipimport._zip_directory_cache
    return {"pid": os.getpid(), "listed": {path: id(files) for path, files in listed.items()}}


def test_a_task_does_not_list_unchanging_archives_again(spark: SparkSession) -> None:
    first, second = (ask(spark, listings, environment=OWN_DAEMON)[0] for _ in range(2))
    assert first["pid"] == second["pid"]
    assert any(path.endswith("pyspark.zip") for path in first["listed"])
    assert first["listed"] == second["listed"]


def test_off_gives_stock_back(spark: SparkSession) -> None:
    [seen] = ask(spark, at_first_call, environment={"HYDROFOIL": "off"})
    [stock] = ask(spark, at_first_call, engine=STOCK)
    assert not seen["hydrofoil"]
    assert seen["argv"] == stock["argv"]
    assert seen["pyspark"] == stock["pyspark"]


def test_threads_at_import_leave_the_import_to_the_workers(spark: SparkSession) -> None:
    chosen = {"JE_ARROW_MALLOC_CONF": "background_thread:true"}
    [seen] = ask(spark, at_first_call, environment=chosen)
    assert seen["hydrofoil"]
    assert seen["environment"] == chosen
    with open(f"/proc/{seen['parent']}/status", encoding="utf-8") as file:
        assert "Threads:\t1\n" in file.read()


@pytest.mark.parametrize("engine", [STOCK, HYDROFOIL], ids=lambda engine: engine.name)
def test_blas_has_the_threads_that_were_asked_for(spark: SparkSession, engine: Engine) -> None:
    if not blas.loaded_libraries() and "numpy" in sys.modules:
        pytest.skip("NumPy is not built with OpenBLAS here")
    wanted = min(2, len(os.sched_getaffinity(0)))
    environment = {"OPENBLAS_NUM_THREADS": "2"}
    [seen] = ask(spark, blas_threads, engine=engine, environment=environment)
    assert set(seen["blas"]) == {wanted}
    assert seen["threads"] >= wanted


def test_blas_threads_start_when_they_are_used(spark: SparkSession) -> None:
    environment = {"OPENBLAS_NUM_THREADS": "2", "HYDROFOIL_TEST": "threads"}
    [seen] = ask(spark, at_first_call, environment=environment)
    assert seen["threads"] == 1


def test_one_blas_thread_is_one(spark: SparkSession) -> None:
    [seen] = ask(spark, blas_threads)
    assert set(seen["blas"]) <= {1}


def test_workers_do_not_draw_the_same_random_numbers(spark: SparkSession) -> None:
    first, second = ask(spark, draw, partitions=2)
    assert first["pid"] != second["pid"]
    assert first["numpy"] != second["numpy"]
    assert first["random"] != second["random"]
