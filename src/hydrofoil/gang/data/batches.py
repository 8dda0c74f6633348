"""A pass over a rank's rows: fixed batch sizes, equal steps, and the order of rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.gang.data.ahead import ahead
from hydrofoil.gang.data.order import BUFFER_ROWS, buffered, generator, padding, permutation
from hydrofoil.gang.data.rows import Rows, joined
from hydrofoil.gang.data.spool import Spooled
from hydrofoil.gang.data.steps import Steps, check_steps, epoch_rows, number_of_steps

Shuffle = bool | Literal["global"]


@dataclass(frozen=True)
class Pass:
    """How rows are gone through: the arguments that all forms share.

    Parameters
    ----------
    batch_size : int or None
        None: one batch an epoch, of all rows.
    epochs : int
    epoch : int or None
        The number of the first; None: the one after the last that was begun.
    shuffle : bool or "global"
    seed : int
    steps : {"pad", "drop_last", "uneven"}
    prefetch : int
        Batches made ahead, where making them costs something.

    Raises
    ------
    UsageError
        At a value that can't be.
    """

    batch_size: int | None
    epochs: int
    epoch: int | None
    shuffle: Shuffle
    seed: int
    steps: Steps
    prefetch: int

    def __post_init__(self) -> None:
        check_steps(self.steps)
        least = {"batch_size": 1, "epochs": 0, "epoch": 0, "seed": 0, "prefetch": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is None and name in ("batch_size", "epoch"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
                raise UsageError(f"{name}={value!r}: has to be an integer of at least {low}")
        if self.shuffle not in (True, False, "global"):
            raise UsageError(
                f"shuffle={self.shuffle!r} is not known", hint='use True, False or "global"'
            )


class RanksRows(Protocol):
    """A rank's rows, as far as batches ask for them; see `gang.data.reader.Data`."""

    @property
    def rank(self) -> int: ...

    @property
    def known_counts(self) -> list[int] | None: ...

    @property
    def rows_per_rank(self) -> list[int]: ...

    def tell_padding(self) -> None: ...

    def begin_epochs(self, epoch: int | None, epochs: int) -> Iterator[int]: ...

    def dealt(self, seed: int, epoch: int, over_ranks: bool) -> Spooled: ...


class Batches:
    """What ``data.arrow(...)`` and its siblings return: iterate over it, once or more often.

    Each iteration goes through ``epochs`` further epochs. ``len`` is the number of batches of one
    iteration, the same on all ranks unless ``steps="uneven"``; it waits until the feeds of all
    ranks have ended.
    """

    def __init__(
        self,
        data: RanksRows,
        plan: Pass,
        names: list[str],
        form: Callable[[Rows], Any],
        costly: bool,
    ) -> None:
        self._data = data
        self._plan = plan
        self._names = names
        self._form = form
        self._costly = costly

    def __len__(self) -> int:
        plan = self._plan
        if plan.batch_size is None:
            return plan.epochs
        counts = self._data.rows_per_rank
        rows = epoch_rows(plan.steps, counts, self._data.rank, plan.batch_size)
        return plan.epochs * number_of_steps(rows, plan.batch_size)

    def __iter__(self) -> Iterator[Any]:
        for epoch in self._data.begin_epochs(self._plan.epoch, self._plan.epochs):
            # Here, not in the thread: the deal over the ranks is a collective.
            spooled = self._data.dealt(self._plan.seed, epoch, self._plan.shuffle == "global")
            batches = map(self._form, _Epoch(self._data, self._plan, self._names, spooled, epoch))
            if self._plan.prefetch and (self._costly or self._plan.shuffle):
                yield from ahead(batches, self._plan.prefetch)
            else:
                yield from batches


