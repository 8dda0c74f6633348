"""Many small tasks in few workers: what one leaves behind is not in the next."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PythonException
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf, udf

from hydrofoil.tools.parity.engines import HYDROFOIL, Engine, use_engine
from hydrofoil.tools.parity.harness import Parity

TASKS, ROWS = 20, 3
GLOBAL: list[int] = []


def counting() -> Callable[[Any], list[int]]:
    """A function with state in closure, defaults and globals, which returns their sizes."""
    closed: list[int] = []

    def count(value: Any, kept: list[int] = []) -> list[int]:  # noqa: B006
        for state in (closed, kept, GLOBAL):
            state.append(1)
        return [len(closed), len(kept), len(GLOBAL)]

    return count


def made(kind: str) -> Any:
    count = counting()
    if kind == "pandas":

        @pandas_udf("array<int>")  # type: ignore[call-overload, untyped-decorator]
        def counted(values: pd.Series) -> pd.Series:
            return pd.Series([count(value) for value in values])

        return counted
    return udf(count, "array<int>", useArrow=kind == "arrow")


@pytest.mark.parametrize("kind", ["arrow", "pickled", "pandas"])
def test_a_functions_state_is_new_in_each_task(parity: Parity, kind: str) -> None:
    expected = TASKS * [[n, n, n] for n in range(1, ROWS + 1)]
    for engine in (parity.left, parity.right):
        with use_engine(parity.spark, engine):
            data = parity.spark.range(0, TASKS * ROWS, 1, TASKS)
            counts = data.select(made(kind)("id").alias("r"))
            for _ in range(2):  # The same function, in workers that have had it.
                assert [row.r for row in counts.collect()] == expected, engine.name


def failing(spark: SparkSession, engine: Engine) -> tuple[str, list[Any]]:
    """How one of many tasks fails, and what the workers answer afterwards."""
    with use_engine(spark, engine):
        data = spark.range(0, TASKS * ROWS, 1, TASKS)
        with pytest.raises(PythonException) as raised:
            data.select(udf(lambda x: 1 // (x - 25), "long")("id")).collect()
        text = str(raised.value)
        error = next(line for line in text.splitlines() if line.startswith("ZeroDivisionError"))
        after = data.select(udf(lambda x: x + 1, "long")("id"))
        try:
            return error, after.collect()
        except Py4JJavaError:
            # Spark may end stock's daemon meanwhile: see hydrofoil.deaths.replaced.
            assert engine != HYDROFOIL
            return error, after.collect()


def test_an_error_in_one_of_many(parity: Parity) -> None:
    assert failing(parity.spark, parity.left) == failing(parity.spark, parity.right)
