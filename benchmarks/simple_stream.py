"""What a row of a `simpleStreamReader` costs, and where: ``python -m benchmarks.simple_stream``.

Spark reads such rows beside the driver, in a process that it starts by a fixed name, and keeps them
in the JVM until a task takes them. Streams of few and of many rows are read into the sink that
drops them; what the many cost more, over their number, is CPU time a row: of the JVM, and of the
process that reads, whose share has the reader's own in it. Then the part that the core could do,
record batches of the rows, is done alone: by PySpark, and by Hydrofoil's encoder.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import psutil
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

import hydrofoil
from benchmarks.sheets import finish, sheet
from hydrofoil.tools.cli.written import Written

_BATCH = 10_000
_RUNNER = "pyspark.sql.streaming.python_streaming_source_runner"
_SCHEMA = "a long, b double, c string"


def row(i: int) -> tuple[Any, ...]:
    return i, i * 0.5, f"name {i}"


def source() -> Any:
    """The data source, made here: its module is not on the path of the process that reads."""
    from pyspark.sql.datasource import DataSource, SimpleDataSourceStreamReader

    def rows(start: int, end: int) -> Iterator[Any]:
        return ((i, i * 0.5, f"name {i}") for i in range(start, end))

    class Reader(SimpleDataSourceStreamReader):
        def __init__(self, rows: int) -> None:
            self.rows = rows

        def initialOffset(self) -> dict[str, int]:
            return {"at": 0}

        def read(self, start: dict[str, int]) -> tuple[Iterator[Any], dict[str, int]]:
            # A list: Spark copies the iterator.
            return iter(list(rows(start["at"], self.rows))), {"at": self.rows}

        def readBetweenOffsets(self, start: dict[str, int], end: dict[str, int]) -> Iterator[Any]:
            return rows(start["at"], end["at"])

    class Source(DataSource):
        @classmethod
        def name(cls) -> str:
            return "simple"

        def schema(self) -> str:
            return _SCHEMA

        def simpleStreamReader(self, schema: Any) -> Reader:
            return Reader(int(self.options["rows"]))

    return Source


def stream(spark: SparkSession, jvm: psutil.Process, rows: int) -> tuple[float, float]:
    """CPU seconds of the JVM and of the process that reads, for one stream."""
    before = _seconds(jvm)
    with tempfile.TemporaryDirectory() as folder:
        data = spark.readStream.format("simple").option("rows", rows).load()
        query = data.writeStream.format("noop").option("checkpointLocation", folder).start()
        try:
            query.processAllAvailable()
            readers = [each for each in jvm.children() if _RUNNER in each.cmdline()]
            return _seconds(jvm) - before, sum(map(_seconds, readers))
        finally:
            query.stop()


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def by_pyspark(rows: list[Any], schema: StructType) -> None:
    """Record batches as PySpark makes them."""
    from pyspark.sql.worker.plan_data_source_read import records_to_arrow_batches

    made: Any = records_to_arrow_batches(iter(rows), _BATCH, schema, None)  # type: ignore[arg-type]
    for _ in made:
        pass


def by_the_core(rows: list[Any], schema: StructType) -> None:
    """The same columns, encoded."""
    from hydrofoil._cext.udtf import SourceRowsEncoder
    from hydrofoil.spark.stock.conversion import options
    from hydrofoil.values.type_table import encoder_for

    how = options(binary_as_bytes=True, wide_offsets=False)
    given = iter(rows)
    while True:
        fields = [encoder_for(field.dataType, how) for field in schema.fields]
        encoder = SourceRowsEncoder(fields, schema.names, how.row_type)
        taken: list[Any] = []
        if not encoder.drain(islice(given, _BATCH), taken, True):
            raise RuntimeError("the encoder left a row")
        if not taken:
            return


def alone(convert: Callable[[list[Any], StructType], None], rows: list[Any]) -> float:
    """CPU seconds a row, the least of some runs."""
    from pyspark.sql.types import _parse_datatype_string

    schema = _parse_datatype_string(_SCHEMA)
    assert isinstance(schema, StructType)
    times = []
    for _ in range(5):
        begin = time.process_time()
        convert(rows, schema)
        times.append(time.process_time() - begin)
    return min(times) / len(rows)


@click.command()
@click.option("--few", default=100_000, show_default=True)
@click.option("--many", default=1_000_000, show_default=True)
@click.option("--repeat", default=5, show_default=True)
@click.option("--json", "json_file", type=Written())
def main(few: int, many: int, repeat: int, json_file: Path | None) -> None:
    """Print CPU time a row of a stream, and of its rows' conversion alone."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quiet = dict.fromkeys(("spark.ui.enabled", "spark.ui.showConsoleProgress"), "false")
    spark = hydrofoil.session(master="local[2]", conf=quiet)
    spark.sparkContext.setLogLevel("OFF")
    spark.dataSource.register(source())
    java: Any = spark._jvm
    jvm = psutil.Process(java.java.lang.ProcessHandle.current().pid())
    # The first ones are the JVM's warm-up.
    taken = [(stream(spark, jvm, few), stream(spark, jvm, many)) for _ in range(repeat + 2)][2:]
    parts = [
        statistics.median((b[part] - a[part]) / (many - few) for a, b in taken) for part in (0, 1)
    ]
    rows = [row(i) for i in range(few)]
    conversions = [alone(convert, rows) for convert in (by_pyspark, by_the_core)]
    spark.stop()

    table = sheet(f"CPU time of a row of a simpleStreamReader: {_SCHEMA}", "part", "us a row")
    names = ("the JVM", "the process that reads", "of it conversion, by PySpark", "... by the core")
    for name, seconds in zip(names, [*parts, *conversions], strict=True):
        table.add_row(name, f"{seconds * 1e6:.2f}")
    jvm_part, reader = parts
    after = jvm_part + reader - conversions[0] + conversions[1]
    table.add_row("what a faster conversion could save, times", f"{sum(parts) / after:.2f}")
    finish(table, json_file, few=few, many=many, samples=taken, conversions=conversions)


if __name__ == "__main__":
    main()
