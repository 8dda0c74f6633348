"""What each task of the barrier stage runs: a rank's life, fed by Spark, its result as rows."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import InternalError
from hydrofoil.gang.rank import Feed, Place, RankSpec, live

if TYPE_CHECKING:
    import pyarrow as pa

RESULT_SCHEMA = "rank int, part int, payload binary"
_PART = 8 << 20  # Bytes of a result in one row.

# A task that raises makes Spark log the JVM's stack three times, around the one traceback that
# matters; one that raises after it was cancelled is a line in the log. The driver cancels the job
# as soon as it knows of a rank's error, and this is how long that takes to reach the task.
_CANCELLED_WITHIN_S = 0.3

MapInArrow = Callable[["Iterator[pa.RecordBatch]"], "Iterator[pa.RecordBatch]"]


def function_for(
    spec: RankSpec, attempt: int, schema: "pa.Schema | None", counts: list[int] | None = None
) -> MapInArrow:
    """Return the function for ``mapInArrow``; without ``schema`` the rows that come are no data."""

    def run(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        return rows_of(spec, attempt, schema, counts, batches)

    return run


def rows_of(
    spec: RankSpec,
    attempt: int,
    schema: "pa.Schema | None",
    counts: list[int] | None,
    batches: "Iterator[pa.RecordBatch]",
) -> "Iterator[pa.RecordBatch]":
    """Live this task's rank, then yield its result in parts."""
    from pyspark import BarrierTaskContext, TaskContext

    context = TaskContext.get()
    if not isinstance(context, BarrierTaskContext):
        raise InternalError(f"a rank runs in {context!r}, which is no barrier task")
    rank = context.partitionId()
    resources = {name: list(found.addresses) for name, found in context.resources().items()}
    place = Place(
        rank,
        attempt,
        context.getTaskInfos()[rank].address.rpartition(":")[0],
        resources.get("gpu", []),
        resources,
    )
    if schema is None:
        for _ in batches:
            pass  # Spark gives the worker to other tasks only if all input was read.
        result = live(spec, place, None, _CANCELLED_WITHIN_S)
    else:
        result = live(spec, place, Feed(schema, batches, counts), _CANCELLED_WITHIN_S)
    yield from _parts(rank, result)


def _parts(rank: int, result: bytes) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    schema = pa.schema([("rank", pa.int32()), ("part", pa.int32()), ("payload", pa.binary())])
    for part, start in enumerate(range(0, len(result), _PART)):
        payload = result[start : start + _PART]
        yield pa.RecordBatch.from_arrays(
            [pa.array([rank], pa.int32()), pa.array([part], pa.int32()), pa.array([payload])],
            schema=schema,
        )


def joined(rows: list[Any], world_size: int) -> list[bytes]:
    """Return each rank's result from the rows of all."""
    parts: list[dict[int, bytes]] = [{} for _ in range(world_size)]
    for row in rows:
        parts[row["rank"]][row["part"]] = bytes(row["payload"])
    missing = [rank for rank, found in enumerate(parts) if not found]
    if missing:
        raise InternalError(f"Spark returned no result of ranks {missing}")
    return [b"".join(found[part] for part in sorted(found)) for found in parts]
