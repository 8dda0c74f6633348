"""Feeds for tests: a rank's batches without Spark, in one process, with a real hub for several."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from gang_threads import in_threads

from hydrofoil.gang.context import Context
from hydrofoil.gang.data.reader import Data, open_feed
from hydrofoil.gang.seams import Spool


class Alone:
    """The group of a gang of one, which has nobody to talk to."""

    rank = local_rank = attempt = 0
    world_size = 1
    run_id = "alone"
    hosts = ("localhost",)
    device = "cpu"


@contextmanager
def opened(
    batches: Iterator[pa.RecordBatch] | Sequence[pa.RecordBatch],
    schema: pa.Schema | None = None,
    conf: Spool | None = None,
    group: Any = Alone,
    counts: Sequence[int] | None = None,
) -> Iterator[Data]:
    """``ctx.data`` over these batches."""
    if schema is None:
        batches = list(batches)
        schema = batches[0].schema
    data = open_feed(iter(batches), schema, conf or Spool(), group, counts)
    try:
        yield data
    finally:
        data.close()


SCHEMA = pa.schema(
    [("id", pa.int64()), ("x", pa.float32()), ("v", pa.list_(pa.float32())), ("s", pa.string())]
)


def rows(first: int, count: int, batch: int) -> list[pa.RecordBatch]:
    """Rows that can be told apart by ``id``, and whose columns say the same."""
    found = []
    for at in range(first, first + count, batch):
        ids = np.arange(at, min(at + batch, first + count))
        lists = pa.FixedSizeListArray.from_arrays(np.repeat(ids, 3).astype("float32"), 3)
        found.append(
            pa.record_batch(
                [ids, ids.astype("float32"), lists.cast(pa.list_(pa.float32())), ids.astype(str)],
                schema=SCHEMA,
            )
        )
    return found


def ids_of(batch: dict[str, Any]) -> list[int]:
    """The rows of a batch, after a look at whether its columns belong together."""
    ids = np.asarray(batch["id"])
    np.testing.assert_array_equal(batch["x"], ids)
    assert batch["v"].shape == (len(ids), 3)
    np.testing.assert_array_equal(batch["v"], ids[:, None].repeat(3, 1))
    assert list(batch["s"]) == [str(one) for one in ids]
    return ids.tolist()


def gang(
    counts: Sequence[int],
    function: Callable[[Data], Any],
    *,
    batch: int = 100,
    known: bool = False,
    conf: Spool | None = None,
) -> list[Any]:
    """What ``function(data)`` returned or raised in each rank; rank r has ``counts[r]`` rows."""

    def live(ctx: Context) -> Any:
        mine = rows(sum(counts[: ctx.rank]), counts[ctx.rank], batch)
        with opened(mine, SCHEMA, conf, ctx, counts if known else None) as data:
            result = function(data)
            ctx.barrier()
            return result

    return in_threads(len(counts), live)


class Gate:
    """A feed whose batches pass one by one, when the test says so."""

    def __init__(self, batches: Sequence[pa.RecordBatch]) -> None:
        self.batches = batches
        self.passed = threading.Semaphore(0)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches:
            self.passed.acquire()
            yield batch
        self.passed.acquire()

    def let(self, count: int) -> None:
        for _ in range(count):
            self.passed.release()
