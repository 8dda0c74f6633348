"""``ctx.data``: a rank's part of the data, in the forms that training code wants."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.data import forms
from hydrofoil.gang.data.batches import Batches, Pass, Shuffle
from hydrofoil.gang.data.canonical import Cut, GlobalEpoch
from hydrofoil.gang.data.columns import Field
from hydrofoil.gang.data.deals import Deals
from hydrofoil.gang.data.exchange import Readable
from hydrofoil.gang.data.feed import Feed
from hydrofoil.gang.data.identity import Identity, TableRows, UpstreamRows
from hydrofoil.gang.data.loaders import torch_loader
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.data.position import Place
from hydrofoil.gang.data.resuming import Resuming
from hydrofoil.gang.data.rows import Rows
from hydrofoil.gang.data.spool import Spooled, Storage
from hydrofoil.gang.data.stable import Stable
from hydrofoil.gang.data.steps import Steps, padding_of
from hydrofoil.gang.group import Group
from hydrofoil.gang.seams import Order, Spool


def open_feed(
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    spool: Spool,
    group: Group,
    counts: Sequence[int] | None = None,
    order: Order = "arrival",
    table: str | None = None,
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
    order : {"arrival", "stable"}
        "stable": the same order each time. The last column of batches then is what
        `hydrofoil.gang.data.identity.POSITION` says, unless rows are those of a table.
    table : str, optional
        The name of a table of which ranks get rows in a row, ``counts`` of them.

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
    identity: Identity | None = None
    with ExitStack() as undo:
        if table is not None and counts is not None:
            identity = TableRows(table, sum(counts[: group.rank]))
        elif order == "stable" and table is None:
            schema = schema.remove(len(schema) - 1)
            identity = upstream = UpstreamRows(storage)
            undo.callback(identity.close)
            batches = upstream.taken_from(batches)
        spooled = Spooled(schema, spool, storage)
        undo.callback(spooled.close)
        peers = Peers(group)
        undo.pop_all()
    feed = Feed(batches, spooled, peers, group.rank, counts, identity)
    return Data(spooled, storage, peers, feed, getattr(group, "log", None), order, identity)


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
        go on from the last shuffled pass of this `Data`, from 0.
    shuffle : bool or "global"
        Rows in an order drawn from (``seed``, epoch, rank): epoch 0 out of a buffer of 65,536
        rows, later ones out of all. "global" before each epoch but 0 deals all rows anew over the
        ranks, each of which keeps its number of rows; the spool then holds them twice, and all
        ranks have to begin the epoch.
    seed : int
    global_batch_size : int, optional
        In place of ``batch_size``: rows of every batch of all ranks together, of which each rank
        gets its share; their numbers differ by one at most. The batches are the same whatever the
        number of ranks, and ``shuffle=True`` shuffles over all rows. Before each epoch (but where
        the order is the same) rows go from rank to rank, and the spool holds them twice. All ranks
        have to begin the epoch.
    steps : {"pad", "drop_last", "uneven"}
        "pad": ranks with fewer rows than the largest see some again, so that every rank makes as
        many batches of the same sizes. "drop_last": as many whole batches as the smallest rank
        has; unless `gang.run` counted before (``balance="exact"``), the first epoch then begins
        when the feeds of all ranks have ended. "uneven": every rank its own rows once. With
        ``global_batch_size`` they say what becomes of the last batch: "pad" fills it up with the
        rows that the epoch began with, "drop_last" leaves it out, with "uneven" it is smaller, and
        ranks may get a batch without rows.
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
        order: Order = "arrival",
        identity: Identity | None = None,
    ) -> None:
        self._log = log
        self.order: Order = order
        self._identity = identity
        self._tell = log
        self.rank = peers.rank
        self.world_size = peers.world_size
        self._spooled = spooled
        self._storage = storage
        self._peers = peers
        self._feed = feed
        # What passes read: in the order that was asked for.
        stable = identity is not None and identity.final is not None
        self._own: Readable = Stable(spooled, identity) if stable and identity else spooled
        self._deals = Deals(storage, peers)
        self._resuming = Resuming(feed, identity, self.world_size, self._say)
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
        global_batch_size: int | None = None,
    ) -> Batches:
        """``pyarrow.RecordBatch`` objects. Arguments are the class's."""
        fields = self._fields(columns)
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch, global_batch_size)
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
        global_batch_size: int | None = None,
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
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch, global_batch_size)
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
        global_batch_size: int | None = None,
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
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch, global_batch_size)
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
        global_batch_size: int | None = None,
    ) -> Batches:
        """``pandas.DataFrame`` objects, always copies. Arguments are the class's."""
        fields = self._fields(columns)
        plan = Pass(batch_size, epochs, epoch, shuffle, seed, steps, prefetch, global_batch_size)
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
        global_batch_size: int | None = None,
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
            global_batch_size=global_batch_size,
        )
        return torch_loader(batches, features, label, pin_memory)

    def close(self) -> None:
        """Stop reading and let the files go; batches that are still held stay as they are."""
        if self._closed:
            return
        self._closed = True
        self._feed.stop()
        self._deals.close()
        self._spooled.close()
        if self._identity is not None:
            self._identity.close()

    # --- Going on where an earlier run was ------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Where the consumer is: small, and JSON can say it. ``ctx.checkpoint`` keeps it by itself.

        It counts the batches that this rank has received, not those made ahead, of every pass
        without ``epoch=`` that has begun and is neither exhausted nor given up; and what the data
        are known by, so that a position in different data is refused.
        """
        return self._resuming.state()

    def resume(self, state: dict[str, Any] | None) -> None:
        """Go on where `state` says: by the next pass with the arguments of one that was open there.

        ``ctx.checkpoint.restore`` does so by itself with ``gang.run(order="stable")``.

        Parameters
        ----------
        state : dict or None
            What `state` returned, in this or an earlier run. None: passes begin at their first
            batch.

        Raises
        ------
        UsageError
            If it is from a newer Hydrofoil, or no such state. The pass itself raises if data or
            ranks are others than those of the state.
        """
        self._resuming.resume(state)

    def restored(self, state: dict[str, Any] | None) -> None:
        """What a checkpoint has kept; None: it is older than positions."""
        if self.order != "stable":
            return
        if state is None:
            self._say("the checkpoint has no position in the data: passes begin at the beginning")
        self.resume(state)

    def begin(self, plan: Pass, names: list[str]) -> Place:
        """A pass begins; or one of an earlier run is gone on with.

        Raises
        ------
        UsageError
            If its position can't be found in this run's data.
        """
        if plan.global_batch_size is not None:
            self.global_cut(plan)
        return self._resuming.begin(plan.signature(names), plan.epoch)

    def _say(self, text: str) -> None:
        if self._tell is not None and self.rank == 0:
            self._tell(text)

    # --- For passes -----------------------------------------------------------------------------

    def tell_no_batch(self) -> None:
        """Say at the driver, once a gang, that a pass has no batches."""
        log, self._log = self._log, None
        if log is not None and self.rank == 0:
            log(
                "there is no batch: a whole one would have more rows than there are, and "
                'steps="drop_last" leaves out all others'
            )

    def tell_padding(self) -> None:
        """Say at the driver, once a gang, which rank sees how many rows again."""
        counts, log = self.rows_per_rank, self._log
        self._log = None
        # One rank speaks for all: the first that sees rows again.
        if log is not None and counts.index(min(counts)) == self.rank:
            log(padding_of(counts))

    def dealt(self, seed: int, epoch: int, over_ranks: bool) -> Readable:
        """The rows that are this rank's in an epoch; a collective if they are dealt anew.

        Raises
        ------
        UsageError
            After `close`.
        """
        self._open()
        if not over_ranks or epoch == 0 or self.world_size == 1:
            return self._own
        return self._deals.shuffled(self._own, self.rows_per_rank, seed, epoch)

    def global_cut(self, plan: Pass) -> Cut:
        """How all ranks' batches are cut; waits until the feeds of all ranks have ended.

        Raises
        ------
        UsageError
            If rows have no identity.
        """
        if self._identity is None:
            raise UsageError(
                "global_batch_size= needs rows that have the same number in every run",
                hint='gang.run(order="stable"), or a source such as gang.parquet',
            )
        assert plan.global_batch_size is not None
        rows = sum(self._feed.tallied())
        return Cut(rows, int(plan.global_batch_size), self.world_size, plan.steps)

    def global_epoch(self, plan: Pass, names: list[str], epoch: int, first: int) -> Iterable[Rows]:
        """This rank's parts of an epoch's batches, from one on. A collective."""
        self._open()
        cut = self.global_cut(plan)
        self._tell_filling(cut)
        assert self._identity is not None
        seed = int(plan.seed) if plan.shuffle else None
        dealt = self._deals.by_place(self._spooled, self._identity, cut, seed, epoch, first)
        return GlobalEpoch(cut, self.rank, dealt, names, first)

    def _tell_filling(self, cut: Cut) -> None:
        if cut.rows and not cut.batches:
            self.tell_no_batch()
        again, log = cut.places - cut.rows, self._log
        self._log = None
        if again > 0 and log is not None and self.rank == 0:
            log(
                f"{again} rows are seen again in each epoch, to fill up the last global batch. "
                'steps="uneven" gives each row once'
            )

    def _open(self) -> None:
        if self._closed:
            raise UsageError("this rank's data was closed", hint="read it before train() returns")

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
