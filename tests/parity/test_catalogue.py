"""The catalogue as a whole, and that what differs is found and told."""

from collections import Counter
from io import StringIO

from pyspark.sql import SparkSession
from rich.console import Console

from hydrofoil.tools.parity import report
from hydrofoil.tools.parity.catalogue import catalogue, usual
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine
from hydrofoil.tools.parity.run import run

ALTERED = Engine("altered", "parity.altered")


def named(*ids: str):
    return [case for case in catalogue() if case.id in ids]


def test_every_family_is_in_the_usual_selection() -> None:
    missing = {case.family for case in catalogue()} - {case.family for case in usual()}
    assert missing <= {"mapInPandas-barrier", "mapInArrow-barrier"}, missing


def test_families_stand_together() -> None:
    """A family's cases come from few modules, so that tables by family are short."""
    assert len(Counter(case.family for case in catalogue())) < 40


def test_a_planted_difference_is_found(spark: SparkSession) -> None:
    cases = named("udf-pickled/long/plain", "udf-pickled/string/plain")
    results = {result.case.id: result for result in run(spark, cases, right=ALTERED)}
    assert [name for name, result in results.items() if not result.equal] == [
        "udf-pickled/long/plain"
    ]
    assert "expected: int:257\n  actual:   int:258" in results["udf-pickled/long/plain"].difference


def test_a_report_shows_differences_in_full_and_how_to_see_them_again(spark: SparkSession) -> None:
    cases = named("udf-pickled/long/plain", "udf-pickled/string/plain")
    results = list(run(spark, cases, right=ALTERED))
    console = Console(record=True, width=120, file=StringIO())
    report.show_results(results, console, ["--daemon", "parity.altered"])
    text = console.export_text()
    assert "int:258" in text
    assert "hydrofoil parity udf-pickled/long/plain --daemon parity.altered" in text
    told = report.results_as_json(results)
    assert [case["equal"] for case in told["cases"]] == [False, True]
    assert set(told["versions"]) >= {"hydrofoil", "pyspark"}


def test_hydrofoil_is_not_stock_under_another_name() -> None:
    assert HYDROFOIL.daemon != WARM_STOCK.daemon
