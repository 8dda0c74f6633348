"""Every suite that needs no session of its own, on a real Spark and few rows."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.errors import UsageError
from hydrofoil.tools.bench.bench import Bench, Options, UnequalResultsError, same
from hydrofoil.tools.bench.peers import Peer, PeerError, installed
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.stopwatch import Sample
from hydrofoil.tools.bench.suites import (
    SUITES,
    batch,
    data_types,
    groups,
    origin,
    peers,
    rows,
    wide,
)
from hydrofoil.tools.bench.ways import ARROW, OURS, PICKLED, WAYS
from hydrofoil.tools.page.charts import draw

Run = Callable[..., Result]


@pytest.fixture
def run(spark: SparkSession) -> Run:
    """Runs a suite on this session, and checks what all results have in common."""

    def run(name: str, count: int | None, *workloads: str, **more: Any) -> Result:
        steps: list[str] = []
        expected: list[int] = []
        options = Options(rows=count, repeat=1, workloads=workloads, **more)
        bench = Bench(options, steps.append, expected.append, spark)
        result: Result = import_module(f"hydrofoil.tools.bench.suites.{SUITES[name][0]}").run(bench)
        assert len(steps) == sum(expected)
        assert result.headline
        assert result.records
        for sheet in result.sheets:
            assert sheet.rows
            assert all(len(row) == len(sheet.columns) for row in sheet.rows)
        for chart in result.charts:
            assert "<svg" in draw(chart)
        return result

    return run


def test_rows(run: Run) -> None:
    result = run("rows", 500, "struct")
    assert [record["engine"] for record in result.records] == list(WAYS)
    assert all(record["wall_s"] > 0 and record["mb_per_s"] > 0 for record in result.records)
    assert all(record["function_cpu_ns_per_unit"] is not None for record in result.records)


def test_first(run: Run) -> None:
    result = run("first", 200, "string", "groups")
    assert re.match(r"Your plain UDFs run [\d.,]+ times faster here than on stock", result.headline)
    engines = [record["engine"] for record in result.records]
    assert engines == [PICKLED, ARROW, OURS, "stock", "Hydrofoil"]


@pytest.mark.slow
def test_origin(run: Run) -> None:
    result = run("origin", 2_000)
    factors = result.sheets[0]
    assert [row[0] for row in factors.rows] == list(origin.CLAIMS)
    measured = {(r["workload"], r["engine"]) for r in result.records}
    for claim in origin.CLAIMS:
        assert {engine for name, engine in measured if name == claim} >= {
            PICKLED, ARROW, OURS, "numpy_udf (Hydrofoil)",
        }  # fmt: skip
    profiles = {r["engine"]: r for r in result.records if r["workload"] == "profile"}
    assert profiles[PICKLED]["calls"] > 2_000
    assert profiles[PICKLED]["exchange_share"] > 0.5
    assert all("<lambda>" in text for text in result.texts.values())
    assert len(result.notes) >= len(origin.CLAIMS)


@pytest.mark.slow
def test_types(run: Run) -> None:
    result = run("types", 100, "double", "timestamp", "struct_string")
    assert len(result.records) == 3 * 2 * 2
    assert {record["direction"] for record in result.records} == {"in", "in and out"}


@pytest.mark.slow
def test_groups(run: Run) -> None:
    result = run("groups", 100, "applyInPandas", "mean-arrow")
    assert {r["rows_per_group"] for r in result.records} == set(groups.SIZES)
    assert {r["workload"] for r in result.records} == {"applyInPandas", "mean-arrow"}


@pytest.mark.slow
def test_wide(run: Run) -> None:
    result = run("wide", 2_000, "plain udf")
    assert [r["columns"] for r in result.records] == [c for c in wide.COLUMNS for _ in range(2)]


@pytest.mark.slow
def test_batch(run: Run) -> None:
    result = run("batch", 1_000, "long")
    assert {r["records_per_batch"] for r in result.records} == set(batch.SIZES)


@pytest.mark.slow
def test_driver(run: Run) -> None:
    names = "collect()", "createDataFrame(dicts)", "rdd.toDF(schema)", "df.rdd.map(f).count()"
    result = run("driver", 2_000, *names)
    # Two tables of columns; each with the query alone and these calls of two engines.
    assert len(result.records) == 2 * (1 + 2 * len(names))
    result = run("driver", 2_000, "toPandas()", "a data source of tuples")
    # And five columns that pandas has as objects.
    assert len(result.records) == 2 * (1 + 2 * 2) + 5 * (1 + 2)
    assert {record["engine"] for record in result.records} == {"stock", "Hydrofoil"}


@pytest.mark.slow
def test_latency(run: Run) -> None:
    result = run("latency", 20, "tasks", "foreachBatch")
    ways = {record["engine"] for record in result.records}
    assert {"stock, TCP", "Hydrofoil, worker alone, TCP", "no Python"} <= ways
    assert {record["workload"] for record in result.records} == {"tasks", "foreachBatch"}
    assert all(record.get("wall_s") or record["value"] > 0 for record in result.records)


@pytest.mark.slow
def test_scale(run: Run) -> None:
    result = run("scale", 20_000, "rows")
    assert {record["rows"] for record in result.records} == {10_000}


@pytest.mark.slow
def test_memory(run: Run) -> None:
    result = run("memory", 2_000, "applyInArrow")
    assert len(result.records) == 4
    assert all(record["peak_mb"] > record["above_start_mb"] for record in result.records)


@pytest.mark.slow
def test_peers(run: Run) -> None:
    result = run("peers", 2_000, "s.upper()")
    engines = {record["engine"] for record in result.records}
    failed = {peer for peer in installed() for note in result.notes if f": {peer} failed" in note}
    assert engines | failed == {"stock", "Hydrofoil", *installed()}


def test_a_peer_that_answers_otherwise_is_out(spark: SparkSession) -> None:
    bench = Bench(Options(repeat=1), spark=spark)
    notes: list[str] = []
    runs: dict[str, peers.Run] = {"stock": lambda _: (1.0, 3), "other": lambda _: (0.1, 4)}
    assert list(peers._measure(bench, "x + 1", runs, notes)) == ["stock"]
    assert notes == ["x + 1: other answers 4, and stock 3"]
    runs["Hydrofoil"] = lambda _: (0.1, 4)
    with pytest.raises(UnequalResultsError, match="Hydrofoil answers 4, and stock 3"):
        peers._measure(bench, "x + 1", runs, notes)


def test_a_peer_that_has_ended(tmp_path: Path) -> None:
    peer = Peer("DuckDB", tmp_path / "none.parquet", 1)
    with peer:
        peer._process.kill()
        peer._process.wait()
        for _ in range(2):
            with pytest.raises(PeerError, match="its process ended"):
                peer.run("x + 1")


def test_types_that_stock_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PySparkException("no such type")

    bench = Bench(Options(workloads=("double",)))
    monkeypatch.setattr(bench, "measure", refuse)
    with pytest.raises(UsageError, match=r"(?s)no type .*double, in: stock refuses: no such type"):
        data_types.run(bench)


MINE = """
from pyspark.sql.functions import udf

