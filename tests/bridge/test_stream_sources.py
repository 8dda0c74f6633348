"""Streams of Python data sources, and batch writes, under both engines: calls, rows, messages."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark import cloudpickle
from pyspark.sql import DataFrame, Row, SparkSession

import hydrofoil
from bridge import events
from bridge.events import note, noted
from hydrofoil.counts.sending import KEY
from hydrofoil.counts.task_trace import FAST
from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine, use_conf, use_engine

VERSION = installed_version()
if VERSION is None or VERSION.minor == "3.5":
    pytest.skip("this version has no Python data sources", allow_module_level=True)

from pyspark.sql.datasource import (  # noqa: E402
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    DataSourceStreamWriter,
    DataSourceWriter,
    InputPartition,
    SimpleDataSourceStreamReader,
    WriterCommitMessage,
)

cloudpickle.register_pickle_by_value(events)

SCHEMA = "id long, text string, parts array<int>, pair struct<a: int, b: date>"
ROWS = 25


def row(i: int) -> Any:
    import datetime

    return (i, f"é{i}", [i, None], (i, datetime.date(2024, 1, 1 + i)))


def whole_row(i: int) -> Any:
    """Without a null in the array, which Spark can't copy when it keeps rows of a simple reader."""
    return (*row(i)[:2], [i, -i], row(i)[3])


class Part(InputPartition):
    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


class Reader(DataSourceReader):
    def partitions(self) -> list[InputPartition]:
        return [Part(0, 10), Part(10, ROWS)]

    def read(self, partition: Any) -> Iterator[Any]:
        return map(row, range(partition.start, partition.end))


class StreamReader(DataSourceStreamReader):
    def initialOffset(self) -> dict[str, int]:
        return {"at": 0}

    def latestOffset(self) -> dict[str, int]:  # type: ignore[override, unused-ignore]
        return {"at": ROWS}

    def partitions(self, start: dict[str, int], end: dict[str, int]) -> list[InputPartition]:
        middle = (start["at"] + end["at"]) // 2
        return [Part(start["at"], middle), Part(middle, end["at"])]

    def read(self, partition: Any) -> Iterator[Any]:
        return map(row, range(partition.start, partition.end))


class SimpleReader(SimpleDataSourceStreamReader):
    """Three micro-batches; Spark reads them beside the driver."""

    def initialOffset(self) -> dict[str, int]:
        return {"at": 0}

    def read(self, start: dict[str, int]) -> tuple[Iterator[Any], dict[str, int]]:
        end = min(start["at"] + 10, ROWS)
        return iter([whole_row(i) for i in range(start["at"], end)]), {"at": end}

    def readBetweenOffsets(self, start: dict[str, int], end: dict[str, int]) -> Iterator[Any]:
        return map(whole_row, range(start["at"], end["at"]))


@dataclass
class Wrote(WriterCommitMessage):
    first: int
    rows: int


class Writes:
    """What writers of batches and of streams do in the same way."""

    def __init__(self, options: dict[str, str]) -> None:
        self.folder, self.fails = options["folder"], options.get("fails")

    def write(self, iterator: Iterator[Row]) -> Wrote:
        first, count = -1, 0
        for one in iterator:
            note(self.folder, "row", row=repr(one), names=one.__fields__, inner=repr(one.pair.b))
            if str(one.id) == self.fails:
                raise LookupError(f"no {one.id}")
            first = one.id if first < 0 else first
            count += 1
        return Wrote(first, count)

    def told(self, what: str, messages: Any, *batch: int) -> None:
        known = sorted((m.first, m.rows) for m in messages if m is not None)
        note(self.folder, what, known=known, of=len(messages), batch=batch)


class Writer(Writes, DataSourceWriter):  # type: ignore[misc, unused-ignore]
    def commit(self, messages: Any) -> None:
        self.told("commit", messages)

    def abort(self, messages: Any) -> None:
        self.told("abort", messages)


class StreamWriter(Writes, DataSourceStreamWriter):  # type: ignore[misc, unused-ignore]
    def commit(self, messages: Any, batchId: int) -> None:
        self.told("commit", messages, batchId)

    def abort(self, messages: Any, batchId: int) -> None:
        self.told("abort", messages, batchId)


class Source(DataSource):
    @classmethod
    def name(cls) -> str:
        return "streams"

    def schema(self) -> str:
        return SCHEMA

    def reader(self, schema: Any) -> Reader:
        return Reader()

    def streamReader(self, schema: Any) -> StreamReader:
        return StreamReader()

    def writer(self, schema: Any, overwrite: bool) -> Writer:
        return Writer(self.options)

    def streamWriter(self, schema: Any, overwrite: bool) -> StreamWriter:
        return StreamWriter(self.options)


class SimpleSource(DataSource):
    @classmethod
    def name(cls) -> str:
        return "simple_streams"

    def schema(self) -> str:
        return SCHEMA

    def simpleStreamReader(self, schema: Any) -> SimpleReader:
        return SimpleReader()


COLUMNAR = Engine("hydrofoil, columnar", "hydrofoil.daemon", columnar=True)


@pytest.fixture(scope="module")
def registered(spark: SparkSession) -> Iterator[SparkSession]:
    spark.dataSource.register(Source)
    spark.dataSource.register(SimpleSource)
    with use_conf(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "10", KEY: "true"}):
        yield spark


