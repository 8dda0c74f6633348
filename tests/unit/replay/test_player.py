"""The replayer, on tasks recorded from a real Spark."""

import os
from typing import Any, BinaryIO

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf, udf

from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.replay.answer import AnswerError, read_answer
from hydrofoil.tools.replay.player import Player, UnequalAnswersError, compare, floor
from hydrofoil.tools.replay.recorder import record

# See tests/conftest.py.
ONE_IN = 4


def task(spark: SparkSession, function: Any, returns: str, arrow: bool = True) -> Recording:
    """The only task of ``function`` over 0 to 999; an error of the function is let pass."""
    query = spark.range(0, 1000, 1, 1).select(udf(function, returns, useArrow=arrow)("id"))

    def run() -> None:
        try:
            query.collect()
        except Exception:
            if not function.__name__.startswith("fail"):
                raise

    (recording,) = record(spark, run)
    return recording


def fail_at_700(x: int) -> int:
    if x == 700:
        raise ValueError("seven hundred")
    return x


def off_by_one(infile: BinaryIO, outfile: BinaryIO) -> None:
    """A wrong worker: stock's, with one byte of its answer's data changed."""
    import io

    from pyspark import worker

    answer = io.BytesIO()
    worker.main(infile, answer)
    content = bytearray(answer.getvalue())
    position = content.index((500).to_bytes(8, "little"))
    content[position] ^= 1
    outfile.write(content)


def merge_batches(infile: BinaryIO, outfile: BinaryIO) -> None:
    """A worker whose answer is stock's, in one batch."""
    import io

    import pyarrow as pa
    from pyspark import worker

    answer = io.BytesIO()
    worker.main(infile, answer)
    content = answer.getvalue()
    source = pa.BufferReader(content[4:])
    table = pa.ipc.open_stream(source).read_all().combine_chunks()
    outfile.write(content[:4])
    with pa.ipc.new_stream(outfile, table.schema) as writer:
        writer.write_table(table)
    outfile.write(content[4 + source.tell() :])


def die(infile: BinaryIO, outfile: BinaryIO) -> None:
    os.kill(os.getpid(), 9)


@pytest.fixture(scope="module")
def long_task(spark: SparkSession) -> Recording:
    return task(spark, lambda x: x * 2, "long")


@pytest.mark.parametrize("engine", ["stock", "hydrofoil"])
@pytest.mark.parametrize("transport", ["socket", "memory"])
@pytest.mark.parametrize("cold", [True, False])
def test_arrow_answer(long_task: Recording, engine: str, transport: Any, cold: bool) -> None:
    with Player(long_task.environment) as player:
        run = player.play(long_task, engine, transport, cold)
    answer = read_answer(run.output, long_task)
    assert run.exit_code == 0
    assert run.cpu > 0
    assert answer.reusable
    assert answer.error is None
    assert answer.table.column(0).to_pylist() == [x * 2 for x in range(1000)]


@pytest.mark.parametrize("engine", ["stock", "hydrofoil"])
def test_pickled_answer(spark: SparkSession, engine: str) -> None:
    recording = task(spark, lambda x: str(x), "string", arrow=False)
    with Player(recording.environment) as player:
        answer = read_answer(player.play(recording, engine).output, recording)
    assert answer.table is None
    assert answer.rows == 1000
    assert [x for frame in answer.values for x in frame] == [str(x) for x in range(1000)]


@pytest.mark.parametrize("engine", ["stock", "hydrofoil"])
@pytest.mark.parametrize("arrow", [True, False])
def test_error_of_the_function(spark: SparkSession, engine: str, arrow: bool) -> None:
    recording = task(spark, fail_at_700, "long", arrow)
    with Player(recording.environment) as player:
        run = player.play(recording, engine)
    answer = read_answer(run.output, recording)
    assert run.exit_code != 0
    assert answer.error is not None
    assert answer.error.strip().endswith("ValueError: seven hundred")
    assert not answer.reusable


def test_recorded_time_zone_is_set(spark: SparkSession, long_task: Recording) -> None:
    import dataclasses

    recording = task(spark, lambda x: os.environ.get("TZ"), "string")
    there = dataclasses.replace(recording, environment={**recording.environment, "TZ": "Etc/GMT-5"})
    with Player(there.environment) as player:
        answer = read_answer(player.play(there, "stock").output, there)
        assert set(answer.table.column(0).to_pylist()) == {"Etc/GMT-5"}
        with pytest.raises(ValueError, match="use one player for each environment"):
            player.play(long_task, "stock")


def test_comparison(long_task: Recording) -> None:
    result = compare(long_task, runs=2)
    assert result.rows == 1000
    assert {engine: len(runs) for engine, runs in result.runs.items()} == {
        "stock": 2,
        "hydrofoil": 2,
    }
    assert result.ratio() == pytest.approx(
        result.cpu_ns_per_row("stock") / result.cpu_ns_per_row("hydrofoil")
    )


def test_unequal_answers_are_no_figure(long_task: Recording) -> None:
    with pytest.raises(UnequalAnswersError, match=r"off_by_one .* row 250: 500 and 501"):
        compare(long_task, ("stock", f"{__name__}:off_by_one"), runs=1)


def test_merged_batches_are_no_answer_where_spark_tells_them_apart(spark: SparkSession) -> None:
    def mean(v: pd.Series) -> float:
        return v.mean()

    merged = f"{__name__}:merge_batches"
    data = spark.range(0, 60, 1, 1).selectExpr("id % 4 as g", "id as v").coalesce(1)
    (groups,) = record(spark, data.groupBy("g").applyInPandas(lambda d: d, data.schema).collect)
    assert compare(groups, ("stock", merged), runs=1).answer.rows == 60
    aggregate = data.groupBy("g").agg(pandas_udf(mean, "double")("v"))
    (groups,) = record(spark, aggregate.collect)
    with pytest.raises(UnequalAnswersError, match=r"merge_batches .* batches of other sizes"):
        compare(groups, ("stock", merged), runs=1)


def test_errors_compare_by_their_last_line(spark: SparkSession) -> None:
    result = compare(task(spark, fail_at_700, "long"), runs=1)
    assert result.answer.error is not None


def test_killed_worker(long_task: Recording) -> None:
    with Player(long_task.environment) as player:
        run = player.play(long_task, f"{__name__}:die")
        assert run.exit_code == -9
        with pytest.raises(AnswerError, match="not complete"):
            read_answer(run.output, long_task)
        assert player.play(long_task, "stock").exit_code == 0


def test_truncated_recording_ends(long_task: Recording) -> None:
    import dataclasses

    cut = dataclasses.replace(long_task, data=long_task.data[:-200])
    with Player(cut.environment) as player:
        run = player.play(cut, "stock")
    assert run.exit_code != 0


def test_unknown_engine(long_task: Recording) -> None:
    with (
        Player(long_task.environment) as player,
        pytest.raises(ValueError, match=r"'stok'.*stock, hydrofoil, or module:function"),
    ):
        player.play(long_task, "stok")


def test_floor_counts_the_function() -> None:
    assert floor(lambda x: x + 1, list(range(1000)), runs=1) > 0
    assert floor(lambda x, y: x + y, list(range(1000)), list(range(1000)), runs=1) > 0


def test_floor_of_a_failing_function_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="bare loop"):
        floor(lambda x: x.missing, [1], runs=1)
