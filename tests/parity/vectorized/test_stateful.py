"""Functions with state over a short streaming query of two micro-batches."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle
from pyspark.sql.streaming.state import GroupStateTimeout

from hydrofoil.tools.parity.harness import Parity, Rows
from hydrofoil.tools.parity.views import see

_ROCKS = {
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    )
}
_SCHEMA = "k STRING, n BIGINT, d DOUBLE"
_names = itertools.count()


@pytest.fixture(scope="module")
def source(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files, each of which becomes a micro-batch; keys come again, one of them is null."""
    folder = tmp_path_factory.mktemp("stream") / "in"
    for first in (0, 100):
        spark.range(first, first + 10, 1, 1).selectExpr(
            "IF(id % 4 = 3, NULL, concat('k', id % 4)) AS k", "id AS n", "id / 2 AS d"
        ).write.mode("append").json(str(folder))
    return folder


def streamed(
    spark: SparkSession, source: Path, folder: Path, made: Callable[[DataFrame], DataFrame]
) -> DataFrame:
    """The rows of all micro-batches, each batch in its order."""
    name = f"made_{next(_names)}"
    read = spark.readStream.schema(_SCHEMA).option("maxFilesPerTrigger", 1).json(str(source))
    writer = made(read).writeStream.format("memory").queryName(name).outputMode("update")
    query = (
        writer.option("checkpointLocation", str(folder / name)).trigger(availableNow=True).start()
    )
    query.awaitTermination()
    return spark.table(name)


def same(parity: Parity, build: Callable[[SparkSession], DataFrame]) -> None:
    conf = {**_ROCKS, "spark.sql.shuffle.partitions": "1"}
    with parity.under(conf=conf):
        outcome = parity.same_rows(build)
    assert isinstance(outcome, Rows) and outcome.values


@pytest.mark.parametrize("rows", ["10000", "2"])
def test_apply_in_pandas_with_state(
    parity: Parity, source: Path, tmp_path: Path, rows: str
) -> None:
    def function(key: Any, frames: Iterator[pd.DataFrame], state: Any) -> Iterator[pd.DataFrame]:
        before = state.get[0] if state.exists else 0
        seen = [see(frame) for frame in frames]
        state.update((before + len(seen),))
        yield pd.DataFrame({"made": [f"{see(key)} {before} {text}" for text in seen]})
        yield pd.DataFrame({"made": ["more"]})

    def build(spark: SparkSession) -> DataFrame:
        return streamed(
            spark, source, tmp_path,
            lambda frame: frame.groupBy("k").applyInPandasWithState(
                function, "made STRING", "total BIGINT", "update", GroupStateTimeout.NoTimeout
            ),
        )  # fmt: skip

    with parity.under(conf={"spark.sql.execution.arrow.maxRecordsPerBatch": rows}):
        same(parity, build)


class _Counting(StatefulProcessor):
    """Keeps a count for each key."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.count = handle.getValueState("count", "total BIGINT")

    def counted(self, by: int) -> int:
        before: int = self.count.get()[0] if self.count.exists() else 0
        self.count.update((before + by,))
        return before

    def close(self) -> None:
        pass


class CountingFrames(_Counting):
    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Any:
        seen = [see(frame) for frame in rows]
        before = self.counted(len(seen))
        yield pd.DataFrame({"made": [f"{see(key)} {before} {text}" for text in seen]})


class CountingRows(_Counting):
    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Any:
        seen = [see(row) for row in rows]
        yield Row(made=f"{see(key)} {self.counted(len(seen))} {seen}")


@pytest.mark.parametrize(
    ("method", "processor"),
    [("transformWithStateInPandas", CountingFrames), ("transformWithState", CountingRows)],
)
def test_transform_with_state(
    parity: Parity, source: Path, tmp_path: Path, method: str, processor: type
) -> None:
    pytest.importorskip("google.protobuf")

    def build(spark: SparkSession) -> DataFrame:
        return streamed(
            spark, source, tmp_path,
            lambda frame: getattr(frame.groupBy("k"), method)(
                processor(), "made STRING", "Update", "None"
            ),
        )  # fmt: skip

    same(parity, build)
