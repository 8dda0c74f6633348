"""``ctx.data``: a rank's part of the data, in the forms that training code wants."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.data import forms
from hydrofoil.gang.data.batches import Batches, Pass, Shuffle
from hydrofoil.gang.data.columns import Field
from hydrofoil.gang.data.exchange import exchange
from hydrofoil.gang.data.feed import Feed
from hydrofoil.gang.data.loaders import torch_loader
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.data.spool import Spooled, Storage
from hydrofoil.gang.data.steps import Steps, padding_of
from hydrofoil.gang.group import Group
from hydrofoil.gang.seams import Spool


def open_feed(
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    spool: Spool,
    group: Group,
    counts: Sequence[int] | None = None,
) -> "Data":
    """Begin to take a rank's batches over. A collective: every rank calls it at the same point.

    Parameters
    ----------
    batches : iterator of pyarrow.RecordBatch
        Read by a thread, at once and until the end or `Data.close`; nobody else may read meanwhile.
    schema : pyarrow.Schema
        Of the batches.
    spool : Spool
    group : Group
    counts : sequence of int, optional
        Every rank's rows, where they are known; a rank that gets a different number raises.

    Returns
    -------
    Data

    Raises
    ------
    UsageError
        If ``spool`` contradicts the schema or itself.
    SpoolError
        If no files can be made.
    """
    on_host = list(group.hosts).count(group.hosts[group.rank])
    storage = Storage(spool, group.rank, group.local_rank, on_host)
    spooled = Spooled(schema, spool, storage)
    try:
        peers = Peers(group)
    except BaseException:
        spooled.close()
        raise
    feed = Feed(batches, spooled, peers, group.rank, counts)
    return Data(spooled, storage, peers, feed, getattr(group, "log", None))


class Data:
    """A rank's rows, as often as wanted; made by `open_feed`.

    The first pass gives rows while Spark still sends them. The rank keeps them meanwhile (`Spool`),
    and every pass reads what is kept through a map of its own: batches may be written to, and
    nothing of that is seen by other passes.

    `arrow`, `numpy`, `torch`, `pandas` and `loader` share these arguments:

    columns : sequence of str, optional
        Only these; all unless given.
    batch_size : int, optional
        Rows of every batch, but for the last of an epoch. None: one batch an epoch with all rows.
    epochs : int
        How often all rows are gone through.
    epoch : int, optional
        The number of the first epoch, for a run that goes on after a restart. By default numbers
        go on from the last pass of this `Data`, from 0.
    shuffle : bool or "global"
        Rows in an order drawn from (``seed``, epoch, rank): epoch 0 out of a buffer of 65,536
        rows, later ones out of all. "global" before each epoch but 0 deals all rows anew over the
        ranks, each of which keeps its number of rows; the spool then holds them twice, and all
        ranks have to begin the epoch.
    seed : int
    steps : {"pad", "drop_last", "uneven"}
        "pad": ranks with fewer rows than the largest see some again, so that every rank makes as
        many batches of the same sizes. "drop_last": as many whole batches as the smallest rank
        has; unless `gang.run` counted before (``balance="exact"``), the first epoch then begins
        when the feeds of all ranks have ended. "uneven": every rank its own rows once.
    prefetch : int
        Batches that a thread makes ahead, where making them takes more than views. 0: none.
    """

    def __init__(
        self,
        spooled: Spooled,
        storage: Storage,
        peers: Peers,
        feed: Feed,
        log: Callable[[object], None] | None = None,
    ) -> None:
        self._log = log
        self.rank = peers.rank
        self.world_size = peers.world_size
        self._spooled = spooled
        self._storage = storage
        self._peers = peers
        self._feed = feed
        self._next_epoch = 0
        self._deals = 0
        self._dealt: tuple[tuple[int, int], Spooled] | None = None
        self._closed = False

    @property
    def schema(self) -> pa.Schema:
        """Of what `arrow` gives, the masks of ``Spool(nulls="mask")`` included."""
        return pa.schema([pa.field(field.name, field.type) for field in self._spooled.fields])

    @property
    def num_rows(self) -> int | None:
        """This rank's rows; None as long as Spark may send more."""
        return self._spooled.rows if self._spooled.done else None

    @property
    def empty(self) -> bool:
        """Whether this rank has no rows at all; waits for the first, or the feed's end."""
        return self._spooled.wait(1) == 0

    @property
    def known_counts(self) -> list[int] | None:
        """Every rank's rows, if they are known by now."""
        return self._feed.known_counts

    @property
    def rows_per_rank(self) -> list[int]:
        """Every rank's rows; waits until the feeds of all ranks have ended.

        Raises
        ------
        PeerGone
            If a rank ended before.
        SpoolError, UsageError
            What ended this rank's feed.
        """
        return self._feed.counts()

    @property
    def spooled_bytes(self) -> int:
        """Bytes that this rank keeps, on disk or in shared memory."""
        return self._storage.bytes

    def arrow(
        self,
        columns: Sequence[str] | None = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        epoch: int | None = None,
        shuffle: Shuffle = False,
        seed: int = 0,
        steps: Steps = "pad",
        prefetch: int = 2,
    ) -> Batches:
        """``pyarrow.RecordBatch`` objects. Arguments are the class's."""
        fields = self._fields(columns)
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch)
        return self._batches(plan, fields, forms.Arrow(fields))

    def numpy(
        self,
        columns: Sequence[str] | None = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        epoch: int | None = None,
        shuffle: Shuffle = False,
        seed: int = 0,
        steps: Steps = "pad",
        prefetch: int = 2,
        ragged: Sequence[str] = (),
    ) -> Batches:
        """Dicts of arrays, writable; lists of one length as two-dimensional ones.

        Parameters
        ----------
        ragged : sequence of str
            Columns of lists that come as `hydrofoil.Ragged`, values and offsets. Others raise
            ``UsageError`` at a list of a different length than the first.

        Dates and times are ``datetime64``; strings, binary and decimals are arrays of objects, with
        None where null; structs are dicts. The other arguments are the class's.
        """
        fields = self._fields(columns)
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch)
        return self._batches(plan, fields, forms.Numpy(fields, self._spooled, ragged))

    def torch(
        self,
        columns: Sequence[str] | None = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        epoch: int | None = None,
        shuffle: Shuffle = False,
        seed: int = 0,
        steps: Steps = "pad",
        prefetch: int = 2,
        ragged: Sequence[str] = (),
    ) -> Batches:
        """Dicts of tensors on the CPU; as `numpy`, over the same memory.

        Timestamps and durations are int64 in Spark's microseconds, dates int64 in days.

        Raises
        ------
        UsageError
            If torch isn't installed; at a column of strings, binary, decimals, maps or lists of
            such, which torch doesn't have.
        """
        fields = self._fields(columns)
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch)
        return self._batches(plan, fields, forms.Torch(fields, self._spooled, ragged))

    def pandas(
        self,
        columns: Sequence[str] | None = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        epoch: int | None = None,
        shuffle: Shuffle = False,
        seed: int = 0,
        steps: Steps = "pad",
        prefetch: int = 2,
    ) -> Batches:
        """``pandas.DataFrame`` objects, always copies. Arguments are the class's."""
        fields = self._fields(columns)
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch)
        return self._batches(plan, fields, forms.Pandas(fields))

    def loader(
        self,
        features: str | Sequence[str],
        label: str | None = None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        epoch: int | None = None,
        shuffle: Shuffle = False,
        seed: int = 0,
        steps: Steps = "pad",
        prefetch: int = 2,
        pin_memory: bool = False,
    ) -> Any:
        """A ``torch.utils.data.DataLoader`` of tensors.

        Parameters
        ----------
        features : str or sequence of str
            One column as it is; or several of numbers, which are put side by side (a copy) as a
            tensor of (rows, columns).
        label : str, optional
            With it, batches are pairs of features and label.
        pin_memory : bool
            Copy batches to page-locked memory, for transfers to a GPU.

        The loader has no worker processes, since batches are views or made by the prefetching
        thread. The other arguments are the class's.
        """
        inputs = [features] if isinstance(features, str) else list(features)
        names = [*inputs, *([] if label is None else [label])]
        batches = self.torch(
            list(dict.fromkeys(names)),
            batch_size=batch_size,
            epochs=epochs,
            epoch=epoch,
            shuffle=shuffle,
            seed=seed,
            steps=steps,
            prefetch=prefetch,
        )
        return torch_loader(batches, features, label, pin_memory)

    def close(self) -> None:
        """Stop reading and let the files go; batches that are still held stay as they are."""
        if self._closed:
            return
        self._closed = True
        self._feed.stop()
        if self._dealt is not None:
            self._dealt[1].close()
        self._spooled.close()

    def tell_padding(self) -> None:
        """Say at the driver, once a gang, which rank sees how many rows again."""
        counts, log = self.rows_per_rank, self._log
        self._log = None
        # One rank speaks for all: the first that sees rows again.
        if log is not None and counts.index(min(counts)) == self.rank:
            log(padding_of(counts))

    def begin_epochs(self, epoch: int | None, epochs: int) -> Iterator[int]:
        """The numbers of the epochs of a pass, each taken when it begins."""
        for place in range(epochs):
            number = self._next_epoch if epoch is None else epoch + place
            self._next_epoch = number + 1
            yield number

    def dealt(self, seed: int, epoch: int, over_ranks: bool) -> Spooled:
        """The rows that are this rank's in an epoch; a collective if they are dealt anew.

        Raises
        ------
        UsageError
            After `close`.
        """
        if self._closed:
            raise UsageError("this rank's data was closed", hint="read it before train() returns")
        if not over_ranks or epoch == 0 or self.world_size == 1:
            return self._spooled
        if self._dealt is not None:
            key, spooled = self._dealt
            if key == (seed, epoch):
                return spooled
            spooled.close()
            self._dealt = None
        self._spooled.wait(None)
        spooled = exchange(
            self._spooled,
            self._storage,
            self._peers,
            self.rows_per_rank,
            seed,
            epoch,
            self._deals,
        )
        self._deals += 1
        self._dealt = (seed, epoch), spooled
        return spooled

    def _fields(self, columns: Sequence[str] | None) -> list[Field]:
        fields = self._spooled.fields
        if columns is None:
            return fields
        if isinstance(columns, str):
            raise UsageError(f"columns={columns!r}: has to be a list", hint=f"[{columns!r}]")
        by_name = {field.name: field for field in fields}
        unknown = [name for name in columns if name not in by_name]
        if unknown:
            raise UsageError(f"there are no columns {unknown}; there are {list(by_name)}")
        return [by_name[name] for name in columns]

    def _batches(self, plan: Pass, fields: list[Field], form: Any) -> Batches:
        return Batches(self, plan, [field.name for field in fields], form, form.costly)
