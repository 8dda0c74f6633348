"""What is made of samples: medians, factors, and which of those are noise."""

from dataclasses import replace
from unittest.mock import Mock

import pytest

from hydrofoil.tools.bench.contest import HYDROFOIL, Contest, Contestant, Measured
from hydrofoil.tools.bench.figures import Factor, Spread, number, times
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.routes import FIRST, NO_PYTHON, Route
from hydrofoil.tools.bench.sheets import engines_sheet
from hydrofoil.tools.bench.small_queries import tasks_of
from hydrofoil.tools.bench.stopwatch import Sample
from hydrofoil.tools.bench.suites import driver, first, gang, latency
from hydrofoil.tools.bench.ways import ARROW, OURS, OURS_PICKLED, PICKLED, WAYS
from hydrofoil.tools.parity.engines import STOCK


def test_a_spread_is_of_all_runs() -> None:
    spread = Spread.of([3.0, 1.0, 2.0])
    assert (spread.median, spread.low, spread.high) == (2.0, 1.0, 3.0)
    assert spread.percent() == "±50 %"
    rate = spread.inverse(6.0)
    assert (rate.median, rate.low, rate.high) == (3.0, 2.0, 6.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "text"),
    [
        ([1.0, 1.1, 0.9], [3.0, 3.1, 2.9], "3.0"),
        ([1.0, 1.1, 0.9], [1.1, 1.2, 1.0], "~1.1"),
        ([1.0], [2.0], "2.0"),
        ([2.0, 2.0, 2.0], [1.0, 1.0, 2.5], "~0.50"),
    ],
)
def test_a_factor_within_the_spread_is_marked_as_noise(
    ours: list[float], theirs: list[float], text: str
) -> None:
    assert str(Factor.of(Spread.of(ours), Spread.of(theirs))) == text


def test_figures_have_as_many_digits_as_say_something() -> None:
    values = (0.85, 3.42, 11.7, 241.6, 1234.5)
    assert [times(value) for value in values] == ["0.85", "3.4", "12", "242", "1,234"]
    assert [number(value) for value in (0, 0.0123, 0.5, 4.567, 78.91, 12345.6)] == [
        "0", "0.012", "0.50", "4.57", "78.9", "12,346",
    ]  # fmt: skip


def test_a_mean_is_noise_where_one_of_its_factors_is() -> None:
    sure = [Factor(0.5, False), Factor(8.0, False)]
    assert str(Factor.mean(sure)) == "2.0"
    assert str(Factor.mean([*sure, Factor(2.0, True)])) == "~2.0"
    assert min(Factor(2.0, True), Factor(3.0, False)) == Factor(2.0, True)


def test_what_the_clock_does_not_show_is_no_factor() -> None:
    nothing, something = Spread.of([0.0]), Spread.of([0.5])
    pairs = (nothing, nothing), (nothing, something), (something, nothing)
    assert [str(Factor.of(*pair)) for pair in pairs] == ["~1.0"] * 3
    found = replace(measured(), samples={way: [Sample(1, 0, 0)] for way in ("stock", "Hydrofoil")})
    [(_, _, _, _, *shares, _, _), _] = first._sheet([found]).rows
    assert shares == ["", "", ""]


def test_throughput_is_known_where_the_size_of_a_row_is() -> None:
    found = replace(measured(), bytes_per_row=None)
    assert [record["mb_per_s"] for record in found.records("mine")] == [None, None]
    assert [row[3] for row in engines_sheet(found, ()).rows] == ["", ""]


@pytest.mark.parametrize(
    ("default", "ways", "factors"),
    [
        # Rows stay pickled where Spark is set so, whoever's worker it is.
        (PICKLED, (PICKLED, ARROW, OURS_PICKLED, OURS), ("3.0", "4.0")),
        (ARROW, (PICKLED, ARROW, OURS), ("4.0", "12")),
    ],
)
def test_the_headline_compares_what_turning_hydrofoil_on_changes(
    default: str, ways: tuple[str, ...], factors: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first, "_default", lambda: default)
    assert first._ways() == ways
    seconds = {PICKLED: 12.0, ARROW: 4.0, OURS_PICKLED: 4.0, OURS: 1.0}
    contestants = [Contestant(way, WAYS[way].engine, lambda data: data) for way in ways]
    contest = replace(measured().contest, contestants=contestants)
    samples = {way: [Sample(seconds[way], 0.5, 0.5)] for way in ways}
    found = Measured(contest, 16.0, samples, {})
    as_set, otherwise = factors
    headline = first._headline([found], [found])
    assert headline.startswith(f"Your plain UDFs run {as_set} times faster here than on stock")
    assert f", and {otherwise} times faster than on stock's " in headline
    assert f": {as_set} times faster than {first._WORDS[default]}" in first._line(found)


