"""A pass over a rank's rows: fixed batch sizes, equal steps, and the order of rows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.gang.data.ahead import ahead
from hydrofoil.gang.data.canonical import Cut
from hydrofoil.gang.data.exchange import Readable
from hydrofoil.gang.data.order import BUFFER_ROWS, buffered, generator, padding, permutation
from hydrofoil.gang.data.position import Place, Signature
from hydrofoil.gang.data.rows import Rows, joined
from hydrofoil.gang.data.steps import Steps, check_steps, epoch_rows, number_of_steps

Shuffle = bool | Literal["global"]

# Rows of a batch, and what makes it: those that were received before aren't made again.
_Batch = tuple[int, Callable[[], Rows]]


@dataclass(frozen=True)
class Pass:
    """How rows are gone through: the arguments that all forms share.

    Parameters
    ----------
    batch_size : int or None
        None: one batch an epoch, of all rows.
    epochs : int
    epoch : int or None
        The number of the first; None: the one after the last shuffled one that was begun.
    shuffle : bool or "global"
    seed : int
    steps : {"pad", "drop_last", "uneven"}
    prefetch : int
        Batches made ahead, where making them costs something.
    global_batch_size : int or None
        Rows of every batch of all ranks together, in place of ``batch_size``.

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
    global_batch_size: int | None = None

    def __post_init__(self) -> None:
        check_steps(self.steps)
        least = {"batch_size": 1, "epochs": 0, "epoch": 0, "seed": 0, "prefetch": 0}
        for name, low in [*least.items(), ("global_batch_size", 1)]:
            value = getattr(self, name)
            if value is None and name in ("batch_size", "epoch", "global_batch_size"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
                raise UsageError(f"{name}={value!r}: has to be an integer of at least {low}")
        if self.shuffle not in (True, False, "global"):
            raise UsageError(
                f"shuffle={self.shuffle!r} is not known", hint='use True, False or "global"'
            )
        if self.global_batch_size is None:
            return
        if self.batch_size is not None:
            raise UsageError(
                f"batch_size={self.batch_size} and global_batch_size={self.global_batch_size} "
                "are two sizes",
                hint="batch_size counts a rank's rows, global_batch_size those of all ranks",
            )
        if self.shuffle == "global":
            raise UsageError(
                'shuffle="global" and global_batch_size= are two orders of all rows',
                hint="shuffle=True, which with global_batch_size= shuffles over all ranks",
            )

    def signature(self, columns: list[str]) -> Signature:
        """What a pass has to have in common with one that it goes on with; JSON can say it."""
        return {
            "columns": list(columns),
            "batch_size": _plain(self.batch_size),
            "global_batch_size": _plain(self.global_batch_size),
            "epochs": int(self.epochs),
            "shuffle": self.shuffle,
            "seed": int(self.seed),
            "steps": self.steps,
        }


def _plain(value: int | None) -> int | None:
    return None if value is None else int(value)


class RanksRows(Protocol):
    """A rank's rows, as far as batches ask for them; see `gang.data.reader.Data`."""

    @property
    def rank(self) -> int: ...

    @property
    def known_counts(self) -> list[int] | None: ...

    @property
    def rows_per_rank(self) -> list[int]: ...

    def tell_padding(self) -> None: ...

    def tell_no_batch(self) -> None: ...

    def begin(self, plan: Pass, names: list[str]) -> Place: ...

    def dealt(self, seed: int, epoch: int, over_ranks: bool) -> Readable: ...

    def global_cut(self, plan: Pass) -> Cut: ...

    def global_epoch(
        self, plan: Pass, names: list[str], epoch: int, first: int
    ) -> Iterable[Rows]: ...

    def state(self) -> dict[str, Any]: ...

    def resume(self, state: dict[str, Any] | None) -> None: ...


class Batches:
    """What ``data.arrow(...)`` and its siblings return: iterate over it, once or more often.

    Each iteration goes through ``epochs`` further epochs. ``len`` is the number of batches of one
    whole iteration, the same on all ranks unless ``steps="uneven"``; it waits until the feeds of
    all ranks have ended.
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
        if plan.global_batch_size is not None:
            return plan.epochs * self._data.global_cut(plan).batches
        if plan.batch_size is None:
            return plan.epochs
        counts = self._data.rows_per_rank
        rows = epoch_rows(plan.steps, counts, self._data.rank, plan.batch_size)
        return plan.epochs * number_of_steps(rows, plan.batch_size)

    def state(self) -> dict[str, Any]:
        """As ``data.state()``: which batches were received."""
        return self._data.state()

    def resume(self, state: dict[str, Any] | None) -> None:
        """As ``data.resume(state)``: the next iteration goes on where the state says."""
        self._data.resume(state)

    def __iter__(self) -> Iterator[Any]:
        plan = self._plan
        place = self._data.begin(plan, self._names)
        try:
            while place.next():
                # Here, not in the thread: rows that go over the ranks are a collective.
                rows = self._epoch(place.epoch, place.batches)
                batches: Iterator[Any] = map(self._form, rows)
                if plan.prefetch and (self._costly or plan.shuffle or plan.global_batch_size):
                    batches = ahead(batches, plan.prefetch)
                for batch in batches:
                    place.batches += 1
                    yield batch
        finally:
            place.end()

    def _epoch(self, epoch: int, received: int) -> Iterable[Rows]:
        plan = self._plan
        if plan.global_batch_size is not None:
            return self._data.global_epoch(plan, self._names, epoch, received)
        spooled = self._data.dealt(plan.seed, epoch, plan.shuffle == "global")
        return _Epoch(self._data, plan, self._names, spooled, epoch, received)


class _Epoch:
    """The rows of one epoch, a batch after the other; without those that were received before."""

    def __init__(
        self,
        data: RanksRows,
        plan: Pass,
        names: list[str],
        spooled: Readable,
        epoch: int,
        received: int,
    ) -> None:
        self.data, self.plan, self.names, self.spooled = data, plan, names, spooled
        self.random = None
        if plan.shuffle:
            self.random = generator(plan.seed, epoch, data.rank)
        self.first = epoch == 0
        self.received = received

    def __iter__(self) -> Iterator[Rows]:
        size = self.plan.batch_size
        if size is None:
            return iter(()) if self.received else self._whole()
        limit = self._limit(size)
        rows = self._in_order(size, limit) if self.random is None else self._shuffled(size, limit)
        return self._further(self._padded(rows, size, limit))

    def _further(self, batches: Iterator[_Batch]) -> Iterator[Rows]:
        for number, (_, make) in enumerate(batches):
            if number >= self.received:
                yield make()

    def _limit(self, size: int) -> int | None:
        """Rows of this epoch; None if they can be known at its end only."""
        counts = self.data.known_counts
        if counts is None and self.plan.steps == "drop_last":
            # A rank must not begin a step that another may not have.
            counts = self.data.rows_per_rank
        if counts is None:
            return None
        limit = epoch_rows(self.plan.steps, counts, self.data.rank, size)
        if not limit and self.plan.steps == "drop_last" and any(counts):
            self.data.tell_no_batch()
        return limit

    def _whole(self) -> Iterator[Rows]:
        count = self.spooled.wait(None)
        rows = Rows(self.spooled.view(self.names, 0, count), count)
        yield rows if self.random is None else rows.take(permutation(self.random, count))

    def _window(self, start: int, stop: int) -> Rows:
        return Rows(self.spooled.window(self.names, start, stop), stop - start)

    def _in_order(self, size: int, limit: int | None) -> Iterator[_Batch]:
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
                window = self._window(start, stop)
            until = min(wanted, stop)
            if until > at:
                yield until - at, partial(window.slice, at - start, until - start)
            at = until
            if until < wanted or at == limit:
                return

    def _shuffled(self, size: int, limit: int | None) -> Iterator[_Batch]:
        assert self.random is not None
        window = Rows({}, 0)
        left = np.empty(0, np.int64)
        yielded = 0
        for piece in self._order():
            have = self.spooled.rows
            if have > window.num_rows:
                window = self._window(0, have)
            left = np.concatenate([left, piece]) if len(left) else piece
            begin = 0
            while len(left) - begin >= size:
                if limit is not None and yielded == limit:
                    return
                wanted = size if limit is None else min(size, limit - yielded)
                yield wanted, partial(window.take, left[begin : begin + wanted])
                yielded += wanted
                begin += wanted
            left = left[begin:]
        rest = len(left) if limit is None else min(len(left), limit - yielded)
        if rest:
            yield rest, partial(window.take, left[:rest])

    def _order(self) -> Iterator[Any]:
        assert self.random is not None
        if self.first:
            return buffered(self.random, self.spooled.wait, BUFFER_ROWS)
        return iter([permutation(self.random, self.spooled.wait(None))])

    def _padded(self, batches: Iterator[_Batch], size: int, limit: int | None) -> Iterator[_Batch]:
        """The batches, and rows seen again so that there are as many as on the other ranks."""
        seen = 0
        last: _Batch | None = None
        for batch in batches:
            if batch[0] == size:
                yield batch
            else:
                last = batch
            seen += batch[0]
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

    def _again(self, last: _Batch | None, again: int, size: int) -> Iterator[_Batch]:
        own = self.spooled.rows
        window = self._window(0, own)
        indices = padding(self.random, own, again)
        first = 0
        if last is not None:
            count, make = last
            first = min(size - count, again)
            more = partial(window.take, indices[:first])
            yield count + first, lambda: joined(make(), more())
        for start in range(first, again, size):
            part = indices[start : start + size]
            yield len(part), partial(window.take, part)
