"""Sinks of streams that are the program's own code: what is called, with which rows, how often."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark import cloudpickle
from pyspark.sql import DataFrame, Row, SparkSession

import hydrofoil
from bridge import events
from bridge.events import note, noted
from hydrofoil.driver import paths
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, use_engine

cloudpickle.register_pickle_by_value(events)

LINES = [f"line {i}" for i in range(12)]


class Sink:
    """An object with all three methods; which of them do what else is the test's."""

    def __init__(self, folder: str, opens: bool = True, fails: str = "") -> None:
        self.folder, self.opens, self.fails = folder, opens, fails

    def open(self, partition: int, epoch: int) -> bool:
        note(self.folder, "open", partition=partition, epoch=epoch)
        return self.opens

    def process(self, row: Row) -> None:
        note(self.folder, "row", row=repr(row), kind=type(row).__name__, text=row.value)
        if row.value == self.fails:
            raise LookupError(f"no {row.value}")

    def close(self, error: Any) -> None:
        note(self.folder, "close", error=repr(error))


class Bare:
    """An object with the one method that must be there."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def process(self, row: Row) -> None:
        note(self.folder, "row", row=repr(row))


SINKS: dict[str, Callable[[str], Any]] = {
    "function": lambda folder: lambda row: note(folder, "row", row=repr(row)),
    "object": Sink,
    "object of one method": Bare,
    "closed at once": lambda folder: Sink(folder, opens=False),
    "failing": lambda folder: Sink(folder, fails="line 7"),
}


def ran(spark: SparkSession, folder: Path, sink: Callable[[Any], Any]) -> str:
    """Run a stream over some lines to its end; the answer is its error."""
    lines = folder / "lines"
    lines.mkdir(parents=True)
    (lines / "some.txt").write_text("\n".join(LINES), encoding="utf-8")
    writer = sink(spark.readStream.text(str(lines)).writeStream)
    writer = writer.option("checkpointLocation", str(folder / "checkpoint"))
    query = writer.trigger(availableNow=True).start()
    try:
        query.awaitTermination()
    except Exception as error:
        return next(line for line in str(error).splitlines() if "Error: " in line)
    return ""


@pytest.mark.parametrize("name", SINKS)
def test_foreach(spark: SparkSession, tmp_path: Path, name: str) -> None:
    outcomes = []
    for engine in (WARM_STOCK, HYDROFOIL):
        kept = tmp_path / f"{engine.name}-events"
        kept.mkdir()
        with use_engine(spark, engine):
            make = SINKS[name]
            error = ran(
                spark, tmp_path / engine.name, lambda w, k=kept, m=make: w.foreach(m(str(k)))
            )
        outcomes.append((error, noted(kept)))
    stock, ours = outcomes
    assert ours == stock
    kinds = [what for what, _ in stock[1]]
    assert kinds.count("row") == {"closed at once": 0, "failing": 8}.get(name, len(LINES))
    assert bool(stock[0]) == (name == "failing")


def test_foreach_batch(spark: SparkSession, tmp_path: Path) -> None:
    """What the function does with its DataFrame takes the driver's paths."""

    def outcome(folder: Path) -> Any:
        made: list[Any] = []

        def use(batch: DataFrame, number: int) -> None:
            made.append((number, batch.collect(), list(batch.toLocalIterator())))
            made.append(sorted(batch.rdd.map(lambda row: row.value).collect()))
            made.append(batch.count())

        error = ran(spark, folder, lambda writer: writer.foreachBatch(use))
        return error, made

    hydrofoil.disable(spark)
    with use_engine(spark, HYDROFOIL):
        stock = outcome(tmp_path / "stock")
        hydrofoil.enable(spark)
        paths.forget()
        try:
            ours = outcome(tmp_path / "ours")
        finally:
            hydrofoil.disable(spark)
    assert ours == stock
    taken = paths.taken()
    assert {one["path"] for one in taken} == {paths.FAST}, taken
    assert {str(one["call"]) for one in taken} >= {"collect", "toLocalIterator"}, taken
    assert not stock[0]
    assert stock[1][2] == len(LINES)
