"""Many queries at a time, each with answers that no other query has; among them some that fail.

A row that a worker gave to a wrong query, twice, or not at all is a wrong answer.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

PARTITIONS = 16
ROWS = 2_000
AT_ONCE = 6

Query = Callable[[DataFrame, int], list[tuple[int, str]]]


def collected(frame: DataFrame) -> list[tuple[int, str]]:
    return [tuple(row) for row in frame.collect()]


def by_rows(use_arrow: bool) -> Query:
    def query(frame: DataFrame, mark: int) -> list[tuple[int, str]]:
        number = F.udf(lambda i: i * 3 + mark, "long", useArrow=use_arrow)
        text = F.udf(lambda i: f"é{mark}-{i}", "string", useArrow=use_arrow)
        return collected(frame.select(number("id"), text("id")))

    return query


def by_series(frame: DataFrame, mark: int) -> list[tuple[int, str]]:
    number = F.pandas_udf(lambda s: s * 3 + mark, "long")
    text = F.pandas_udf(lambda s: s.map(lambda i: f"é{mark}-{i}"), "string")
    return collected(frame.select(number("id"), text("id")))


def by_batches(frame: DataFrame, mark: int) -> list[tuple[int, str]]:
    def function(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            ids = batch.column(0).to_pylist()
            numbers = pa.array([i * 3 + mark for i in ids], pa.int64())
            yield pa.record_batch([numbers, pa.array([f"é{mark}-{i}" for i in ids])], ["n", "s"])

    return collected(frame.mapInArrow(function, "n long, s string"))


def by_groups(frame: DataFrame, mark: int) -> list[tuple[int, str]]:
    def function(group: pd.DataFrame) -> pd.DataFrame:
        texts = [f"é{mark}-{i}" for i in group["id"]]
        return pd.DataFrame({"n": group["id"] * 3 + mark, "s": texts})

    grouped = frame.selectExpr("id", "id % 50 k").groupBy("k")
    return collected(grouped.applyInPandas(function, "n long, s string"))


def by_rdd(frame: DataFrame, mark: int) -> list[tuple[int, str]]:
    return frame.rdd.map(lambda row: (row.id * 3 + mark, f"é{mark}-{row.id}")).collect()


def by_two_kinds(frame: DataFrame, mark: int) -> list[tuple[int, str]]:
    text = F.udf(lambda i: f"é{mark}-{i}", "string")
    number = F.pandas_udf(lambda s: s * 3 + mark, "long")
    return collected(frame.select("id", text("id").alias("s")).select(number("id"), "s"))


QUERIES: dict[str, Query] = {
    "rows on Arrow": by_rows(True),
    "pickled rows": by_rows(False),
    "pandas": by_series,
    "mapInArrow": by_batches,
    "applyInPandas": by_groups,
    "RDD": by_rdd,
    "two kinds": by_two_kinds,
}


def failing(frame: DataFrame, mark: int) -> str:
    """A query of which one task fails, others are killed: what its error says is its own."""

    def function(i: int) -> int:
        if i == ROWS // 2:
            raise ValueError(f"mark {mark}!")
        return i

    try:
        frame.select(F.udf(function, "long")("id")).collect()
    except Exception as error:
        return "" if f"mark {mark}!" in str(error) else str(error)
    return "no error"


@dataclass
class Crowd:
    """Runs the queries from some threads until the time is over."""

    spark: SparkSession
    seconds: float
    queries: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    marks: Iterator[int] = field(default_factory=lambda: iter(range(10**6, 10**12, 10**6)))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        until = time.monotonic() + self.seconds
        threads = [
            threading.Thread(target=self._some, args=(number, until)) for number in range(AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _some(self, number: int, until: float) -> None:
        chosen = random.Random(number)
        while time.monotonic() < until:
            with self._lock:
                mark = next(self.marks)
            name = chosen.choice([*QUERIES] * 3 + ["one that fails", "a limit"])
            try:
                wrong = self._one(name, mark)
            except Exception as error:
                wrong = f"{type(error).__name__}: {essence(str(error))}"
            with self._lock:
                self.queries[name] += 1
                if wrong:
                    self.wrong.append(f"{name}, mark {mark}: {wrong}")

    def _one(self, name: str, mark: int) -> str:
        frame = self.spark.range(0, ROWS, 1, PARTITIONS)
        if name == "one that fails":
            return failing(frame, mark)
        if name == "a limit":
            rows = by_rows(True)(frame.limit(7), mark)
            return "" if len(set(rows)) == len(rows) == 7 else f"{len(rows)} rows: {rows}"
        found = QUERIES[name](frame, mark)
        return difference(Counter(found), mark)


def essence(text: str) -> str:
    """An error's beginning, and what it came of."""
    causes = [line for line in text.splitlines() if line.startswith("Caused by")]
    return "\n".join([text[:600], *causes])


def difference(found: "Counter[Any]", mark: int) -> str:
    wanted = Counter((i * 3 + mark, f"é{mark}-{i}") for i in range(ROWS))
    if found == wanted:
        return ""
    return f"lacks {list((wanted - found).items())[:3]}, has {list((found - wanted).items())[:3]}"
