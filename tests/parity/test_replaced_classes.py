"""Functions that put classes of their own in the place of `datetime.datetime` and its like."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.harness import Parity, numbers

# Rows of one batch; the class is replaced in the first one, and seen from the second on.
BATCH = 3
ROWS = 3 * BATCH
CONF = {"spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH)}
ARGUMENTS = {
    "datetime.datetime": "timestamp_seconds(id), CAST(timestamp_seconds(id) AS TIMESTAMP_NTZ)",
    "datetime.date": "date_from_unix_date(id), array(date_from_unix_date(id))",
    "datetime.timedelta": "make_dt_interval(id), named_struct('a', make_dt_interval(0, 0, 0, id))",
    "decimal.Decimal": "CAST(id AS DECIMAL(10, 2)), map('a', CAST(id AS DECIMAL(20, 0)))",
}


def replace(name: str, *, back: bool = False) -> None:
    """Put a subclass in the class's place, or the class back."""
    import importlib

    # pyarrow imports it as soon as it makes an array, and it can't be imported afterwards.
    import pandas  # noqa: F401

    module = importlib.import_module(name.partition(".")[0])
    here = name.partition(".")[2]
    present = getattr(module, here)
    if back:
        # Workers are used again.
        setattr(module, here, getattr(module, f"original_{here}", present))
    else:
        setattr(module, f"original_{here}", present)
        setattr(module, here, type("Replaced", (present,), {}))


def described(value: Any) -> str:
    """A value's class at every level."""
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(map(described, value))})"
    if isinstance(value, dict):
        return f"dict({', '.join(map(described, value.values()))})"
    return f"{type(value).__name__} {value}"


def seen(spark: SparkSession, name: str) -> DataFrame:
    def look(i: int, *values: Any) -> str:
        if i == 0:
            replace(name)
        text = described(values)
        if i == ROWS - 1:
            replace(name, back=True)
        return text

    frame = numbers(spark, ROWS).selectExpr(f"struct(id, {ARGUMENTS[name]}) AS it").select("it.*")
    return frame.select(F.udf(look, "string", useArrow=True)(*frame.columns))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_are_of_the_class_that_stock_finds(parity: Parity, name: str) -> None:
    with parity.under(CONF):
        rows = parity.same_rows(lambda spark: seen(spark, name))
    if name == "datetime.datetime":
        # pyarrow looks this one up for each value.
        assert "Replaced" not in str(rows.values[:BATCH]) and "Replaced" in str(rows.values[BATCH:])


def test_results_are_checked_against_the_class_that_stock_finds(parity: Parity) -> None:
    def build(spark: SparkSession) -> DataFrame:
        def back(i: int) -> datetime.datetime:
            if i == 0:
                replace("datetime.datetime")
            return datetime.datetime.__base__(2024, 1, 2)  # type: ignore[call-arg, no-any-return]

        # The worker ends with the error.
        return numbers(spark, 2).select(F.udf(back, "timestamp_ntz", useArrow=True)("id"))

    parity.same_error(build)


@pytest.mark.parametrize("fails", [False, True], ids=["arguments", "results"])
def test_table_functions(parity: Parity, fails: bool) -> None:
    if not hasattr(F, "udtf"):
        pytest.skip("table functions came with Spark 3.5")

    class Look:
        def eval(self, i: int, t: datetime.datetime) -> Iterator[tuple[str, Any]]:
            if i == 0:
                replace("datetime.datetime")
            yield described(t), t if fails else None
            if i == ROWS - 1:
                replace("datetime.datetime", back=True)

    def build(spark: SparkSession) -> DataFrame:
        made = F.udtf(Look, returnType="s string, t timestamp_ntz", useArrow=True)
        spark.udtf.register("look", made)
        numbers(spark, ROWS).createOrReplaceTempView("numbers_of_look")
        return spark.sql(
            "SELECT l.* FROM numbers_of_look, "
            "LATERAL look(id, CAST(timestamp_seconds(id) AS TIMESTAMP_NTZ)) l"
        )

    with parity.under(CONF):
        parity.same(build)
