"""`hydrofoil profile` on a real local Spark, and on recordings."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import profiled_application as burning
import pytest
from looks import WIDTHS, check_looks, opened
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.engines import STOCK, use_engine
from hydrofoil.tools.profiling.attribution import EngineProfile, attribute
from hydrofoil.tools.replay.recorder import record

ENGINES = ("stock", "Hydrofoil")
CONF = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.log.level": "ERROR",
}


@dataclass(frozen=True)
class Profiled:
    """What one call of the command left."""

    result: subprocess.CompletedProcess[str]
    folder: Path
    page: str
    report: dict[str, Any]

    def engine(self, name: str) -> EngineProfile:
        return attribute(self.folder / name, name)


def profile(folder: Path, *words: str) -> Profiled:
    page, report, figures = folder / "page.html", folder / "report.json", folder / "figures"
    outputs = ["--html", str(page), "--json", str(report), "--folder", str(figures)]
    result = subprocess.run(
        [sys.executable, "-m", "hydrofoil.tools.cli", "profile", *outputs, *words],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return Profiled(
        result,
        figures,
        page.read_text(encoding="utf-8"),
        json.loads(report.read_text(encoding="utf-8")),
    )


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Profiled:
    """The application, once under each engine."""
    options = [word for item in CONF.items() for word in ("--conf", "=".join(item))]
    folder = tmp_path_factory.mktemp("profile")
    return profile(folder, *options, burning.__file__, "an argument")


@pytest.mark.slow
def test_the_script_runs_unchanged_under_both_engines(script: Profiled) -> None:
    answers = re.findall(r"^groups: .*$", script.result.stdout, re.MULTILINE)

    assert answers == [f"groups: {burning.GROUPS} an argument"] * 2


@pytest.mark.parametrize("name", ENGINES)
def test_cpu_time_has_an_owner(script: Profiled, name: str) -> None:
    engine = script.report["engines"][name]

    owned = sum(engine["cpu_by_owner_s"].values())
    assert 0.95 <= owned / engine["cpu_s"] <= 1.0001
    assert engine["attributed_share"] == pytest.approx(owned / engine["cpu_s"])
    # The functions alone took this much, so no account that is too small passes.
    assert engine["cpu_s"] > burning.BURNING_ROWS * burning.A_ROW + burning.GROUPS * burning.A_GROUP
    assert all(seconds > 0 for seconds in engine["cpu_by_owner_s"].values())


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("udf", "burnt"),
    [
        ("sometimes_slow", burning.BURNING_ROWS * burning.A_ROW),
        ("slow_group", burning.GROUPS * burning.A_GROUP),
    ],
)
def test_user_code_is_what_the_functions_used(
    script: Profiled, name: str, udf: str, burnt: float
) -> None:
    (query,) = [q for q in script.report["engines"][name]["queries"] if q["udfs"] == [udf]]

    assert query["eval_type"] in ("SQL_ARROW_BATCHED_UDF", "SQL_GROUPED_MAP_PANDAS_UDF")
    # Beside the burning, the functions do a little work.
    assert 0.85 <= query["udf_cpu_s"][udf] / burnt <= 1.5


def test_exchange_is_larger_under_stock(script: Profiled) -> None:
    exchange = {name: script.engine(name).seconds("exchange") for name in ENGINES}

    assert exchange["stock"] > exchange["Hydrofoil"] > 0


@pytest.mark.parametrize("width", WIDTHS)
def test_page_shows_both_engines(script: Profiled, browser: Any, width: int) -> None:
    with opened(browser, script.folder.with_name("page.html"), width) as page:
        check_looks(page, width, "light")
        graphs = page.locator(".flame .boxes")
        assert graphs.count() == 2
        for name, graph in zip(ENGINES, graphs.all(), strict=True):
            boxes = graph.locator(".box").all_text_contents()
            assert boxes[0] == f"{name} workers" and len(boxes) > 20
            assert any("sometimes_slow" in box for box in boxes)
            assert any("slow_group" in box for box in boxes)
        assert "hydrofoil profile" in page.locator("pre").first.text_content()


def test_stacks_are_by_py_spy(script: Profiled) -> None:
    for name in ENGINES:
        engine = script.engine(name)
        assert set(engine.samplers) == {"py-spy"}, engine.reasons
        assert sum(engine.stacks.values()) == pytest.approx(engine.total)


def test_recorded_tasks(spark: SparkSession, tmp_path: Path) -> None:
    """A reused worker, fed without a JVM; stacks by cProfile, which costs a further run each."""

    @udf("long")
    def squared(x):  # type: ignore[no-untyped-def]
        return sum(x for _ in range(abs(x) % 50))

    with use_engine(spark, STOCK):
        query = spark.range(0, 40_000, 1, 1).select(squared("id"))
        (recording,) = record(spark, lambda: query.write.format("noop").mode("append").save())
    path = tmp_path / "task.hfrec"
    recording.save(path)

    made = profile(tmp_path, "--recording", str(path), "--tasks", "3", "--sampler", "cprofile")

    for name in ENGINES:
        engine = made.report["engines"][name]
        assert engine["tasks"] == 3 and engine["workers"] == 1 and engine["failed_tasks"] == 0
        assert engine["sampler"] == {"cprofile": 1}
        assert engine["cpu_without_stacks_s"] == pytest.approx(engine["cpu_s"])
        assert engine["attributed_share"] >= 0.95
        assert engine["cpu_by_owner_s"]["user code"] > 0
        assert any("squared" in " ".join(stack["frames"]) for stack in engine["stacks"])
