"""Grouped functions in all sorts of queries: types, keys, errors, settings, and what is left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grouped_functions
import pandas as pd
import pyarrow as pa
import pytest
from grouped_compare import GroupedComparison
from grouped_functions import LINE, arrow, mean, of_table, pandas
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import HYDROFOIL, use_conf, use_core_conf, use_engine
from hydrofoil.tools.parity.harness import Rows

# Every so many cases of each test, unless HYDROFOIL_PARITY=full: see tests/conftest.py.
ONE_IN = 3

cloudpickle.register_pickle_by_value(grouped_functions)

# A null in some rows, and something that differs from row to row in the others.
COLUMNS = {
    "bool": "id % 2 = 0",
    "byte": "cast(id AS tinyint)",
    "short": "cast(id AS smallint)",
    "int": "cast(id AS int)",
    "long": "id",
    "float": "cast(id / 3 AS float)",
    "double": "id / 7",
    "decimal": "cast(id / 3 AS decimal(38, 18))",
    "small decimal": "cast(id / 3 AS decimal(7, 2))",
    "string": "concat('né', repeat('x', int(id % 9)))",
    "binary": "cast(concat('b', id) AS binary)",
    "date": "date_add(DATE'2020-02-27', int(id))",
    "timestamp": "timestamp_micros(id * 1234567891)",
    "timestamp_ntz": "cast(timestamp_micros(id * 1234567891) AS timestamp_ntz)",
    "day-time interval": "make_dt_interval(int(id), 1, 2, 3.5)",
    "array": "sequence(1, int(id % 4 + 1))",
    "array of strings": "transform(sequence(1, int(id % 3 + 1)), x -> if(x = 2, NULL, string(x)))",
    "array of structs": "array(struct(id AS x), if(id % 2 = 0, NULL, struct(id AS x)))",
    "map": "map(string(id), id, 'k', NULL)",
    "struct": "struct(id AS x, if(id % 4 = 1, NULL, struct(string(id) AS y)) AS z)",
    "struct of equal names": "struct(id AS x, id + 1 AS x)",
    "empty struct of nulls": "struct(cast(NULL AS string) AS a)",
}


def typed(spark: SparkSession, expression: str) -> DataFrame:
    return spark.range(0, 60, 1, 1).selectExpr(
        "id div 4 AS k", f"if(id % 5 = 2 OR id div 4 = 3, NULL, {expression}) AS c", "id AS v"
    )


def table_itself(table: pa.Table) -> pa.Table:
    return table


def frame_itself(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def first_of_two(left: pa.Table, right: pa.Table) -> pa.Table:
    return left if left.num_rows else right


@pytest.mark.parametrize("name", COLUMNS)
def test_types(compare: GroupedComparison, name: str) -> None:
    def in_arrow(spark: SparkSession) -> DataFrame:
        data = typed(spark, COLUMNS[name])
        return data.groupBy("k").applyInArrow(table_itself, data.schema)

    def in_pandas(spark: SparkSession) -> DataFrame:
        data = typed(spark, COLUMNS[name])
        return data.groupBy("k").applyInPandas(frame_itself, data.schema)

    def paired(spark: SparkSession) -> DataFrame:
        data = typed(spark, COLUMNS[name])
        right = data.where("k % 4 > 1 AND v % 3 > 0").selectExpr("k + 1 AS k", "c", "v")
        pairs = data.where("k % 4 > 0").groupBy("k").cogroup(right.groupBy("k"))
        return pairs.applyInArrow(first_of_two, data.schema)

    compare.same(in_arrow)
    compare.same(paired)
    if not (LINE == (4, 0) and name == "struct of equal names"):  # The error tells addresses.
        compare.same(in_pandas)


KEYS = {
    "several": ["k", "s"],
    "a string": ["s"],
    "a struct": ["pair"],
    "an array": ["items"],
    "a double": ["d"],
    "none": [],
}


def keyed(spark: SparkSession) -> DataFrame:
    return spark.range(0, 90, 1, 1).selectExpr(
        "if(id % 7 = 0, NULL, id % 5) AS k",
        "if(id % 4 = 1, NULL, concat('s', id % 3)) AS s",
        "if(id % 6 = 1, NULL, struct(id % 2 AS a, if(id % 3 = 0, NULL, 'x') AS b)) AS pair",
        "array(id % 2, NULL) AS items",
        "CASE id % 4 WHEN 0 THEN 0.0D WHEN 1 THEN -0.0D WHEN 2 THEN double('NaN') END AS d",
        "id % 11 AS v",
        "id AS w",
    )


def with_key(key: Any, table: pa.Table) -> pa.Table:
    text = str([each.as_py() for each in key])
    return pa.table({"key": [text], "rows": [table.num_rows], "w": [str(table["w"].to_pylist())]})


@pytest.mark.parametrize("name", KEYS)
def test_keys(compare: GroupedComparison, name: str) -> None:
    columns = KEYS[name]

    def mapped(spark: SparkSession) -> DataFrame:
        answer = "key string, rows long, w string"
        return keyed(spark).groupBy(*columns).applyInArrow(with_key, answer)

    def aggregated(spark: SparkSession) -> DataFrame:
        return keyed(spark).groupBy(*columns).agg(pandas(mean, "double")("w").alias("m"))

    compare.same_rows(mapped)
    compare.same_rows(aggregated, ours=bool(columns))


def test_key_that_is_an_expression(compare: GroupedComparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        groups = keyed(spark).groupBy((F.col("v") % 3).alias("third"))
        return groups.agg(pandas(mean, "double")(F.col("w") + F.col("v")).alias("m"))

    compare.same_rows(build)


def test_results_join_what_stands_around_them(compare: GroupedComparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        means = (
            keyed(spark)
            .groupBy("v")
            .agg(
                (pandas(mean, "double")("w") * 2 + F.col("v")).alias("m"),
                pandas(mean, "double")("v").alias("n"),
            )
        )
        joined = keyed(spark).join(means, "v").where("m > 20").orderBy("w")
        return joined.selectExpr("v", "w", "m", "n")

    compare.same_rows(build, spark__sql__adaptive__enabled=True)


# --- Calls ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["pandas", "arrow", "aggregate"])
def test_each_group_once_and_in_order(compare: GroupedComparison, tmp_path: Path, how: str) -> None:
    log = tmp_path / "calls"

    def noted(frame: Any) -> Any:
        with log.open("a") as file:
            file.write(f"{int(frame['k'][0])}\n")
        return frame

    def noted_value(k: pd.Series) -> float:
        with log.open("a") as file:
            file.write(f"{int(k.iloc[0])}\n")
        # A whole number is not what is declared, so stock has to convert it.
        return int(k.iloc[0]) if k.iloc[0] % 3 == 0 else float(k.iloc[0])

    def build(spark: SparkSession) -> DataFrame:
        log.unlink(missing_ok=True)
        data = spark.range(0, 900, 1, 1).selectExpr("id div 3 AS k", "id AS v").coalesce(1)
        if how == "pandas":
            return data.groupBy("k").applyInPandas(noted, data.schema)
        if how == "arrow":
            return data.groupBy("k").applyInArrow(noted, data.schema)
        return data.groupBy("k").agg(pandas(noted_value, "double")("k").alias("n"))

    with use_conf(compare.spark, {"spark.sql.shuffle.partitions": "1"}):
        outcome = compare.under_ours(build)
    assert isinstance(outcome, Rows), outcome.message
    assert log.read_text().split() == list(map(str, range(300)))


@pytest.mark.parametrize("group", [0, 1, 137, 299])
def test_errors(compare: GroupedComparison, group: int) -> None:
    def failing(frame: pd.DataFrame) -> pd.DataFrame:
        if frame["k"].iloc[0] == group:
            raise ValueError(f"not group {group}")
        return frame

    def failing_table(table: pa.Table) -> Any:
        return "no table" if table["k"][0].as_py() == group else table

    def failing_value(k: pd.Series) -> Any:
        return "no number" if k.iloc[0] == group else 1.5

    def data(spark: SparkSession) -> DataFrame:
        return spark.range(0, 900, 1, 1).selectExpr("id div 3 AS k", "id AS v")

    with use_conf(compare.spark, {"spark.sql.shuffle.partitions": "1"}):
        compare.same_error(
            lambda spark: data(spark).groupBy("k").applyInPandas(failing, "k long, v long"),
            off=group == 137,
        )
        compare.same_error(
            lambda spark: data(spark).groupBy("k").applyInArrow(failing_table, "k long, v long")
        )
        compare.same_error(
            lambda spark: data(spark).groupBy("k").agg(pandas(failing_value, "double")("k"))
        )


def test_error_below(compare: GroupedComparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        data = spark.range(0, 900, 1, 1).selectExpr("id div 3 AS k", "id AS v")
        failing = data.selectExpr("k", "if(v = 700, raise_error('row 700'), v) AS v")
        return failing.groupBy("k").applyInArrow(table_itself, "k long, v long")

    compare.same_error(build)


@pytest.mark.parametrize("rows", [1, 5])
def test_rows_that_are_not_asked_for(compare: GroupedComparison, rows: int) -> None:
    def build(spark: SparkSession) -> DataFrame:
        data = spark.range(0, 30_000, 1, 1).selectExpr("id div 3 AS k", "id AS v")
        return data.groupBy("k").applyInArrow(table_itself, "k long, v long").limit(rows)

    with use_conf(compare.spark, {"spark.sql.shuffle.partitions": "1"}):
        compare.same_rows(build)


def test_results_of_other_sizes(compare: GroupedComparison) -> None:
    def resized(frame: pd.DataFrame) -> pd.DataFrame:
        k = int(frame["k"].iloc[0])
        return pd.concat([frame] * (k % 4)) if k % 4 else frame.iloc[:0]

    def build(spark: SparkSession) -> DataFrame:
        data = spark.range(0, 300, 1, 1).selectExpr("id div 3 AS k", "id AS v")
        return data.groupBy("k").applyInPandas(resized, data.schema)

    compare.same_rows(build, off=True)


# --- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [
        ("spark__sql__execution__arrow__useLargeVarTypes", "true"),
        ("spark__sql__session__timeZone", "Asia/Kathmandu"),
        ("spark__sql__legacy__execution__pandas__groupedMap__assignColumnsByName", "false"),
        ("spark__sql__codegen__wholeStage", "true"),
        ("spark__sql__adaptive__enabled", "true"),
        ("spark__sql__ansi__enabled", "false"),
        ("spark__sql__execution__pandas__udf__buffer__size", "4"),
        ("spark__sql__execution__arrow__maxRecordsPerOutputBatch", "3"),
    ],
)
def test_settings(compare: GroupedComparison, setting: tuple[str, str]) -> None:
    def build(spark: SparkSession) -> DataFrame:
        data = typed(spark, "struct(string(id) AS s, timestamp_micros(id * 1234567891) AS t)")
        mapped = data.groupBy("k").applyInPandas(frame_itself, data.schema)
        text = mapped.selectExpr("k", "string(c) AS c", "v")
        return text.groupBy("k").applyInArrow(table_itself, text.schema)

    compare.same_rows(build, **dict([setting]))


@pytest.mark.skipif(LINE < (4, 1), reason="there is no compression")
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_groups_are_left_to_spark(compare: GroupedComparison, codec: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        data = spark.range(0, 90, 1, 1).selectExpr("id div 3 AS k", "id AS v")
        return data.groupBy("k").applyInArrow(of_table, grouped_functions.ANSWER)

    compare.same_rows(build, ours=False, spark__sql__execution__arrow__compression__codec=codec)
    assert f"compression.codec is {codec}" in compare.plan


def aggregated(spark: SparkSession) -> DataFrame:
    data = spark.range(0, 90, 1, 1).selectExpr("id div 3 AS k", "id AS v")
    return data.groupBy("k").agg(pandas(mean, "double")("v").alias("m"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"spark.python.daemon.module": "pyspark.daemon"}, "daemon.module is pyspark.daemon"),
        ({"spark.python.use.daemon": "false"}, "use.daemon is false"),
    ],
)
def test_other_workers_get_groups_as_ever(
    compare: GroupedComparison, settings: dict[str, str], reason: str
) -> None:
    spark = compare.spark
    with use_conf(spark, {ENABLED_KEY: "true"}), use_core_conf(spark, settings):
        plan = aggregated(spark)._jdf.queryExecution().executedPlan().toString()
        assert reason in plan
        assert "HydrofoilGrouped" not in plan
        if "spark.python.use.daemon" not in settings:
            assert len(aggregated(spark).collect()) == 30


def test_one_group_and_sessions_are_left_to_spark(compare: GroupedComparison) -> None:
    def whole(spark: SparkSession) -> DataFrame:
        return spark.range(0, 90, 1, 1).agg(pandas(mean, "double")("id").alias("m"))

    def by_session(spark: SparkSession) -> DataFrame:
        times = spark.range(0, 90, 1, 1).selectExpr("timestamp_seconds(id * id) AS t", "id AS v")
        window = F.session_window("t", "60 seconds")
        return times.groupBy(window, F.expr("v % 2")).agg(pandas(mean, "double")("v").alias("m"))

    compare.same_rows(whole, ours=False)
    assert "there is one group" in compare.plan
    compare.same_rows(by_session, ours=False)
    assert "it is by session" in compare.plan


def test_turned_off_alone(compare: GroupedComparison) -> None:
    settings = {ENABLED_KEY: "true", "spark.hydrofoil.columnar.grouped.enabled": "false"}
    with use_conf(compare.spark, settings):
        plan = str(aggregated(compare.spark)._jdf.queryExecution().executedPlan().toString())
    assert "HydrofoilGrouped" not in plan
    assert "LeftToSpark" not in plan


# --- What the worker leaves to stock's code -------------------------------------------------------


@pytest.mark.skipif(LINE != (4, 2), reason="what 4.2's own serializer objects to")
def test_functions_that_stay_stock(compare: GroupedComparison) -> None:
    def last(batches: Iterator[pd.Series]) -> float:
        return max(float(batch.max()) for batch in batches)

    compare.same(
        lambda spark: (
            spark.range(0, 90, 1, 1)
            .selectExpr("id div 3 AS k", "id AS v")
            .groupBy("k")
            .agg(pandas(last, "double")(batches="v").alias("m"))
        )
    )


@pytest.mark.skipif(LINE < (4, 1), reason="no functions of Arrow's arrays")
def test_values_that_only_stock_converts(compare: GroupedComparison) -> None:
    def mixed(v: pa.Array) -> Any:
        # A whole number, a float that is one, and none.
        return [v[0].as_py(), float(v[0].as_py()), None][v[0].as_py() // 3 % 3]

    def text(v: pa.Array) -> Any:
        return pa.scalar("é" * len(v)) if v[0].as_py() % 2 else None

    compare.same_rows(
        lambda spark: (
            spark.range(0, 90, 1, 1)
            .selectExpr("id div 3 AS k", "id AS v")
            .groupBy("k")
            .agg(arrow(mixed, "bigint")("v").alias("a"), arrow(text, "string")("v").alias("b"))
        ),
        off=True,
    )


# --- What operators tell, and hold ----------------------------------------------------------------


def metrics_of(frame: DataFrame) -> dict[str, int]:
    """The metrics of the query's operator for groups."""
    plan = frame._jdf.queryExecution().executedPlan()
    while "Hydrofoil" not in plan.nodeName():
        plan = plan.children().head()
    found = plan.metrics()
    names = ["groupsSent", "rowsSent", "batchesSent", "batchesReceived", "waitTime"]
    names += ["pythonDataSent", "pythonDataReceived", "pythonNumRowsReceived"]
    return {name: int(found.apply(name).value()) for name in names}


