"""Batches of a data set as Petastorm's loaders give them: of one size, across epochs."""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.dataset.reading import Dataset
from hydrofoil.gang.elsewhere.petastorm.columns import (
    Columns,
    after,
    joined,
    num_rows,
    tensors,
    until,
)


@dataclass
class _Passes:
    """How a data set is gone through.

    Parameters
    ----------
    dataset : Dataset
        Or a shard of one.
    batch_size : int
    num_epochs : int, optional
        None: without end.
    shuffled : bool
    seed : int
    """

    dataset: Dataset
    batch_size: int
    num_epochs: int | None
    shuffled: bool
    seed: int

    def __post_init__(self) -> None:
        if self.num_epochs is not None and self.num_epochs < 1:
            raise UsageError(f"num_epochs={self.num_epochs}: has to be 1 or more, or None")
        if self.batch_size < 1:
            raise UsageError(f"batch_size={self.batch_size}: has to be 1 or more")

    def batches(self) -> Iterator[Columns]:
        """Dicts of arrays. Rows that an epoch leaves over begin the first batch of the next."""
        left: Columns | None = None
        for epoch in count() if self.num_epochs is None else range(self.num_epochs):
            if not self.dataset.num_rows:
                return
            for batch in self.dataset.numpy(
                batch_size=self.batch_size,
                epoch=epoch,
                shuffle=self.shuffled,
                seed=self.seed,
                steps="uneven",
            ):
                whole = batch if left is None else joined(left, batch)
                left = whole
                if num_rows(whole) >= self.batch_size:
                    yield until(whole, self.batch_size)
                    more = num_rows(whole) > self.batch_size
                    left = after(whole, self.batch_size) if more else None
        if left is not None:
            yield left


class TorchLoaders(_Passes):
    """What ``make_torch_dataloader`` returns: a context manager of an iterable over batches."""

    def __enter__(self) -> "TorchLoaders":
        return self

    def __exit__(self, *error: object) -> None:
        """Maps end with the batches that hold them."""

    def __iter__(self) -> Iterator[Columns]:
        torch = load("torch", asked_by="make_torch_dataloader")
        for batch in self.batches():
            yield tensors(torch, batch)


@dataclass
class TensorFlowDatasets(_Passes):
    """What ``make_tf_dataset`` returns: a context manager of a ``tf.data.Dataset``."""

    prefetch: int | None

    def __enter__(self) -> Any:
        tf = load("tensorflow", asked_by="make_tf_dataset")
        names = list(self.dataset.schema.names)
        row = namedtuple("row", names)  # type: ignore[misc]

        def batches() -> Iterator[Any]:
            for batch in self.batches():
                yield row(*(batch[name] for name in names))

        made = tf.data.Dataset.from_generator(batches, output_signature=row(*self._specs(tf)))
        return made.prefetch(tf.data.AUTOTUNE if self.prefetch is None else self.prefetch)

    def __exit__(self, *error: object) -> None:
        """Maps end with the batches that hold them."""

    def _specs(self, tf: Any) -> Iterator[Any]:
        """The columns' types; arrays have as many numbers as in the first row."""
        if not self.dataset.num_rows:
            raise UsageError("the shard has no rows", hint="use fewer shards")
        first = next(iter(self.dataset.numpy(batch_size=1, steps="uneven")))
        for name in self.dataset.schema.names:
            column = first[name]
            kind = tf.string if column.dtype.kind == "O" else tf.as_dtype(column.dtype)
            yield tf.TensorSpec((None, *column.shape[1:]), kind, name)