shout = udf(lambda name: name.upper(), "string")
fails = udf(lambda name: name.nothing, "string")
lost = udf(lambda absent: absent, "string")
"""


@pytest.mark.slow
def test_mine(run: Run, spark: SparkSession, tmp_path: Path) -> None:
    module, data = tmp_path / "bench_mine.py", tmp_path / "data.parquet"
    module.write_text(MINE)
    columns = "id AS _copy", "id AS `a.b``c`", "concat('n', id) AS name"
    spark.range(50).selectExpr(*columns).write.parquet(str(data))
    result = run("mine", 2_000, module=module, data=data)
    assert [(r["workload"], r["rows"]) for r in result.records] == [("shout", 2_000)] * 2
    assert result.notes[0].startswith("lost was left out: no column is called 'absent'")
    assert "fails was left out: stock raises AttributeError" in result.notes[1]


def test_a_workload_of_another_suite_says_which_there_are(spark: SparkSession) -> None:
    bench = Bench(Options(workloads=("applyInPandas",)), spark=spark)
    with pytest.raises(UsageError, match="applyInPandas: it is not in suite rows, which has long"):
        rows.run(bench)


def test_unequal_answers_are_no_figure(spark: SparkSession) -> None:
    made = groups.contest("applyInPandas", 10, 100)
    process = udf(lambda v: os.getpid(), "long")
    wrong = [
        replace(each, query=lambda data: data.select(process("v").alias("v")))
        for each in made.contestants
    ]
    bench = Bench(Options(repeat=1), spark=spark)
    with pytest.raises(UnequalResultsError, match="Hydrofoil and stock differ on the first 100"):
        bench.measure(replace(made, contestants=wrong))


def test_no_engine_is_always_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[str] = []

    def time(_: Any, each: Any, __: int) -> Sample:
        timed.append(each.name)
        return Sample(1.0, 1.0, 1.0)

    bench = Bench(Options(repeat=3))
    monkeypatch.setattr(bench, "_functions", lambda *_: {})
    monkeypatch.setattr(bench, "_check", lambda *_: 1.0)
    monkeypatch.setattr(bench, "time", time)
    measured = bench.measure(groups.contest("applyInPandas", 10, 100))
    both = ["stock", "Hydrofoil"]
    assert timed == [*both, *both, *both[::-1], *both]
    assert measured.names == both


def test_answers_are_compared_in_any_order_and_to_a_tolerance() -> None:
    left = pa.table({"k": [1, 2], "v": [0.5, float("nan")]})
    assert same(left, pa.table({"k": [2, 1], "v": [float("nan"), 0.5]}))
    for zero, minus in ((0.0, -0.0), ([0.0], [-0.0]), ({"x": [0.0]}, {"x": [-0.0]})):
        assert same(pa.table({"v": [zero, None]}), pa.table({"v": [zero, None]}))
        assert not same(pa.table({"v": [zero, None]}), pa.table({"v": [minus, None]}))
    near = pa.table({"k": [1, 2], "v": [0.5 + 1e-15, 1.0]})
    exact = pa.table({"k": [1, 2], "v": [0.5, 1.0]})
    assert same(exact, near, tolerance=1e-12) and not same(exact, near)
    assert not same(exact, pa.table({"k": [1, 2], "v": [0.6, 1.0]}), tolerance=1e-12)
    assert not same(exact, pa.table({"k": [1], "v": [0.5]}))
    # Nor does a null pass for any number.
    assert not same(exact, pa.table({"k": [1, 2], "v": [0.5, None]}), tolerance=1e-12)