def under_both(spark: SparkSession, tmp_path: Path, run: Callable[[Path], Any]) -> Any:
    """What a run gives, which has to be the same by each engine."""
    made = []
    for engine in (WARM_STOCK, HYDROFOIL):
        folder = tmp_path / engine.name
        folder.mkdir()
        with use_engine(spark, engine):
            made.append(run(folder))
    stock, ours = made
    assert ours == stock
    return stock


def drained(query: Any) -> str:
    """A stream's error, once all that there is was read."""
    try:
        query.processAllAvailable()
    except Exception as error:
        return said_last(error)
    finally:
        query.stop()
    return ""


def said_last(error: Exception) -> str:
    """The line of an error that the user's code has made; all of it where there is none."""
    text = str(error)
    return next((line for line in text.splitlines() if "Error: no " in line), text)


# Spark starts a process of its own for each stream of a simple reader.
@pytest.mark.parametrize(
    "source", ["streams", pytest.param("simple_streams", marks=pytest.mark.slow)]
)
def test_stream_reader(registered: SparkSession, tmp_path: Path, source: str) -> None:
    def read(folder: Path) -> Any:
        batches: dict[int, list[Any]] = {}

        def keep(batch: DataFrame, number: int) -> None:
            batches[number] = sorted(batch.collect())

        stream = registered.readStream.format(source).load()
        checkpoint = str(folder / "checkpoint")
        query = stream.writeStream.option("checkpointLocation", checkpoint).foreachBatch(keep)
        assert not drained(query.start())
        return batches

    rows = [one for batch in under_both(registered, tmp_path, read).values() for one in batch]
    assert [one.id for one in rows] == list(range(ROWS))


@pytest.mark.parametrize("fails", [None, "13"])
def test_stream_writer(registered: SparkSession, tmp_path: Path, fails: str | None) -> None:
    def write(folder: Path) -> Any:
        kept = folder / "events"
        kept.mkdir()
        stream = registered.readStream.format("streams").load()
        writer = stream.writeStream.format("streams").option("folder", str(kept))
        if fails:
            # The other partition's task ends, or does not, before this one fails.
            writer = (
                stream.coalesce(1)
                .writeStream.format("streams")
                .options(folder=str(kept), fails=fails)
            )
        error = drained(writer.option("checkpointLocation", str(folder / "checkpoint")).start())
        return error, noted(kept)

    error, happened = under_both(registered, tmp_path, write)
    kinds = [what for what, _ in happened]
    assert kinds.count("row") == (14 if fails else ROWS)
    assert kinds.count("commit") == (0 if fails else 1)
    assert kinds.count("abort") == (1 if fails else 0)
    assert bool(error) == bool(fails)


@pytest.mark.parametrize("fails", [None, "13"])
def test_batch_writer(registered: SparkSession, tmp_path: Path, fails: str | None) -> None:
    def write(folder: Path) -> Any:
        data = registered.read.format("streams").load()
        options = {"folder": str(folder)} | ({"fails": fails} if fails else {})
        try:
            (data.coalesce(1) if fails else data).write.format("streams").options(**options).mode(
                "append"
            ).save()
        except Exception as error:
            return said_last(error), noted(folder)
        return "", noted(folder)

    error, happened = under_both(registered, tmp_path, write)
    assert bool(error) == bool(fails)
    kinds = [what for what, _ in happened]
    assert kinds.count("row") == (14 if fails else ROWS)
    assert kinds.count("commit") == (0 if fails else 1)
    assert kinds.count("abort") == (1 if fails else 0)


@pytest.mark.parametrize("engine", [HYDROFOIL, COLUMNAR], ids=lambda engine: engine.name)
def test_the_core_makes_and_takes_the_rows(
    registered: SparkSession, tmp_path: Path, engine: Engine
) -> None:
    with use_engine(registered, engine):
        data = registered.read.format("streams").load()
        plan = data._jdf.queryExecution().executedPlan().toString()
        assert ("HydrofoilBatchScan" in plan) == engine.columnar
        # Batches of 10 rows: of the first part one, of the second two.
        assert len(data.collect()) == ROWS
        [read] = hydrofoil.last_query(registered).workers
        assert (read.tasks, dict(read.batches)) == (2, {FAST: 3})

        registered.range(0, ROWS, 1, 1).selectExpr(
            "id", "'x' text", "array(1) parts", "struct(1 a, date'2024-01-01' b) pair"
        ).write.format("streams").option("folder", str(tmp_path)).mode("append").save()
        [write] = hydrofoil.last_query(registered).workers
        assert (write.tasks, set(write.batches)) == (1, {FAST})


def test_what_the_jvm_leaves_to_spark(registered: SparkSession) -> None:
    key = "spark.sql.execution.arrow.useLargeVarTypes"
    with use_engine(registered, COLUMNAR), use_conf(registered, {key: "true"}):
        data = registered.read.format("streams").load()
        plan = data._jdf.queryExecution().executedPlan().toString()
        assert f"LeftToSpark (not Hydrofoil's: {key} is true)" in plan
        assert "HydrofoilBatchScan" not in plan
        assert [one.id for one in data.collect()] == list(range(ROWS))
