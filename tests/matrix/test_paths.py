"""What hydrofoil.explain says before a query is what its workers say after it, on every line."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil.counts.collected import collected
from hydrofoil.counts.sending import ACCUMULATOR, KEY
from hydrofoil.counts.task_trace import FAST, PARTLY, TaskTrace, UdfTrace, record_of
from hydrofoil.errors import UsageError
from hydrofoil.settings import jvm_operators
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, use_conf, use_core_conf, use_engine
from hydrofoil.tools.paths.functions import explain_all
from matrix.cases import CASES, nothing
from matrix.test_eval_types import INSTALLED

# What has no plan to ask before it runs: RDDs, streams, and table functions, whose handlers are
# made when they run.
WITHOUT = ("NON_UDF", "STATE", "TABLE_UDF", "UDTF")
NAMES = [name for name in CASES if name in INSTALLED and not any(word in name for word in WITHOUT)]


@pytest.fixture(autouse=True)
def counting(spark: SparkSession) -> Iterator[None]:
    """Hydrofoil's workers, in a session that asks for their counts."""
    with use_engine(spark, HYDROFOIL), use_conf(spark, {KEY: "true"}):
        yield


def test_explain_agrees_with_the_workers(spark: SparkSession, tmp_path: Path) -> None:
    dfs = [CASES[name](spark, tmp_path / name, nothing) for name in NAMES]
    for name, df, explained in zip(NAMES, dfs, explain_all(dfs), strict=True):
        df.collect()
        ran = hydrofoil.last_query(spark)
        said = {(f.kind, f.path, f.reason) for f in explained.functions}
        planned = {(c.eval_type, u.path) for c in ran.workers for u in c.udfs}
        shown = {(kind, FAST if path == PARTLY else path) for kind, path, _ in said}
        assert shown == planned, name
        assert name in {kind for kind, _, _ in said}
        operators = {o.operator.name for o in ran.operators}
        assert {f.operator for f in explained.functions} == operators, name
        assert ran.notes == []


def broken_now_and_then(spark: SparkSession) -> DataFrame:
    """Two chained functions over Arrow, and one whose results are now and then stock's to take."""
    chained = F.udf(lambda x: x + 1, "bigint", useArrow=True)
    odd = F.udf(lambda x: float(x) if x == 7 else x, "bigint", useArrow=True)
    kept = F.udf(lambda x: {x: x}, "map<bigint,bigint>", useArrow=False)
    data = spark.range(0, 30, 1, 2)
    return data.select(chained(chained("id")).alias("a"), odd("id").alias("b"), kept("id"))


def test_what_explain_shows(spark: SparkSession) -> None:
    explained = hydrofoil.explain(broken_now_and_then(spark))
    by_signature = {f.signature: f for f in explained.functions}
    assert by_signature["(bigint) -> map<bigint,bigint>"].kind == "SQL_BATCHED_UDF"
    assert [f.name for f in explained.functions if "(" in f.name] == ["<lambda>(<lambda>)"]
    assert explained.fast_share == 1
    assert explained.headline in str(explained)
    html = explained._repr_html_()
    assert html.startswith("<div>") and "&lt;lambda&gt;" in html and "BatchEvalPython" in html
    off = f"{jvm_operators.ENABLED_KEY} is false"
    why = jvm_operators.why_not(spark.version)
    assert {f.jvm for f in explained.functions} == {"Spark"}
    assert all((why or off) in f.jvm_reason for f in explained.functions)
    assert hydrofoil.explain(spark.range(1)).fast_share is None


def test_the_jvms_path(spark: SparkSession) -> None:
    if jvm_operators.why_not(spark.version) is not None:
        pytest.skip("there are no operators for this version")
    with use_conf(spark, {jvm_operators.ENABLED_KEY: "true", "spark.sql.adaptive.enabled": "true"}):
        df = broken_now_and_then(spark).groupBy("a", "b").agg(F.count("*"))
        before = hydrofoil.explain(df)
        df.collect()
        for found in (before, hydrofoil.explain(df)):
            jvm = {f.operator: (f.jvm, f.jvm_reason) for f in found.functions}
            assert jvm == {"HydrofoilEvalPython": ("Hydrofoil", "")}


def test_counts_of_the_last_query(spark: SparkSession) -> None:
    users = spark.sparkContext.accumulator(0)

    def noted(x: int) -> int:
        users.add(1)
        return x

    df = broken_now_and_then(spark).select("a", "b", F.udf(noted, "bigint")("b").alias("c"))
    with use_conf(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "5"}):
        df.collect()
    ran = hydrofoil.last_query(spark)
    arrow = [c for c in ran.workers if c.eval_type == "SQL_ARROW_BATCHED_UDF"]
    assert sum(c.tasks for c in arrow) >= 2
    assert sum(sum(c.fell_back.values()) for c in arrow) == 1
    assert ran.fast_share is not None and 0.5 < ran.fast_share < 1
    rows = [o.value("number of output rows") for o in ran.operators]
    assert rows and set(rows) == {30}
    assert all(o.value("data sent to Python workers") for o in ran.operators)
    assert "why not all" in str(ran) and "<table" in ran._repr_html_()
    # PySpark's own accumulators go the same way.
    assert users.value == 30
    spark.range(3).collect()
    assert hydrofoil.last_query(spark).operators == []


