"""Functions that go on without a row: what comes instead, and what is said of it."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.reports.failed import FailedRows
from hydrofoil.reports.policy import MAX_ERRORS_KEY, ON_ERROR_KEY, TABLE_KEY
from hydrofoil.reports.received import Received
from hydrofoil.spark.versions import installed_minor
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine, use_conf, use_engine
from tests.failures.ui import shown

ARROW_KEY = "spark.sql.execution.pythonUDF.arrow.enabled"
# Of a thousand rows in two partitions, with the row of its partition for each.
BAD = {7: 7, 250: 250, 501: 1, 502: 2, 999: 499}


@pytest.fixture(autouse=True)
def hydrofoils_workers(spark: SparkSession) -> Iterator[None]:
    with use_engine(spark, HYDROFOIL):
        yield


@pytest.fixture
def thousand(spark: SparkSession) -> DataFrame:
    """Numbers as text, but for `BAD`."""
    data = spark.range(0, 1000, 1, 2)
    text = F.col("id").cast("string")
    return data.select("id", F.when(F.col("id").isin(list(BAD)), "x").otherwise(text).alias("s"))


@pytest.fixture
def table(tmp_path: Path) -> str:
    return str(tmp_path / "quarantine")


def parse(s: str, n: int) -> int:
    if n == 502:
        raise KeyError(n)
    return int(s)


LINE = parse.__code__.co_firstlineno


def columns(*series: Any) -> Any:
    """`parse` for whole columns of any kind."""
    return [parse(s, int(n)) for s, n in zip(*series, strict=True)]


def results(df: DataFrame, made: Column) -> dict[int, Any]:
    return {row.id: row.made for row in df.select("id", made.alias("made")).collect()}


def nearly_all() -> dict[int, Any]:
    return {i: None if i in BAD else i for i in range(1000)}


def newest(spark: SparkSession) -> FailedRows:
    return hydrofoil.failed_rows(spark)[-1]


def quarantined(spark: SparkSession, table: str) -> list[Row]:
    return spark.read.parquet(table).orderBy("partition", "row").collect()


# --- Rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [HYDROFOIL, WARM_STOCK], ids=["hydrofoil", "stock"])
@pytest.mark.parametrize("arrow", [False, True], ids=["pickled", "arrow"])
def test_quarantine(
    spark: SparkSession,
    thousand: DataFrame,
    table: str,
    caplog: pytest.LogCaptureFixture,
    arrow: bool,
    engine: Any,
) -> None:
    made = hydrofoil.udf(parse, useArrow=arrow, on_error="quarantine", quarantine=table)
    with use_engine(spark, engine), caplog.at_level(logging.WARNING, "hydrofoil.worker"):
        assert results(thousand, made("s", "id")) == nearly_all()
    rows = quarantined(spark, table)
    found = [(row.partition, row.row, row.error, json.loads(row.arguments)) for row in rows]
    assert found == [
        (i // 500, at, "KeyError" if i == 502 else "ValueError", {"s": "x", "n": i})
        for i, at in BAD.items()
    ]
    assert {(row.function, row.file, row.line) for row in rows} == {("parse", __file__, LINE)}
    assert rows[0].message == "invalid literal for int() with base 10: 'x'"
    assert "return int(s)" in rows[0].traceback and "skipping.py" not in rows[0].traceback
    assert {row.application for row in rows} == {spark.sparkContext.applicationId}
    counts = newest(spark)
    assert (counts.failed, counts.rows, counts.table) == (5, 1000, table)
    assert counts.errors == {"ValueError": 4, "KeyError": 1}
    assert {row.query for row in rows} == {counts.query}
    said = "5 rows of 1,000 failed in parse (ValueError 4, KeyError 1), in table"
    assert sum(said in message for message in caplog.messages) == 1


@pytest.mark.skipif(installed_minor() == "3.5", reason="the JVM's half needs Spark 4")
def test_the_ui_has_the_counts(spark: SparkSession, thousand: DataFrame) -> None:
    first = hydrofoil.udf(parse, useArrow=True, on_error="null")
    columnar = Engine("hydrofoil, columnar", "hydrofoil.daemon", columnar=True)
    with use_engine(spark, columnar):
        results(thousand, first("s", "id"))
    assert shown(spark, "rows that failed", newest(spark).query) == ["5"]


def test_chained_and_side_by_side(spark: SparkSession, thousand: DataFrame, table: str) -> None:
    def half(n: int) -> int:
        return n // 2 if n % 2 == 0 else 1 // 0

    first = hydrofoil.udf(parse, on_error="null")
    second = hydrofoil.udf(half, on_error="quarantine", quarantine=table)
    numbers = thousand.where("id < 4 or id between 498 and 503")
    got = numbers.select("id", second(first("s", "id")).alias("chain"), second("id").alias("lone"))
    rows = {row.id: (row.chain, row.lone) for row in got.collect()}
    # The second function is given the first one's null, and fails for it.
    assert rows == {
        i: (None if i in BAD or i % 2 else i // 2, None if i % 2 else i // 2) for i in rows
    }
    found = {(row.partition, row.row, row.error) for row in quarantined(spark, table)}
    assert (1, 2, "TypeError") in found and (1, 2, "ZeroDivisionError") not in found
    assert len(quarantined(spark, table)) == 5 + 6


def test_by_setting(spark: SparkSession, thousand: DataFrame, table: str) -> None:
    plain = F.udf(parse, "bigint")
    kept = hydrofoil.udf(parse, on_error="raise")
    for setting in ("parse=null", f"{__name__}.parse=null, *=raise", "other=raise,*=null", "null"):
        with use_conf(spark, {ON_ERROR_KEY: setting}):
            assert results(thousand, plain("s", "id")) == nearly_all(), setting
            with pytest.raises(Exception, match="invalid literal for int"):
                results(thousand, kept("s", "id"))
    with use_conf(spark, {ON_ERROR_KEY: "parse=quarantine", TABLE_KEY: table, ARROW_KEY: "true"}):
        assert results(thousand, plain("s", "id")) == nearly_all()
    assert len(quarantined(spark, table)) == 5
    for setting in ("", "other=null", "parse=raise,*=null"):
        with (
            use_conf(spark, {ON_ERROR_KEY: setting}),
            pytest.raises(Exception, match="invalid literal for int"),
        ):
            results(thousand, plain("s", "id"))


def test_settings_that_cant_be_followed(spark: SparkSession, thousand: DataFrame) -> None:
    plain = F.udf(parse, "bigint")

    def doubled(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        yield from batches

    for setting, said in [
        ("parse=ignore", "'ignore' is none of 'raise', 'null', 'quarantine'"),
        ("parse=quarantine", "has no table to put rows in"),
    ]:
        with use_conf(spark, {ON_ERROR_KEY: setting}), pytest.raises(Exception, match=said):
            results(thousand, plain("s", "id"))
    with use_conf(spark, {ON_ERROR_KEY: "*=null"}):
        assert thousand.mapInPandas(doubled, thousand.schema).count() == 1000
    with (
        use_conf(spark, {ON_ERROR_KEY: "doubled=null"}),
        pytest.raises(Exception, match=r"names doubled\(\), which can't go on"),
    ):
        thousand.mapInPandas(doubled, thousand.schema).count()


def test_results_that_cant_be_converted(
    spark: SparkSession, thousand: DataFrame, table: str
) -> None:
    def day(n: int) -> Any:
        return "no day" if n in BAD else None

    # Up to Spark 4.0 PySpark converts results that are declared to be binary twice.
    for kind, arrow in (("date", False), ("array<date>", True), ("binary", True)):
        made = hydrofoil.udf(
            day, kind, useArrow=arrow, on_error="quarantine", quarantine=f"{table}-{kind}"
        )
        assert set(results(thousand, made("id")).values()) == {None}
        rows = quarantined(spark, f"{table}-{kind}")
        assert [(row.partition, row.row) for row in rows] == [
            (i // 500, at) for i, at in BAD.items()
        ]
        assert {row.arguments for row in rows} == {'{"result": "no day"}'}


@pytest.mark.parametrize("error", [StopIteration, MemoryError])
def test_what_is_not_taken(
    spark: SparkSession, thousand: DataFrame, error: type[Exception]
) -> None:
    def fails(n: int) -> int:
        raise error("not a row's")

    made = hydrofoil.udf(fails, on_error="null")
    with pytest.raises(Exception, match=error.__name__):
        results(thousand, made("id"))


def test_values_are_left_out(spark: SparkSession, thousand: DataFrame, table: str) -> None:
    def fails(n: int) -> int:
        os.environ["HYDROFOIL_SHOW_VALUES"] = "off"
        if n in BAD:
            raise ValueError
        del os.environ["HYDROFOIL_SHOW_VALUES"]
        return n

    made = hydrofoil.udf(fails, on_error="quarantine", quarantine=table)
    # Not with the last row, behind which nothing would show values again.
    results(thousand.where("id < 999"), made("id"))
    assert [row.arguments for row in quarantined(spark, table)] == [None] * 4


# --- The bound ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "said"),
    [
        # In a task alone: its second partition has three.
        (2, r"3 rows have failed in parse \(.*test_on_error.py:\d+\) up to row 499 of partition 1"),
        # By the last task to end.
        (
            4,
            r"5 rows of 1,000 failed in parse \(ValueError 4, KeyError 1\), more than max_errors=4",
        ),
        ("0.4%", "more than max_errors=0.4%: .*Error: .*; in table "),
        (5, ""),
        ("0.5%", ""),
    ],
)
def test_max_errors(
    spark: SparkSession, thousand: DataFrame, table: str, most: int | str, said: str
) -> None:
    made = hydrofoil.udf(parse, on_error="quarantine", quarantine=table, max_errors=most)
    if not said:
        assert results(thousand, made("s", "id")) == nearly_all()
        return
    with pytest.raises(Exception, match=said):
        results(thousand, made("s", "id"))
    if most == 4:
        plain = F.udf(parse, "bigint")
        with (
            use_conf(spark, {ON_ERROR_KEY: "*=null", MAX_ERRORS_KEY: "4"}),
            pytest.raises(Exception, match="more than max_errors=4"),
        ):
            thousand.select(plain("s", "id").alias("n")).groupBy("n").count().collect()


def test_a_table_that_cant_be_written(spark: SparkSession, thousand: DataFrame) -> None:
    made = hydrofoil.udf(parse, on_error="quarantine", quarantine="nosuch://files/table")
    with pytest.raises(Exception, match="can't be written to the quarantine table nosuch://"):
        results(thousand, made("s", "id"))


# --- Partitions that are computed again -----------------------------------------------------------


def reported(task: int, rows: list[int], table: str) -> dict[str, Any]:
    records = [("ValueError", "no", "", row, "{}") for row in rows]
    function = {
        **{"name": "f", "file": "f.py", "line": 3, "on_error": "quarantine", "table": table},
        **{"limit": (100, None), "rows": 10, "errors": {"ValueError": len(rows)}, "example": "no"},
        "records": records,
    }
    return {
        **{"execution": "77", "stage": 1 << 30, "partition": 3, "attempt": 0, "task": task},
        **{"host": "here", "time": 0.0, "functions": [function], "logs": [], "logs_left": 0},
    }


def test_a_partition_that_is_computed_again(spark: SparkSession, table: str) -> None:
    received = Received()
    received += [reported(1, [1, 2], table), reported(1, [5], table)]
    assert sorted(row.row for row in quarantined(spark, table)) == [1, 2, 5]
    received += [reported(2, [1, 2], table)]
    assert [row.row for row in quarantined(spark, table)] == [1, 2]
    (counts,) = received.queries()[77].values()
    assert (counts.rows, dict(counts.errors)) == (10, {"ValueError": 2})
    received += [reported(2, [5], table)]
    assert [row.row for row in quarantined(spark, table)] == [1, 2, 5]
    received += [reported(3, [], table)]
    assert os.path.isdir(table) and not list(Path(table).glob("[!.]*"))


def test_text_that_utf8_has_no_bytes_for(spark: SparkSession, table: str) -> None:
    """Such as the text of bytes that are none, by Python's ``surrogateescape``."""

    def told(b: bytes, i: int) -> str:
        text = b.decode("utf-8", "surrogateescape")
        if i == 1:
            raise ValueError(f"no number: {text}")
        return text

    data = spark.range(0, 4, 1, 1).withColumn("b", F.expr("if(id < 3, X'ff', X'61')"))
    asked = {"on_error": "quarantine", "quarantine": table, "useArrow": True}
    made = hydrofoil.udf(told, "string", **asked)
    assert results(data, made("b", "id")) == {0: None, 1: None, 2: None, 3: "a"}
    rows = quarantined(spark, table)
    assert [row.message for row in rows if row.error == "ValueError"] == [r"no number: \udcff"]
    shown = [json.loads(row.arguments) for row in rows]
    assert [one.get("result") for one in shown] == ["\udcff", None, "\udcff"]
    few = hydrofoil.udf(told, "string", **asked, max_errors="1%")
    with pytest.raises(Exception, match=r"more than max_errors=1%: ValueError: no number: \\udcff"):
        results(data, few("b", "id"))


