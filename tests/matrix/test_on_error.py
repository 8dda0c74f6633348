"""Functions that go on without a row, and log, on every version: reports reach the driver."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.reports.logs import NAME
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine


def parse(n: int) -> int:
    if n % 50 == 3:
        hydrofoil.log(f"no {n}", "WARNING")
        raise ValueError(n)
    return n


def each(n: np.ndarray) -> NDArray[np.int64]:
    return np.array([parse(one) for one in n.tolist()])


def by(kind: str, **arguments: Any) -> Any:
    if kind == "numpy":
        return hydrofoil.numpy_udf(each, **arguments)
    return hydrofoil.udf(parse, useArrow=kind == "arrow", **arguments)


@pytest.mark.parametrize("kind", ["pickled", "arrow", "numpy"])
def test_rows_that_fail(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    table = str(tmp_path / "table")
    data = spark.range(0, 200, 1, 2)
    made = by(kind, on_error="quarantine", quarantine=table)
    with use_engine(spark, HYDROFOIL):
        results = [row[0] for row in data.select(made("id")).collect()]
    assert results == [None if n % 50 == 3 else n for n in range(200)]
    rows = spark.read.parquet(table).select("partition", "row", "error", "arguments").collect()
    assert sorted(tuple(row) for row in rows) == [
        (n // 100, n % 100, "ValueError", f'{{"n": {n}}}') for n in (3, 53, 103, 153)
    ]
    assert hydrofoil.failed_rows(spark)[-1].errors == {"ValueError": 4}
    messages = {record.getMessage() for record in caplog.records if record.name == NAME}
    logged = {message.partition(" [")[0] for message in messages}
    assert {"no 3", "no 53", "no 103", "no 153"} <= logged
    name = "each" if kind == "numpy" else "parse"
    said = f"hydrofoil: 4 rows of 200 failed in {name} (ValueError 4), in table {table}"
    assert said in messages
    with (
        use_engine(spark, HYDROFOIL),
        caplog.at_level(logging.CRITICAL, NAME),
        pytest.raises(Exception, match="more than max_errors=3"),
    ):
        data.select(by(kind, on_error="null", max_errors=3)("id")).collect()