class _Epoch:
    """The rows of one epoch, a batch after the other."""

    def __init__(
        self, data: RanksRows, plan: Pass, names: list[str], spooled: Spooled, epoch: int
    ) -> None:
        self.data, self.plan, self.names, self.spooled = data, plan, names, spooled
        self.random = None
        if plan.shuffle:
            self.random = generator(plan.seed, epoch, data.rank)
        self.first = epoch == 0

    def __iter__(self) -> Iterator[Rows]:
        size = self.plan.batch_size
        if size is None:
            return self._whole()
        limit = self._limit(size)
        rows = self._in_order(size, limit) if self.random is None else self._shuffled(size, limit)
        return self._padded(rows, size, limit)

    def _limit(self, size: int) -> int | None:
        """Rows of this epoch; None if they can be known at its end only."""
        counts = self.data.known_counts
        if counts is None and self.plan.steps == "drop_last":
            # A rank must not begin a step that another may not have.
            counts = self.data.rows_per_rank
        if counts is None:
            return None
        return epoch_rows(self.plan.steps, counts, self.data.rank, size)

    def _whole(self) -> Iterator[Rows]:
        count = self.spooled.wait(None)
        rows = self._view(0, count)
        yield rows if self.random is None else rows.take(permutation(self.random, count))

    def _view(self, start: int, stop: int) -> Rows:
        return Rows(self.spooled.view(self.names, start, stop), stop - start)

    def _in_order(self, size: int, limit: int | None) -> Iterator[Rows]:
        """Whole batches as views, and at last what is left of this rank's own rows."""
        start = stop = 0  # Of what is mapped.
        window = Rows({}, 0)
        at = 0
        while True:
            wanted = at + size if limit is None else min(at + size, limit)
            if wanted > stop:
                there = self.spooled.wait(wanted)
                if limit is not None:
                    there = min(there, limit)
                start, stop = at, there
                window = self._view(start, stop)
            until = min(wanted, stop)
            if until > at:
                yield window.slice(at - start, until - start)
            at = until
            if until < wanted or at == limit:
                return

    def _shuffled(self, size: int, limit: int | None) -> Iterator[Rows]:
        assert self.random is not None
        window = Rows({}, 0)
        left = np.empty(0, np.int64)
        yielded = 0
        for piece in self._order():
            have = self.spooled.rows
            if have > window.num_rows:
                window = self._view(0, have)
            left = np.concatenate([left, piece]) if len(left) else piece
            begin = 0
            while len(left) - begin >= size:
                if limit is not None and yielded == limit:
                    return
                wanted = size if limit is None else min(size, limit - yielded)
                yield window.take(left[begin : begin + wanted])
                yielded += wanted
                begin += wanted
            left = left[begin:]
        rest = len(left) if limit is None else min(len(left), limit - yielded)
        if rest:
            yield window.take(left[:rest])

    def _order(self) -> Iterator[Any]:
        assert self.random is not None
        if self.first:
            return buffered(self.random, self.spooled.wait, BUFFER_ROWS)
        return iter([permutation(self.random, self.spooled.wait(None))])

    def _padded(self, batches: Iterator[Rows], size: int, limit: int | None) -> Iterator[Rows]:
        """The batches, and rows seen again so that there are as many as on the other ranks."""
        seen = 0
        last: Rows | None = None
        for batch in batches:
            if batch.num_rows == size:
                yield batch
            else:
                last = batch
            seen += batch.num_rows
        if self.plan.steps == "pad":
            if limit is None:
                limit = epoch_rows("pad", self.data.rows_per_rank, self.data.rank, size)
            again = limit - seen
            if again:
                self.data.tell_padding()
                yield from self._again(last, again, size)
                last = None
        if last is not None:
            yield last
        if self.plan.steps != "drop_last":
            # All rows are through; what else the feed found raises here.
            self.spooled.wait(None)

    def _again(self, last: Rows | None, again: int, size: int) -> Iterator[Rows]:
        own = self.spooled.rows
        window = self._view(0, own)
        indices = padding(self.random, own, again)
        first = 0
        if last is not None:
            first = min(size - last.num_rows, again)
            yield joined(last, window.take(indices[:first]))
        for start in range(first, again, size):
            yield window.take(indices[start : start + size])