def test_metrics(compare: GroupedComparison) -> None:
    settings = {ENABLED_KEY: "true", "spark.sql.shuffle.partitions": "1"}
    with use_conf(compare.spark, settings), use_engine(compare.spark, HYDROFOIL):
        frame = aggregated(compare.spark)
        frame.collect()
        told = metrics_of(frame)
    assert (told["groupsSent"], told["rowsSent"], told["pythonNumRowsReceived"]) == (30, 90, 30)
    # All in one record batch, and all answers in one.
    assert (told["batchesSent"], told["batchesReceived"]) == (1, 1)
    assert 90 * 8 < told["pythonDataSent"] < 90 * 8 + 2000
    assert told["pythonDataReceived"] > 0
    assert told["waitTime"] > 0


def test_large_groups_are_several_batches(compare: GroupedComparison) -> None:
    settings = {
        ENABLED_KEY: "true",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    }
    with use_conf(compare.spark, settings), use_engine(compare.spark, HYDROFOIL):
        data = compare.spark.range(0, 30_000, 1, 1).selectExpr("id div 10000 AS k", "id AS v")
        frame = data.groupBy("k").applyInArrow(of_table, grouped_functions.ANSWER)
        assert [row.n for row in frame.collect()] == [10_000] * 3
        told = metrics_of(frame)
    assert told["groupsSent"] == 3
    assert told["batchesSent"] == (3 if LINE == (4, 0) else 30)
