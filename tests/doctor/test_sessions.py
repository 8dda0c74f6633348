"""hydrofoil.doctor: the checks of a session that runs."""

from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.tools.checkup.finding import Level
from hydrofoil.tools.parity.engines import HYDROFOIL, use_conf, use_engine


def test_running_session(spark: SparkSession) -> None:
    with use_engine(spark, HYDROFOIL):
        examination = hydrofoil.doctor(spark)
    assert {process.worker for process, _ in examination.executors} == {"hydrofoil"}
    assert not [f for f in examination.findings if f.level is Level.BROKEN]
    (daemon,) = [f for f in examination.findings if f.check == "daemon"]
    assert daemon.found == "spark.python.daemon.module=hydrofoil.daemon (this session)"
    assert examination.headline in str(examination) and "pyarrow" in str(examination)
    assert "<table" in examination._repr_html_()


def test_session_of_stocks(spark: SparkSession) -> None:
    key = "spark.sql.execution.arrow.maxRecordsPerBatch"
    with use_conf(spark, {key: "10"}):
        examination = hydrofoil.doctor()
    assert examination.exit_code == 1
    warnings = [f.found for f in examination.findings if f.level is Level.WARNING]
    assert any("stock PySpark runs" in found for found in warnings)
    assert any(key in found for found in warnings)
    assert {process.worker for process, _ in examination.executors} == {"stock"}