@pytest.mark.parametrize("columnar", [False, True], ids=["Spark's operator", "the JVM's half"])
def test_rows_that_are_sorted_by_their_results(
    spark: SparkSession, thousand: DataFrame, table: str, columnar: bool
) -> None:
    """Spark runs the functions for a sample first, and then once more."""
    if columnar and installed_minor() == "3.5":
        pytest.skip("the JVM's half needs Spark 4")
    made = hydrofoil.udf(
        parse, useArrow=True, on_error="quarantine", quarantine=table, max_errors=len(BAD)
    )
    with use_engine(spark, Engine("hydrofoil", "hydrofoil.daemon", columnar=columnar)):
        got = thousand.select("id", made("s", "id").alias("made")).orderBy("made").collect()
        assert {row.id: row.made for row in got} == nearly_all()
    assert [(row.partition, row.row) for row in quarantined(spark, table)] == [
        (i // 500, at) for i, at in BAD.items()
    ]
    counts = newest(spark)
    assert (counts.failed, counts.rows) == (len(BAD), 1000)


# --- Columns --------------------------------------------------------------------------------------


def of_pandas(s: pd.Series, n: pd.Series) -> Annotated[pd.Series, int]:
    return pd.Series(columns(s, n))


def of_arrow(s: pa.Array, n: pa.Array) -> Annotated[pa.Array, int]:
    return pa.array(columns(s.to_pylist(), n.to_pylist()))


def of_numpy(s: np.ndarray, n: np.ndarray) -> NDArray[np.int64]:
    return np.array(columns(s, n))


@pytest.mark.parametrize(
    ("decorator", "function"),
    [
        (hydrofoil.pandas_udf, of_pandas),
        (hydrofoil.arrow_udf, of_arrow),
        (hydrofoil.numpy_udf, of_numpy),
    ],
    ids=["pandas", "arrow", "numpy"],
)
def test_columns(
    spark: SparkSession,
    thousand: DataFrame,
    table: str,
    decorator: Callable[..., Any],
    function: Callable[..., Any],
) -> None:
    made = decorator(function, on_error="quarantine", quarantine=table)
    with use_conf(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "100"}):
        assert results(thousand, made("s", "id")) == nearly_all()
    rows = quarantined(spark, table)
    assert [(row.partition, row.row, json.loads(row.arguments)) for row in rows] == [
        (i // 500, at, {"s": "x", "n": i}) for i, at in BAD.items()
    ]
    code = function.__code__
    assert {(row.function, row.file, row.line) for row in rows} == {
        (function.__name__, __file__, code.co_firstlineno)
    }
    assert newest(spark).errors == {"ValueError": 4, "KeyError": 1}


def test_columns_by_setting(spark: SparkSession, thousand: DataFrame) -> None:
    def both(n: pd.Series) -> pd.DataFrame:
        if n.isin(list(BAD)).any():
            raise ValueError("bad")
        return pd.DataFrame({"n": n, "day": pd.Timestamp("2026-01-01")})

    def all_bad(n: pd.Series) -> pd.Series:
        raise ValueError("bad")

    struct = F.pandas_udf(both, "n bigint, day timestamp_ntz")  # type: ignore[call-overload]
    none = F.pandas_udf(all_bad, "string")  # type: ignore[call-overload]
    with use_conf(spark, {ON_ERROR_KEY: "*=null"}):
        found = results(thousand, struct("id"))
        assert {i: row.n for i, row in found.items()} == nearly_all()
        assert set(results(thousand.limit(9), none("id")).values()) == {None}


def test_results_of_halves_fit_together(spark: SparkSession, thousand: DataFrame) -> None:
    """Data frames whose columns have no names, and arrays whose types depend on the rows."""

    def by_place(n: pd.Series) -> pd.DataFrame:
        if n.isin(list(BAD)).any():
            raise ValueError("bad")
        return pd.DataFrame([[int(i), f"v{i}"] for i in n])

    def halves(s: pa.Array, n: pa.Array) -> Annotated[pa.Array, float]:
        numbers = columns(s.to_pylist(), n.to_pylist())
        return pa.array([i if i < 5 else i / 2 for i in numbers])

    struct = F.pandas_udf(by_place, "n bigint, v string")  # type: ignore[call-overload]
    few = thousand.where("id < 20")
    with use_conf(spark, {ON_ERROR_KEY: "by_place=null"}):
        found = {i: (row.n, row.v) for i, row in results(few, struct("id")).items()}
    assert found == {i: (None, None) if i in BAD else (i, f"v{i}") for i in range(20)}
    made = hydrofoil.arrow_udf(halves, on_error="null")
    expected = {i: None if i in BAD else i if i < 5 else i / 2 for i in range(20)}
    assert results(few, made("s", "id")) == expected


@pytest.mark.skipif(
    not hasattr(F, "arrow_udf"), reason="before Spark 4.1 columns come to arrays by way of pandas"
)
def test_values_that_python_has_not(spark: SparkSession, table: str) -> None:
    def years(day: pa.Array) -> Annotated[pa.Array, int]:
        return pa.array([one.year for one in day.to_pylist()])

    made = hydrofoil.arrow_udf(years, on_error="quarantine", quarantine=table)
    data = spark.range(0, 4, 1, 1).withColumn("day", F.expr("date_add(date'0000-12-30', int(id))"))
    assert results(data, made("day")) == {0: None, 1: None, 2: 1, 3: 1}
    shown = [json.loads(row.arguments)["day"] for row in quarantined(spark, table)]
    assert shown == ["<date32[day]: date value out of range>"] * 2


def test_groups(spark: SparkSession, thousand: DataFrame, table: str) -> None:
    def counted(key: tuple[Any, ...], frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"k": [key[0]], "n": [sum(map(int, frame.s))]})

    def total(s: pd.Series) -> int:
        return sum(map(int, s))

    def both(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        return counted((left.k[0],), left)

    keyed = thousand.withColumn("k", F.floor(F.col("id") / 100))
    groups = keyed.groupBy("k")
    sums = {k: sum(range(100 * k, 100 * k + 100)) for k in (1, 3, 4, 6, 7, 8)}
    named = ("counted", "total", "both")
    setting = {ON_ERROR_KEY: ",".join(f"{name}=quarantine" for name in named), TABLE_KEY: table}
    with use_conf(spark, setting):
        got = groups.applyInPandas(counted, "k bigint, n bigint").collect()
        assert {row.k: row.n for row in got} == sums
        rows = spark.read.parquet(table).collect()
        assert {json.loads(row.arguments)["key"][0] for row in rows} == {0, 2, 5, 9}
        assert json.loads(rows[0].arguments)["rows"] == 100
        assert {row.function for row in rows} == {"counted"}
        pair = groups.cogroup(keyed.groupBy("k")).applyInPandas(both, "k bigint, n bigint")
        assert {row.k: row.n for row in pair.collect()} == sums
        values = groups.agg(F.pandas_udf(total, "bigint")("s").alias("n")).collect()
        assert {row.k: row.n for row in values} == {k: sums.get(k) for k in range(10)}
    assert newest(spark).failed == 4
    with use_conf(spark, {ON_ERROR_KEY: "*=null"}), pytest.raises(Exception, match="invalid lit"):
        groups.applyInPandas(counted, "k bigint, n bigint").collect()


def test_kinds_without_rows() -> None:
    def sums(x: pd.Series) -> float:
        return float(x.sum())

    def each(x: Iterator[pd.Series]) -> Iterator[pd.Series]:
        yield from x

    for function in (sums, each):
        with pytest.raises(UsageError, match="on_error= is for functions that return a row for"):
            hydrofoil.pandas_udf(function, "double", on_error="null")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"on_error": "ignore"}, "none of 'raise', 'null', 'quarantine'"),
        ({"quarantine": "t"}, "quarantine= has no meaning without on_error="),
        ({"max_errors": 5}, "max_errors= has no meaning without on_error="),
        ({"on_error": "null", "quarantine": "t"}, "no meaning with on_error='null'"),
        ({"on_error": "null", "max_errors": "some"}, "max_errors='some' is no number of rows"),
        ({"on_error": "null", "max_errors": "101%"}, "max_errors='101%' is no number of rows"),
        ({"on_error": "null", "max_errors": True}, "max_errors=True is no number of rows"),
    ],
)
def test_mistakes(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        hydrofoil.udf(parse, **arguments)
