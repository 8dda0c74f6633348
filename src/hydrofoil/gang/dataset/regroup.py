"""Record batches of one size."""

from collections.abc import Iterator

import pyarrow as pa

from hydrofoil.errors import UsageError


def regrouped(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Cut and join batches to ``size`` rows; the last may have fewer. Copies only what it joins.

    Raises
    ------
    UsageError
        ``size`` is below 1.
    """
    if size < 1:
        raise UsageError(f"batch_size={size!r}: has to be at least 1")
    return _regrouped(batches, size)


def _regrouped(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    have = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            piece = batch.slice(start, min(size - have, batch.num_rows - start))
            waiting.append(piece)
            have += piece.num_rows
            start += piece.num_rows
            if have == size:
                yield _one(waiting)
                waiting, have = [], 0
    if waiting:
        yield _one(waiting)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    [joined] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return joined
