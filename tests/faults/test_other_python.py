"""What Hydrofoil does not speed up, and what surrounds a UDF: the same as under stock."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark import BarrierTaskContext, TaskContext
from pyspark.sql import Row, SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.functions import lit, udf, udtf
from pyspark.sql.types import LongType, StructType
from pyspark.sql.udtf import AnalyzeResult

from faults.conftest import Both
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, use_conf, use_engine


def collected(frame) -> list[Row]:
    return sorted(frame.collect())


def test_broadcast_and_accumulator(spark: SparkSession, both: Both) -> None:
    context = spark.sparkContext
    table = context.broadcast({0: "zero", 1: "one", 2: "two"})
    totals = []

    def query():
        seen = context.accumulator(0)

        def name(x):
            seen.add(x)
            return table.value[x]

        rows = collected(spark.range(0, 3, 1, 2).select(udf(name, "string")("id")))
        totals.append(seen.value)
        return rows

    both(query)
    assert totals == [3, 3]


def test_py_files(spark: SparkSession, both: Both, tmp_path: Path) -> None:
    source = tmp_path / "shipped_for_faults.py"
    source.write_text("def triple(x):\n    return 3 * x\n")
    spark.sparkContext.addPyFile(str(source))

    def call(x):
        import shipped_for_faults

        return shipped_for_faults.triple(x)

    rows = both(lambda: collected(spark.range(3).select(udf(call, "long")("id"))))
    assert rows == ("value", [Row(0), Row(3), Row(6)])


def test_rdd_functions(spark: SparkSession, both: Both) -> None:
    numbers = spark.sparkContext.parallelize(range(20), 2)
    pairs = both(lambda: sorted(numbers.map(lambda x: (x % 3, x)).reduceByKey(max).collect()))
    assert pairs == ("value", [(0, 18), (1, 19), (2, 17)])
    both(lambda: numbers.mapPartitionsWithIndex(lambda i, part: [(i, sum(part))]).collect())


def test_task_context(spark: SparkSession, both: Both) -> None:
    def partition(_):
        return TaskContext.get().partitionId()

    frame = spark.range(0, 2, 1, 2)
    rows = both(lambda: collected(frame.select("id", udf(partition, "long")("id"))))
    assert rows == ("value", [Row(0, 0), Row(1, 1)])


def test_barrier(spark: SparkSession, both: Both) -> None:
    def gather(part: Iterator[int]) -> list[object]:
        context = BarrierTaskContext.get()
        context.barrier()
        return [(context.partitionId(), context.allGather(str(sum(part))))]

    numbers = spark.sparkContext.parallelize(range(4), 2)
    gathered = both(lambda: sorted(numbers.barrier().mapPartitions(gather).collect()))
    assert gathered == ("value", [(0, ["1", "5"]), (1, ["1", "5"])])


def test_barrier_in_a_frame(spark: SparkSession, both: Both) -> None:
    def gather(batches):
        context = BarrierTaskContext.get()
        messages = context.allGather(str(context.partitionId()))
        for batch in batches:
            everyone = pa.array([",".join(messages)] * batch.num_rows)
            yield batch.append_column("all", everyone)

    frame = spark.range(0, 2, 1, 2)
    rows = both(lambda: collected(frame.mapInArrow(gather, "id long, all string", barrier=True)))
    assert rows == ("value", [Row(0, "0,1"), Row(1, "0,1")])


@pytest.mark.parametrize("use_arrow", [True, False], ids=["arrow", "pickled"])
def test_profiler(spark: SparkSession, tmp_path: Path, use_arrow: bool) -> None:
    def profiled(x):
        return sum(range(x))

    spark.profile.clear()  # Of what other tests have left in the session.
    for engine in (STOCK, HYDROFOIL):
        folder = tmp_path / engine.name
        settings = {"spark.sql.pyspark.udf.profiler": "perf"}
        with use_engine(spark, engine), use_conf(spark, settings):
            column = udf(profiled, "long", useArrow=use_arrow)("id")
            assert len(spark.range(0, 9, 1, 1).select(column).collect()) == 9
        spark.profile.dump(str(folder))
        spark.profile.clear()
        [report] = [path.read_bytes() for path in folder.iterdir()]
        assert b"profiled" in report


class Squares(DataSource):
    @classmethod
    def name(cls) -> str:
        return "squares"

    def schema(self) -> str:
        return "n long, square long"

    def reader(self, schema: StructType) -> DataSourceReader:
        return SquaresReader()


class SquaresReader(DataSourceReader):
    def partitions(self) -> list[InputPartition]:
        return [InputPartition(n) for n in range(3)]

    def read(self, partition: InputPartition) -> Iterator[tuple[int, int]]:
        yield partition.value, partition.value**2


def test_python_data_source(spark: SparkSession, both: Both) -> None:
    def read():
        spark.dataSource.register(Squares)
        return collected(spark.read.format("squares").load())

    assert both(read) == ("value", [Row(0, 0), Row(1, 1), Row(2, 4)])


class Repeat:
    @staticmethod
    def analyze(count) -> AnalyzeResult:
        schema = StructType()
        for number in range(count.value):
            schema = schema.add(f"c{number}", LongType())
        return AnalyzeResult(schema)

    def eval(self, count: int):
        yield tuple(range(count))


def test_table_function_with_analyze(spark: SparkSession, both: Both) -> None:
    rows = both(lambda: udtf(Repeat)(lit(3)).collect())
    assert rows == ("value", [Row(c0=0, c1=1, c2=2)])


def test_stream_with_for_each_batch(spark: SparkSession, both: Both, tmp_path: Path) -> None:
    spark.range(5).write.parquet(str(tmp_path / "in"))
    doubled = {}

    def query():
        seen = []

        def keep(batch, _):
            seen.extend(row[0] for row in batch.collect())

        stream = spark.readStream.schema("id long").parquet(str(tmp_path / "in"))
        frame = stream.select(udf(lambda x: 2 * x, "long")("id"))
        place = str(tmp_path / f"checkpoint{len(doubled)}")
        doubled[place] = seen
        writer = frame.writeStream.foreachBatch(keep).option("checkpointLocation", place)
        writer.trigger(availableNow=True).start().awaitTermination()
        return sorted(seen)

    assert both(query) == ("value", [0, 2, 4, 6, 8])


def test_workers_are_reused_and_many_can_be_forked(spark: SparkSession) -> None:
    conf = spark.sparkContext._jsc.sc().conf()

    def pids() -> list[int]:
        column = udf(lambda _: os.getpid(), "long")("id")
        return [row[0] for row in spark.range(0, 12, 1, 12).select(column).collect()]

    with use_engine(spark, HYDROFOIL):
        # Two at a time; how many wait to be used again depends on what ran before.
        assert len(set(pids())) < 12
        conf.set("spark.python.worker.reuse", "false")
        try:
            assert len(set(pids())) == 12
        finally:
            conf.set("spark.python.worker.reuse", "true")
