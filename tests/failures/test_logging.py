"""Log records of functions at the driver."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.reports.logs import LOGS_KEY, MOST_RECORDS, NAME
from hydrofoil.tools.parity.engines import HYDROFOIL, use_conf, use_engine, use_environment


@pytest.fixture(autouse=True)
def hydrofoils_workers(spark: SparkSession) -> Iterator[None]:
    with use_engine(spark, HYDROFOIL):
        yield


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Those of functions; what Hydrofoil says itself may be of a query of the test before."""
    of_workers = [one for one in caplog.records if one.name == NAME]
    return [one for one in of_workers if not one.getMessage().startswith("hydrofoil: ")]


def run(spark: SparkSession, function: Any, rows: int) -> None:
    made = F.udf(function, "bigint", useArrow=True)  # type: ignore[call-overload]
    spark.range(0, rows, 1, 2).select(made("id")).collect()


def test_log(spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    def tells(n: int) -> int:
        if n % 10 == 3:
            hydrofoil.log(f"row {n}", "ERROR" if n == 3 else logging.INFO)
        return n

    with caplog.at_level(logging.INFO, NAME):
        run(spark, tells, 20)
    found = sorted((r.levelname, r.getMessage()) for r in records(caplog))
    assert [level for level, _ in found] == ["ERROR", "INFO"]
    assert found[0][1].startswith("row 3 [partition 0, batch 0 (rows 0 to 9), stage ")
    assert found[1][1].startswith("row 13 [partition 1, batch 0 (rows 0 to 9), stage ")
    assert ", executor " in found[0][1]


def test_too_many(spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    def tells(n: int) -> int:
        hydrofoil.log(n, "WARNING")
        return n

    run(spark, tells, 2 * (MOST_RECORDS + 25))
    messages = [r.getMessage() for r in records(caplog)]
    assert len(messages) == 2 * (MOST_RECORDS + 1)
    assert sum(m.startswith("25 more records were left out [partition ") for m in messages) == 2


def test_the_standard_module(spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    def tells(n: int) -> int:
        logging.getLogger("my.library").info("row %d", n)
        logging.getLogger("my.library").debug("never")
        return n

    with caplog.at_level(logging.INFO, NAME):
        run(spark, tells, 2)
        assert not records(caplog)
        with use_conf(spark, {LOGS_KEY: "true"}):
            run(spark, tells, 2)
        found = sorted(r.getMessage() for r in records(caplog))
        assert [m.partition(" [")[0] for m in found] == ["my.library: row 0", "my.library: row 1"]
        caplog.clear()
        with use_conf(spark, {LOGS_KEY: "error"}):
            run(spark, tells, 2)
        run(spark, tells, 2)
        assert not records(caplog)
    with (
        use_conf(spark, {LOGS_KEY: "loud"}),
        pytest.raises(Exception, match=f"{LOGS_KEY}='loud' is no level of logging"),
    ):
        run(spark, tells, 2)


def test_a_worker_of_functions_that_gets_rows_of_an_rdd(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    """What one task has asked for is not the next one's."""

    def tells(n: int) -> int:
        logging.getLogger("my.library").info("row %d", n)
        return os.getpid()

    def of_an_rdd(n: int) -> Any:
        return tells(n), logging.getLogger().level

    # Otherwise a variable tells the workers of both apart.
    simple = "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled"
    with (
        caplog.at_level(logging.INFO, NAME),
        use_conf(spark, {LOGS_KEY: "true", simple: "false"}),
        use_environment(spark, {"THE_WORKERS_OF": "an RDD, and of functions"}),
    ):
        made = F.udf(tells, "bigint")
        [row] = spark.range(0, 1, 1, 1).select(made("id")).collect()
        caplog.clear()
        found = spark.sparkContext.parallelize([0], 1).map(of_an_rdd).collect()
        assert not records(caplog)
    assert found == [(row[0], logging.WARNING)]


def test_sparks_own_table(spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    if not hasattr(getattr(spark, "tvf", None), "python_worker_logs"):
        pytest.skip("this version keeps no logs of workers")

    def tells(n: int) -> int:
        hydrofoil.log(f"row {n}")
        logging.getLogger("my.library").info("info %d", n)
        return n

    fresh = spark.newSession()
    settings = {"spark.sql.pyspark.worker.logging.enabled": "true", LOGS_KEY: "INFO"}
    with caplog.at_level(logging.INFO, NAME), use_conf(fresh, settings):
        run(fresh, tells, 2)
        found = fresh.tvf.python_worker_logs().select("logger", "level", "msg").collect()
    assert sorted(tuple(row) for row in found) == [
        ("hydrofoil.worker", "INFO", "row 0"),
        ("hydrofoil.worker", "INFO", "row 1"),
        ("my.library", "INFO", "info 0"),
        ("my.library", "INFO", "info 1"),
    ]
    assert not records(caplog)


def test_on_the_driver(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, NAME):
        hydrofoil.log("here")
    [record] = records(caplog)
    assert (record.levelname, record.getMessage()) == ("INFO", "here")
    with pytest.raises(UsageError, match="level='loud' is no level of logging"):
        hydrofoil.log("here", "loud")
