"""In place of ``petastorm.pytorch``: ``DataLoader`` and ``BatchedDataLoader`` over a reader."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.elsewhere.petastorm.columns import (
    Columns,
    after,
    joined,
    num_rows,
    tensors,
    until,
)
from hydrofoil.gang.elsewhere.petastorm.reader import Reader


class DataLoader:
    """Batches of a reader's rows as dicts of tensors.

    Each further pass resets the reader. As a context manager it stops the reader at its end.

    Parameters
    ----------
    reader : Reader
        Of `make_batch_reader`; its epochs are gone through.
    batch_size : int
        Rows of every batch; the last one may have fewer.
    shuffling_queue_capacity : int
        More than 0: batches are drawn out of at least so many rows that wait, as long as there
        are as many.

    Raises
    ------
    UsageError
        At a ``batch_size`` below 1; when batches are made, at columns that torch doesn't have.
    """

    def __init__(
        self, reader: Reader, batch_size: int = 1, shuffling_queue_capacity: int = 0
    ) -> None:
        if batch_size < 1:
            raise UsageError(f"batch_size={batch_size}: has to be 1 or more")
        self.reader = reader
        self.batch_size = batch_size
        self.shuffling_queue_capacity = shuffling_queue_capacity

    def __enter__(self) -> "DataLoader":
        return self

    def __exit__(self, *error: object) -> None:
        self.reader.stop()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        torch = load("torch", asked_by="petastorm.pytorch.DataLoader")
        if self.reader.last_row_consumed:
            self.reader.reset()
        for batch in self._batches():
            yield tensors(torch, batch)

    def _batches(self) -> Iterator[Columns]:
        least = self.batch_size + max(self.shuffling_queue_capacity - 1, 0)
        waiting: Columns | None = None
        for row in self.reader:
            waiting = self._with(waiting, row._asdict())
            while num_rows(waiting) >= least:
                yield until(waiting, self.batch_size)
                waiting = after(waiting, self.batch_size)
        while waiting is not None and num_rows(waiting):
            yield until(waiting, self.batch_size)
            waiting = after(waiting, self.batch_size)

    def _with(self, waiting: Columns | None, more: Columns) -> Columns:
        """All rows that wait, in a new random order if they are shuffled."""
        whole = more if waiting is None or not num_rows(waiting) else joined(waiting, more)
        if self.shuffling_queue_capacity <= 0:
            return whole
        order = np.random.default_rng().permutation(num_rows(whole))
        return {name: column[order] for name, column in whole.items()}


class BatchedDataLoader(DataLoader):
    """`DataLoader`, which is batched here anyway."""
