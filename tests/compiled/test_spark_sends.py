"""What is sent to the JVM of a plain function: nothing more than before, unless it is asked for."""

import pickle
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil
from compiled.conftest import Both
from hydrofoil.compiling.asked import KEY
from hydrofoil.compiling.trailer import MAGIC, document_of
from hydrofoil.tools.parity.engines import use_conf

FACTOR = 3


def times(x):
    return x * FACTOR


def command(function: Any) -> bytes:
    """The bytes that the JVM has of a function."""
    made = getattr(function, "_spark", function)
    numbers = made._unwrapped._judf.func().command().mkString(",")
    return bytes(int(one) & 255 for one in numbers.split(","))


def kinds() -> dict[str, Any]:
    return {
        "pickled": F.udf(times, "bigint", useArrow=False),
        "arrow": F.udf(times, "bigint", useArrow=True),
        "decorator": hydrofoil.udf(times, "bigint"),
    }


def test_off_every_byte_is_stocks(both: Both) -> None:
    with both.stock():
        expected = {name: command(one) for name, one in kinds().items()}
    with both.compiled(), use_conf(both.spark, {KEY: "false"}):
        assert {name: command(one) for name, one in kinds().items()} == expected
    hydrofoil.disable(both.spark)
    with use_conf(both.spark, {KEY: "true"}):
        assert {name: command(one) for name, one in kinds().items()} == expected


def test_on_the_document_is_behind_stocks_bytes(both: Both) -> None:
    with both.stock():
        expected = {name: command(one) for name, one in kinds().items()}
    with both.compiled():
        for name, one in kinds().items():
            found = command(one)
            assert found.startswith(expected[name]) and found.endswith(MAGIC)
            document = document_of(found)
            assert document is not None
            assert document["body"] == ["bin", "*", ["arg", 0], ["const", "int", "3"]]
            assert document["asked"] is False
            assert pickle.loads(found)[0](2) == 6


def test_values_are_those_of_when_it_is_pickled(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "FACTOR", 5)
    with both.compiled():
        one = F.udf(times, "bigint")
        monkeypatch.setitem(globals(), "FACTOR", 7)
        document = document_of(command(one))
        monkeypatch.setitem(globals(), "FACTOR", 9)
        assert document is not None and document["body"][3] == ["const", "int", "7"]
        assert both.spark.range(2).select(one("id")).collect()[1][0] == 7


def test_one_by_one(both: Both) -> None:
    def plus(x):
        return x + 1

    def minus(x):
        return x - 1

    with both.compiled(), use_conf(both.spark, {KEY: "false"}):
        asked = document_of(command(hydrofoil.udf(plus, "bigint", compile=True)))
        assert asked is not None and asked["asked"] is True
        assert document_of(command(hydrofoil.udf(times, "bigint"))) is None
    with both.compiled():
        assert document_of(command(hydrofoil.udf(times, "bigint"))) is not None
        assert document_of(command(hydrofoil.udf(minus, "bigint", compile=False))) is None


def test_what_is_no_plain_function_of_its_arguments(both: Both) -> None:
    with both.compiled():
        assert document_of(command(F.udf(times, "bigint").asNondeterministic())) is None

        @F.pandas_udf("bigint")
        def series(x: pd.Series) -> pd.Series:
            return x

        assert document_of(command(series)) is None


def test_why_it_is_not_translated_is_sent(both: Both) -> None:
    def prints(x):
        print(x)
        return x

    with both.compiled():
        document = document_of(command(F.udf(prints, "bigint")))
        assert document is not None and "body" not in document
        assert document["name"] == "prints"
        assert document["reason"].startswith("a call of print, which is not known to be pure")


def test_a_registered_function(both: Both, spark: SparkSession) -> None:
    with both.compiled():
        spark.udf.register("times_of_sql", times, "bigint")
        frame = spark.sql("SELECT times_of_sql(id) FROM range(3)")
        assert "CompiledUdf" in str(frame._jdf.queryExecution().executedPlan().toString())
        assert [row[0] for row in frame.collect()] == [0, 3, 6]


def test_a_command_that_is_broadcast(both: Both) -> None:
    """A pickle that is too long is a broadcast's, behind which the document is, too."""
    table = {str(i): f"{i:01000}" for i in range(1500)}

    def look_up(s):
        return len(table) + s

    with both.compiled():
        one = F.udf(look_up, "bigint")
        found = command(one)
        assert len(found) < 10_000 and document_of(found) is not None
        frame = both.spark.range(2).select(one("id"))
        assert [row[0] for row in frame.collect()] == [1500, 1501]
