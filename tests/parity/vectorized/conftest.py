"""What replaying tests share: both engines' players, and the recorded tasks."""

from collections.abc import Callable, Iterator

import pytest
from pyspark.sql import SparkSession

from hydrofoil.tools.parity.families import MISSING, Family
from hydrofoil.tools.parity.harness import Parity
from parity.replay import Players
from parity.vectorized.tasks import Recordings, Task, players

Record = Callable[..., Task]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the families that the installed Spark hasn't got."""
    items[:] = [item for item in items if not _needs_missing(item)]


def _needs_missing(item: pytest.Item) -> bool:
    spec = getattr(item, "callspec", None)
    values = spec.params.values() if spec else ()
    return any(isinstance(value, str) and value in MISSING for value in values)


@pytest.fixture(scope="session")
def both() -> Iterator[Players]:
    """Stock's worker and Hydrofoil's, each in a process of its own."""
    pair = players()
    yield pair
    pair.left.close()
    pair.right.close()


@pytest.fixture(scope="session")
def recorded(parity: Parity, spark: SparkSession) -> Record:
    """Gives the recorded task of a family, under a configuration, over a frame made in SQL."""
    recordings = Recordings(spark)

    def record(
        family: Family, conf: dict[str, str] | None = None, columns: tuple[str, ...] = ()
    ) -> Task:
        conf = {"spark.sql.execution.arrow.maxRecordsPerBatch": "3", **(conf or {})}
        with parity.under(conf=conf):
            # Three batches, or three groups, of three rows.
            frame = spark.range(0, 9, 1, 1).selectExpr("id div 3 AS k", "id AS n", *columns)
            return recordings.task(family, frame, (*conf.items(), *columns))

    return record
