"""Sinks of streams that are the program's own code: what is called, with which rows, how often."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driver import exactly as values
from driver.columns import COLUMNS
from pyspark import cloudpickle
from pyspark.sql import DataFrame, Row, SparkSession

import hydrofoil
from bridge import events
from bridge.events import note, noted
from hydrofoil.driver import paths
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, use_conf, use_engine

cloudpickle.register_pickle_by_value(events)
cloudpickle.register_pickle_by_value(values)

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


class Total:
    """Adds rows up, and says so at the end; fails, or is closed at once, where the test says so."""

    def __init__(self, folder: str, opens: bool = True, fails: int = -1) -> None:
        self.folder, self.opens, self.fails = folder, opens, fails

    def open(self, partition: int, epoch: int) -> bool:
        self.rows = self.sum = 0
        return self.opens

    def process(self, row: Row) -> None:
        if row.n == self.fails:
            raise LookupError(f"no {row.n}")
        self.rows += 1
        self.sum += row.n * len(row.text)

    def close(self, error: Any) -> None:
        note(self.folder, "close", rows=self.rows, sum=self.sum, error=repr(error))


# What no Python value can be made of is an error of the stream.
TYPES = {name: sql for name, sql in COLUMNS.items() if "year" not in name}

SINKS: dict[str, Callable[[str], Any]] = {
    "function": lambda folder: lambda row: note(folder, "row", row=repr(row)),
    "object": Sink,
    "object of one method": Bare,
    "closed at once": lambda folder: Sink(folder, opens=False),
    "failing": lambda folder: Sink(folder, fails="line 7"),
}


def ran(
    spark: SparkSession,
    folder: Path,
    sink: Callable[[Any], Any],
    columns: tuple[str, ...] = ("value",),
) -> str:
    """Run a stream over some lines to its end; the answer is its error."""
    lines = folder / "lines"
    lines.mkdir(parents=True)
    (lines / "some.txt").write_text("\n".join(LINES), encoding="utf-8")
    writer = sink(spark.readStream.text(str(lines)).selectExpr(*columns).writeStream)
    writer = writer.option("checkpointLocation", str(folder / "checkpoint"))
    query = writer.trigger(availableNow=True).start()
    try:
        query.awaitTermination()
    except Exception as error:
        return next(line for line in str(error).splitlines() if "Error: " in line)
    return ""


def both(
    spark: SparkSession,
    folder: Path,
    make: Callable[[str], Any],
    columns: tuple[str, ...] = ("value",),
) -> Any:
    """A stream's error and what its sink noted, equal by stock's pickles and by record batches."""
    outcomes = []
    for engine, driver in ((WARM_STOCK, False), (HYDROFOIL, False), (HYDROFOIL, True)):
        name = f"{engine.name}-{driver}"
        kept = folder / f"{name}-events"
        kept.mkdir()
        hydrofoil.enable(spark, driver=driver)
        paths.forget()
        try:
            with use_conf(spark, {ENABLED_KEY: str(driver).lower()}), use_engine(spark, engine):
                error = ran(
                    spark, folder / name, lambda w, k=kept: w.foreach(make(str(k))), columns
                )
        finally:
            hydrofoil.disable(spark)
        taken = {(one["call"], one["path"]) for one in paths.taken()}
        fast = paths.FAST if spark.version >= "4" else paths.STOCK
        assert taken == ({("writeStream.foreach", fast)} if driver else set())
        outcomes.append((error, noted(kept)))
    stock, pickled, ours = outcomes
    assert pickled == stock
    assert ours == stock
    return stock


@pytest.mark.parametrize("name", SINKS)
def test_foreach(spark: SparkSession, tmp_path: Path, name: str) -> None:
    error, events = both(spark, tmp_path, SINKS[name])
    kinds = [what for what, _ in events]
    assert kinds.count("row") == {"closed at once": 0, "failing": 8}.get(name, len(LINES))
    assert bool(error) == (name == "failing")


def test_foreach_of_values_of_each_type(spark: SparkSession, tmp_path: Path) -> None:
    number = "int(substr(value, 6))"
    columns = [f"try_element_at(array({TYPES[name]}), {number} + 1) as `{name}`" for name in TYPES]

    def sink(folder: str) -> Callable[[Row], None]:
        return lambda row: note(folder, "row", row=repr(values.exactly(row)))

    error, events = both(spark, tmp_path, sink, tuple(columns))
    assert not error
    assert len(events) == len(LINES)


@pytest.mark.parametrize("options", [{}, {"opens": False}, {"fails": 1_700}])
def test_foreach_of_many_rows(spark: SparkSession, tmp_path: Path, options: dict[str, Any]) -> None:
    columns = ("explode(sequence(0, 3000)) as n", "value as text")
    error, events = both(spark, tmp_path, lambda folder: Total(folder, **options), columns)
    assert bool(error) == ("fails" in options)
    rows = {"opens": 0, "fails": 1_700}.get(next(iter(options), ""), len(LINES) * 3_001)
    assert [values["rows"] for _, values in events] == [rows]


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
