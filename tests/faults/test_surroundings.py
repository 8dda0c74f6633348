"""What a host lacks: memory, descriptors, folders. Stock's error, and the next query works."""

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf, udf

from faults.conftest import Alike, next_query
from faults.outcomes import outcome
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    use_conf,
    use_core_conf,
    use_engine,
    use_environment,
)


def uses_a_temporary_file(x: int) -> str:
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(b"x" * x)
    return "written"


@pytest.mark.parametrize("folder", ["missing", "a file"])
def test_a_temporary_folder_that_is(spark: SparkSession, tmp_path: Path, folder: str) -> None:
    """Functions find a different one, as under stock; nothing of the worker's needs it."""
    (tmp_path / "a file").touch()
    found = []
    for engine in (WARM_STOCK, HYDROFOIL):
        with (
            use_engine(spark, engine),
            use_environment(spark, {"TMPDIR": str(tmp_path / folder)}),
        ):
            query = spark.range(2).select(udf(uses_a_temporary_file, "string")("id"))
            found.append(outcome(query.collect))
            assert next_query(spark) == [0, 2, 4, 6]
    stock, ours = found
    assert ours == stock
    assert [row[0] for row in ours[1]] == ["written"] * 2


def test_a_trace_that_cant_be_written(spark: SparkSession, alike: Alike, tmp_path: Path) -> None:
    """Queries go on without it, and errors are the functions' own."""
    (tmp_path / "a file").touch()
    with use_environment(spark, {"HYDROFOIL_TRACE": str(tmp_path / "a file" / "trace")}):
        alike(lambda: spark.range(2).select(udf(lambda x: x + 1, "bigint")("id")).collect())
        alike(lambda: spark.range(2).select(udf(lambda x: x / 0, "double")("id")).collect())


# More than the daemon's modules and a small task need.
LIMIT_MB = 1200


def test_memory_that_is_limited(spark: SparkSession) -> None:
    """`spark.executor.pyspark.memory` ends a function, not its worker, and not the query before."""
    found = []
    context = spark.sparkContext
    # As the scheduler sets it for each task where the session has that setting.
    key = "resource.pyspark.memory"

    def much(x: int) -> int:
        return len(bytearray(3 * LIMIT_MB << 20)) if x == 1 else x

    for engine in (WARM_STOCK, HYDROFOIL):
        with use_engine(spark, engine):
            context.setLocalProperty(key, str(LIMIT_MB))
            try:
                limits = udf(lambda _: resource.getrlimit(resource.RLIMIT_AS)[0], "long")
                [[limit]] = spark.range(1).select(limits("id")).collect()
                # Imports that its daemon has made are not counted as a worker's own.
                more = limit - (LIMIT_MB << 20)
                assert more == 0 if engine is WARM_STOCK else 0 < more < 1 << 30
                query = spark.range(0, 4, 1, 1).select(udf(much, "long")("id"))
                found.append(outcome(query.collect))
                assert next_query(spark) == [0, 2, 4, 6]
            finally:
                context.setLocalProperty(key, None)
    stock, ours = found
    assert ours == stock
    assert ours == ("PythonException", "MemoryError")


def test_a_daemon_without_descriptors(spark: SparkSession) -> None:
    """It can't accept the next worker's connection; a new daemon does."""
    found = []
    for engine in (WARM_STOCK, HYDROFOIL):
        with (
            use_engine(spark, engine),
            use_environment(spark, {"HYDROFOIL_TEST_DESCRIPTORS": "few"}),
            use_core_conf(spark, {"spark.python.worker.reuse": "false"}),
        ):
            look = udf(lambda _: os.getppid(), "long")
            [[daemon]] = spark.range(1).select(look("id")).collect()
            process = psutil.Process(daemon)
            _, most = process.rlimit(psutil.RLIMIT_NOFILE)
            process.rlimit(psutil.RLIMIT_NOFILE, (3, most))
            found.append(outcome(lambda: next_query(spark))[0] == "value")
            end = time.monotonic() + 30
            while process.is_running() and time.monotonic() < end:
                time.sleep(0.1)
            assert not process.is_running()
            assert next_query(spark) == [0, 2, 4, 6]
    stock, ours = found
    assert ours or not stock


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_batches(spark: SparkSession, alike: Alike, codec: str) -> None:
    settings = {"spark.sql.execution.arrow.compression.codec": codec}
    frame = spark.range(0, 3000, 1, 1).selectExpr("id", "repeat('s', 100) s")

    def function(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches

    def query() -> list[Any]:
        rows = frame.select(udf(lambda i: i + 1, "long")("id").alias("id"), "s")
        series = rows.select(pandas_udf(lambda s: s.str.len(), "long")("s").alias("s"), "id")
        [total] = series.mapInArrow(function, "s long, id long").groupBy().sum("s", "id").collect()
        return list(total)

    with use_conf(spark, settings):
        assert alike(query) == ("value", [300_000, 3000 * 3001 // 2])
