"""Rows of a Spark Connect client: of the same tables as PySpark's own conversion makes them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from driver.columns import COLUMNS, query
from driver.conftest import outcome
from driver.exactly import exactly
from hydrofoil.driver.connect import make_convert
from hydrofoil.spark.versions import installed_version

# `make parity` runs them all.
ONE_IN = 3

version = installed_version()
assert version is not None
if not version.clients_convert_as_workers:
    pytest.skip("the client of this version converts differently", allow_module_level=True)

from pyspark.sql.conversion import ArrowTableToRowsConversion  # noqa: E402  # not on all versions


@pytest.fixture(scope="module", autouse=True, params=["UTC", "America/New_York"])
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("name", COLUMNS)
def test_types(spark: SparkSession, name: str) -> None:
    df = spark.sql(query(name))
    table, original = df.toArrow(), ArrowTableToRowsConversion.convert
    left: list[Any] = []

    def stock(*given: Any, **how: Any) -> Any:
        left.append(given)
        return original(*given, **how)

    ours = outcome(lambda: make_convert(stock)(table, df.schema))
    assert exactly(ours) == exactly(outcome(lambda: original(table, df.schema)))
    # What Python can't hold, and decimals whose zeros pyarrow writes in its own way.
    assert bool(left) == (name in ("not UTF-8", "date of year 0") or " of year " in name)