def test_figures_of_small_tasks_are_by_the_tasks_that_ran() -> None:
    found = {name: Route(STOCK) for name in (FIRST, NO_PYTHON)}
    found["Hydrofoil, TCP"] = Route(HYDROFOIL)
    samples = {way: [Sample(1.0, 2.0, 4.0)] for way in found}
    for name, rows, tasks in (("tasks", 2_000, 200), ("tasks", 100, 10), ("shuffle", 100, 200)):
        assert tasks_of(name, rows) == tasks
        result = Result("latency", "")
        latency._add_query(result, name, tasks, found, samples)
        assert str(tasks) in result.sheets[0].title
        assert f"each of the {tasks} tasks" in result.sheets[0].note
        assert {r["python_cpu_ns_per_unit"] for r in result.records} == {4e9 / tasks}


def test_the_runs_of_a_record_have_its_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of meetings, which are shown in ms."""
    milliseconds = {"barrier": 2.0}
    run = Mock(return_value=Mock(value=milliseconds))
    monkeypatch.setattr(gang, "import_module", lambda name: Mock(run=run))
    result = Result("gang", "")
    gang._meetings(Mock(options=Mock(repeat=3)), result)
    assert result.records[0]["wall_s"] == 0.002
    assert result.records[0]["runs"] == [0.002] * 3


def test_what_took_no_longer_than_the_query_says_nothing_of_the_rows() -> None:
    taken = {
        driver._QUERY: {"stock": [(1.0, 2.0, 2.0)]},
        "collect()": {"stock": [(1.0, 1.0, 1.0)], "Hydrofoil": [(1.0, 3.0, 2.0)]},
        "toPandas()": {"stock": [(1.0, 8.0, 4.0)], "Hydrofoil": [(1.0, 4.0, 2.0)]},
    }
    result = Result("driver", "")
    driver._add(result, "long", 1000, taken)
    found = {
        record["workload"]: record["factor_of_the_rows_alone"]
        for record in result.records
        if record["engine"] == "Hydrofoil"
    }
    assert found == {"collect() of long": None, "toPandas() of long": 4.0}


def measured(unit_rows: int = 1) -> Measured:
    contest = Contest(
        "long",
        lambda spark, rows: spark.range(rows),
        1_000_000,
        [
            Contestant("stock", STOCK, lambda data: data, "f", share=0.5),
            Contestant("Hydrofoil", HYDROFOIL, lambda data: data, "f"),
        ],
        unit="row" if unit_rows == 1 else "group",
        unit_rows=unit_rows,
    )
    samples = {
        "stock": [Sample(2.0, 0.5, 1.0), Sample(9.0, 9.0, 9.0), Sample(0.0, 0.0, 0.0)],
        "Hydrofoil": [Sample(1.0, 0.25, 0.75)],
    }
    return Measured(contest, 16.0, samples, {"f": 500.0})


def test_ways_with_fewer_rows_are_compared_by_time_a_row() -> None:
    found = measured()
    assert found.rows("stock") == 500_000
    assert found.rows_per_s("stock").median == 250_000
    assert found.factor("Hydrofoil", "stock").value == pytest.approx(4.0)
    assert found.factor("Hydrofoil", "stock").noise


def test_cpu_time_is_split_into_jvm_exchange_and_function() -> None:
    found = measured()
    assert (found.jvm_ns("stock"), found.python_ns("stock")) == (1000.0, 2000.0)
    assert (found.function_ns("stock"), found.exchange_ns("stock")) == (500.0, 1500.0)
    # The loop that measures a function can't tell more than there was.
    assert Measured(found.contest, 16.0, found.samples, {"f": 1e9}).exchange_ns("stock") == 0.0
    assert measured(10).jvm_ns("stock") == pytest.approx(10_000.0)


def test_records_and_tables_have_each_contestant() -> None:
    found = measured()
    first, second = found.records("rows", "stock", more=1)
    assert (first["engine"], first["mb_per_s"], first["more"]) == ("stock", 4.0, 1)
    assert (second["factor"], second["factor_is_noise"]) == (pytest.approx(4.0), True)
    assert second["runs"] == [{"wall": 1.0, "jvm": 0.25, "python": 0.75}]
    sheet = engines_sheet(found, ("stock",))
    assert [row[0] for row in sheet.rows] == ["stock", "Hydrofoil"]
    assert [row[-1] for row in sheet.rows] == ["1", "~4.0"]
    assert sheet.strong == (1,)
    assert all(len(row) == len(sheet.columns) for row in sheet.rows)
