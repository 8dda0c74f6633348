"""A Python data source that yields tuples, for the suite ``driver``; from Spark 4.0 on."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

NAME = "hydrofoil_bench_rows"


class RowSource(DataSource):
    """So many rows, each made of its number; subclasses know how, and of which columns."""

    row: Callable[[int], tuple[Any, ...]]
    columns: str

    @classmethod
    def name(cls) -> str:
        return NAME

    def schema(self) -> str:
        return self.columns

    def reader(self, schema: Any) -> "_Reader":
        return _Reader(type(self).row, int(self.options["rows"]), int(self.options["partitions"]))


class _Part(InputPartition):
    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop


class _Reader(DataSourceReader):
    def __init__(self, row: Callable[[int], tuple[Any, ...]], rows: int, partitions: int) -> None:
        self.row, self.rows, self.parts = row, rows, partitions

    def partitions(self) -> list[InputPartition]:
        ends = [self.rows * i // self.parts for i in range(self.parts + 1)]
        return [_Part(start, stop) for start, stop in pairwise(ends)]

    def read(self, partition: Any) -> Iterator[tuple[Any, ...]]:
        return map(self.row, range(partition.start, partition.stop))


def source_of(row: Callable[[int], tuple[Any, ...]], columns: str) -> type[RowSource]:
    """The data source for these rows; a module's function is found by its name in workers."""
    return type("Rows", (RowSource,), {"row": staticmethod(row), "columns": columns})
