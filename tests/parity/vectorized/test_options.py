"""pandas' options that change what stock's conversions give, set for workers or by functions."""

from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.families import PANDAS, Family
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.views import see

# See tests/conftest.py.
ONE_IN = 4


@pytest.mark.parametrize("family", PANDAS, ids=str)
def test_strings_of_the_next_pandas(parity: Parity, family: Family) -> None:
    def build(spark: SparkSession) -> DataFrame:
        rows = numbers(spark, 6).selectExpr(
            "id % 2 k",
            "id n",
            "IF(id = 2, NULL, concat('s', id)) s",
            "struct(string(id) t, id u) v",
        )
        return family.observed(rows)

    with parity.under(environment={"PANDAS_FUTURE_INFER_STRING": "1"}):
        parity.same_rows(build)


@pytest.mark.skipif(int(pd.__version__[0]) >= 3, reason="pandas always copies on write")
@pytest.mark.parametrize("family", PANDAS, ids=str)
def test_columns_that_are_copied_when_written_to(parity: Parity, family: Family) -> None:
    def change(value: Any) -> str:
        try:
            if value.ndim == 2:
                value[["n", "m"]].values[:] = 0
                value = value["n"]
            value.values.flags.writeable = True
        except Exception as error:
            return repr(error)
        return "changed"

    def observe(*values: Any) -> str:
        last = values[-1]
        changed = list(map(change, last if isinstance(last, tuple) else [last]))
        return f"{changed} {see(*values)}"

    def build(spark: SparkSession) -> DataFrame:
        rows = numbers(spark, 6).selectExpr("id % 2 k", "id n", "id m", "id / 2 d", "string(id) s")
        return family.query(rows, family.texts(observe), "string")

    with parity.under(environment={"PANDAS_COPY_ON_WRITE": "1"}):
        parity.same_rows(build)


def infinity_is_missing() -> None:
    import warnings

    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pd.set_option("mode.use_inf_as_na", True)


# Workers of their own, for the option stays; pandas 3 has none.
OWN = {"HYDROFOIL_TEST": "use_inf_as_na"}
infinite = pytest.mark.skipif(int(pd.__version__[0]) >= 3, reason="pandas has no such option")


@infinite
@pytest.mark.parametrize("family", PANDAS, ids=str)
def test_infinity_that_is_missing(parity: Parity, family: Family) -> None:
    def unit(*values: Any) -> Any:
        infinity_is_missing()
        made = family.boxed([float("inf"), 1.0, float("-inf"), float("nan"), 2.0, 3.0], *values)
        return made.astype("float64") if family.result == "column" else made

    with parity.under(environment=OWN):
        parity.same_rows(
            lambda spark: family.query(numbers(spark, 6).selectExpr("1 k", "id n"), unit, "double")
        )


@infinite
@pytest.mark.parametrize("declared", ["double", "float", "array<double>", "struct<a:double>"])
def test_infinity_of_plain_functions(parity: Parity, declared: str) -> None:
    """Up to Spark 4.0 their results are a Series."""

    def function(number: int, text: str) -> Any:
        infinity_is_missing()
        result = (float("inf"), 1.0, float("nan"), -float("inf"))[number % 4]
        return {"a": [result], "s": (result,)}.get(declared[0], result)

    with parity.under(environment=OWN):
        parity.same_rows(
            lambda spark: numbers(spark, 8).select(
                udf(function, declared, useArrow=True)("id", F.expr("string(id)"))
            )
        )


def test_strings_of_the_next_pandas_in_plain_functions(parity: Parity) -> None:
    def function(text: Any) -> str:
        return repr(text)

    with parity.under(environment={"PANDAS_FUTURE_INFER_STRING": "1"}):
        parity.same_rows(
            lambda spark: numbers(spark, 8).select(
                udf(function, "string", useArrow=True)(F.expr("nullif(string(id), '3')"))
            )
        )