def test_fast_on_a_condition(spark: SparkSession) -> None:
    """Until it has run: then its batches say."""

    @F.pandas_udf("int")
    def length(s: pd.Series) -> pd.Series:
        return s.str.len()

    df = spark.range(4).select(length(F.col("id").cast("string")))
    before = hydrofoil.explain(df)
    assert before.functions[0].path == FAST
    assert before.functions[0].reason.startswith("if its results are int32")
    assert "1 of 1 function, if results are of the declared types." in before.headline
    df.collect()
    after = hydrofoil.explain(df)
    assert after.functions[0].path == PARTLY
    assert "0 of 1 function." in after.headline


@pytest.mark.skipif(not hasattr(F, "arrow_udf"), reason="numpy_udf needs Spark 4.1")
def test_batches_of_arrays_that_pyarrow_converts(spark: SparkSession) -> None:
    @hydrofoil.numpy_udf("double")
    def half(x: Any) -> Any:
        return x / 2

    with_null = F.when(F.col("id") != 7, F.col("id").cast("double"))
    spark.range(0, 8, 1, 2).select(half(with_null)).collect()
    (counts,) = hydrofoil.last_query(spark).workers
    assert counts.fast == 1
    assert counts.fell_back == {"arguments with nulls": 1}


def test_a_session_that_did_not_ask(spark: SparkSession) -> None:
    df = broken_now_and_then(spark)
    spark.conf.unset(KEY)
    df.collect()
    ran = hydrofoil.last_query(spark)
    assert ran.workers == [] and ran.operators
    assert ran.notes[0].startswith("The workers' counts of this query are not known")
    df.collect()
    assert hydrofoil.last_query(spark).workers
    with use_engine(spark, STOCK):
        # Spark 3.5 takes a function's workers by the environment that it was made in.
        df = broken_now_and_then(spark)
        df.collect()
        ran = hydrofoil.last_query(spark)
        assert ran.workers == []
        assert "spark.python.daemon.module is pyspark.daemon" in ran.notes[0]
        (reason,) = {f.reason for f in hydrofoil.explain(df).functions}
        assert reason.startswith("spark.python.daemon.module is pyspark.daemon")


def test_workers_turned_off(spark: SparkSession) -> None:
    with use_core_conf(spark, {"spark.executorEnv.HYDROFOIL": "off"}):
        functions = hydrofoil.explain(broken_now_and_then(spark)).functions
        assert {f.path for f in functions} == {"stock"}
        assert {f.reason for f in functions} == {"HYDROFOIL=off is in the workers' environment"}


def test_a_driver_that_never_heard_of_the_counts(spark: SparkSession) -> None:
    """It keeps the newest tasks' counts, and its other accumulators go on."""
    from pyspark.accumulators import _accumulatorRegistry

    known = _accumulatorRegistry.pop(ACCUMULATOR, None)
    try:
        users = spark.sparkContext.accumulator(0)
        spark.range(0, 4, 1, 2).select(F.udf(lambda x: users.add(1), "int")("id")).collect()
        assert users.value == 4
        spark.range(0, 4, 1, 2).select(F.udf(lambda x: users.add(1), "int")("id")).collect()
        assert users.value == 8
        assert hydrofoil.last_query(spark).workers[0].tasks == 2
        assert not collected().incomplete
    finally:
        if known is not None:
            _accumulatorRegistry[ACCUMULATOR] = known


def test_what_a_function_refers_to(spark: SparkSession) -> None:
    """Broadcast variables, classes of the program, large functions; none is called or changed."""

    class Counter:
        made = 0

        def __init__(self) -> None:
            type(self).made += 1

    table = spark.sparkContext.broadcast({1: "one"})
    large = bytes(2 << 20)

    def look(x: int) -> str:
        return str((table.value.get(x), Counter().made, len(large)))

    looks = F.udf(look, "string")
    df = spark.range(2).select(looks("id").alias("seen"))
    df.schema  # noqa: B018  (the function is pickled by now)
    Counter.made = 41
    assert [f.path for f in hydrofoil.explain(df).functions] == ["fast"]
    assert Counter.made == 41
    assert df.collect()[1] == Row(seen=str(("one", 2, 2 << 20))) or Counter.made == 41


def test_what_is_no_dataframe() -> None:
    with pytest.raises(UsageError, match="was given str, not"):
        hydrofoil.explain("df")  # type: ignore[arg-type]


def test_records_stay_small() -> None:
    trace = TaskTrace("SQL_BATCHED_UDF", [UdfTrace("f", "", "fast", "r" * 1000)])
    for i in range(100):
        trace.fell_back(f"{i} " + "x" * 1000)
    _, _, udfs, batches = record_of(trace, None)
    assert len(udfs[0][3]) == 200
    assert len(batches) < 20 and sum(batches.values()) == 100


def test_explain_asks_the_python_that_a_session_has_for_sql(
    spark: SparkSession, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nHYDROFOIL=off exec {sys.executable} "$@"\n')
    program.chmod(0o755)
    df = spark.range(1).select(F.udf(lambda _: os.environ.get("HYDROFOIL"), "string")("id"))
    with use_conf(spark, {"spark.sql.execution.pyspark.python": str(program)}):
        [function] = hydrofoil.explain(df).functions
        assert df.collect()[0][0] == "off"
    assert function.path == "stock" and "HYDROFOIL=off" in function.reason
