"""Turning the fast paths on and off: PySpark's own methods are what `disable` leaves."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.driver import paths, switch
from hydrofoil.driver.calls import collect


@pytest.fixture(autouse=True)
def off() -> Iterator[None]:
    """Off before a test, too: what configures a session in this process turns it on."""
    hydrofoil.disable()
    yield
    hydrofoil.disable()


def own(spark: SparkSession) -> Any:
    return vars(type(spark.range(1)))["collect"]


def paths_of_a_call(spark: SparkSession) -> set[object]:
    paths.forget()
    assert len(spark.range(3).collect()) == 3
    return {one["path"] for one in paths.taken()}


def test_on_and_off_again(spark: SparkSession) -> None:
    original = own(spark)
    assert not switch.is_enabled()
    assert not paths_of_a_call(spark)
    hydrofoil.enable(spark)
    replaced = own(spark)
    hydrofoil.enable(spark)
    assert own(spark) is replaced is not original
    assert replaced.__doc__ == original.__doc__
    assert switch.original_of(type(spark.range(1)), "collect") is original
    assert paths_of_a_call(spark) == {paths.FAST}
    hydrofoil.enable(spark, driver=False)
    assert own(spark) is original
    hydrofoil.disable(spark)
    assert not paths_of_a_call(spark)


def test_what_a_pyspark_has_not_is_left_out(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pyspark.sql.streaming.readwriter import DataStreamWriter

    monkeypatch.delattr(DataStreamWriter, "foreach")
    for _ in range(2):
        hydrofoil.enable(spark)
        assert paths_of_a_call(spark) == {paths.FAST}
        hydrofoil.disable(spark)
    [line] = capsys.readouterr().err.splitlines()
    assert "it has no pyspark.sql.streaming.readwriter.DataStreamWriter.foreach" in line


def test_somebody_elses_patch_stays(spark: SparkSession) -> None:
    frame = type(spark.range(1))
    original = own(spark)
    hydrofoil.enable(spark)
    ours = own(spark)
    calls = []

    def theirs(self: Any) -> Any:
        calls.append(self)
        return ours(self)

    frame.collect = theirs  # type: ignore[method-assign]
    try:
        hydrofoil.disable(spark)
        assert own(spark) is theirs
        # Through theirs and ours to the original.
        assert not paths_of_a_call(spark)
        hydrofoil.enable(spark)
        assert own(spark) is theirs
        assert paths_of_a_call(spark) == {paths.FAST}
        assert len(calls) == 2
    finally:
        frame.collect = ours  # type: ignore[method-assign]
        hydrofoil.disable(spark)
    assert own(spark) is original


def test_a_function_is_fast_for_itself_alone(spark: SparkSession) -> None:
    original = own(spark)
    paths.forget()
    assert len(collect(spark.range(4))) == 4
    assert [one["path"] for one in paths.taken()] == [paths.FAST]
    assert own(spark) is original
    with switch.enabled_here(spark):
        found: list[set[object]] = []
        other = threading.Thread(target=lambda: found.append(paths_of_a_call(spark)))
        other.start()
        other.join()
        assert found == [set()]
        assert paths_of_a_call(spark) == {paths.FAST}


def test_off_by_the_environment(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    original = own(spark)
    monkeypatch.setenv("HYDROFOIL", "off")
    hydrofoil.enable(spark)
    assert own(spark) is original
    assert len(collect(spark.range(2))) == 2


def test_a_replaced_class_is_stocks(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    class Frozen(datetime.datetime):
        pass

    hydrofoil.enable(spark)
    monkeypatch.setattr(datetime, "datetime", Frozen)
    assert paths_of_a_call(spark) == {paths.STOCK}
