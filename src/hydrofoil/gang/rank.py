"""A rank's life, from registering at the hub to the bytes of its result. Knows nothing of Spark."""

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UsageError
from hydrofoil.gang import pickling
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.context import Context
from hydrofoil.gang.devices import VISIBLE, assign, check_cuda, environment, present_gpus
from hydrofoil.gang.errors import EmptyPartition, ResultError
from hydrofoil.gang.hub.client import Client
from hydrofoil.gang.hub.events import Member
from hydrofoil.gang.seams import Order, Resources, Source, Spool

if TYPE_CHECKING:
    import pyarrow as pa

    from hydrofoil.gang.data.reader import Data

_END_S = 10.0  # The driver ends an attempt within this, once it knows of an error.
_LOOK_AT = 64  # Batches whose rows are counted once some rank turns out to have none.


@dataclass(frozen=True)
class RankSpec:
    """What all ranks of a run have in common. Pickles."""

    address: tuple[str, int]
    secret: Secret
    run_id: str
    function: bytes = field(repr=False)  # Pickled (function, positional, keywords).
    resources: Resources = Resources()  # noqa: RUF009
    share_devices: bool = False
    spool: Spool = Spool()  # noqa: RUF009
    source: Source | None = None
    checkpoint: Any = None
    allow_empty: bool = False
    env: dict[str, str] = field(default_factory=dict)
    order: Order = "arrival"
    log_errors: bool = False  # In the process's stderr, too: for hosts that keep logs of their own.


@dataclass(frozen=True)
class Place:
    """Where a rank runs."""

    rank: int
    attempt: int
    host: str
    gpus: list[str] = field(default_factory=list)
    resources: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Feed:
    """A rank's rows as Spark hands them over."""

    schema: "pa.Schema"
    batches: "Iterator[pa.RecordBatch]"
    counts: list[int] | None = None  # Rows of every rank, where they are known.
    table: str | None = None  # What ranks have rows in a row of, if it is that.


def live(
    spec: RankSpec, place: Place, feed: Feed | None = None, cancelled_within: float = 0.0
) -> bytes:
    """Take part in one attempt; return what is pickled of (result, newest checkpoint).

    Whatever goes wrong is told to the driver first, then raised. With ``cancelled_within`` the
    driver has time to end the attempt before, and so many seconds to cancel what runs the rank.
    """
    client = Client(spec.address, spec.secret, place.attempt, place.rank, threading.get_ident())
    try:
        try:
            return _take_part(client, spec, place, feed)
        except BaseException as error:
            told = describe(error)
            client.error(*told)
            if spec.log_errors:
                print(
                    f"hydrofoil: rank {place.rank} raised\n{told[2]}", file=sys.stderr, flush=True
                )
            if cancelled_within:
                client.wait_for_end(_END_S)
                time.sleep(cancelled_within)
            raise
    finally:
        client.close()


def _take_part(client: Client, spec: RankSpec, place: Place, feed: Feed | None) -> bytes:
    me = Member(place.rank, place.host, os.getpid(), client.local_address(), place.gpus)
    members = client.register(me)
    with ExitStack() as undo:
        gpus = assign(place.rank, members, spec.resources.gpus, spec.share_devices, present_gpus())
        variables = dict(spec.env)
        if gpus or not spec.share_devices:
            check_cuda(",".join(gpus))
            variables.setdefault(VISIBLE, ",".join(gpus))
        undo.enter_context(environment(variables))
        if spec.source is not None:
            counts = spec.source.counts(len(members))
            identity = getattr(spec.source, "identity", str)()  # Sources of others have none.
            feed = Feed(*spec.source.read(place.rank, len(members)), counts, identity or None)
        resources = {**place.resources, **({"gpu": gpus} if gpus else {})}
        context = Context(client, members, spec.run_id, resources)
        if feed is not None:
            feed = _checked(context, feed, spec.allow_empty)
            context._data = _opened(feed, spec, context)
        if spec.checkpoint is not None:
            context._open_checkpoint = _checkpoint_opener(spec.checkpoint)
        return _call(client, context, spec)


def _call(client: Client, context: Context, spec: RankSpec) -> bytes:
    failed = True
    try:
        function, positional, keywords = pickling.loads(spec.function)
        value = function(context, *positional, **keywords)
        saved = None if context._checkpoint is None else context._checkpoint.latest
        result = _pickled((value, saved), context)
        failed = False
    except BaseException as error:
        # Before anything else is done: what follows may wait for peers that are gone.
        client.error(*describe(error))
        raise
    finally:
        context.close(failed)
    client.goodbye()
    return result


def _pickled(value: tuple[Any, Any], context: Context) -> bytes:
    try:
        return pickling.dumps(value)
    except Exception as error:
        raise ResultError(
            f"rank {context.rank} on {context.hosts[context.rank]} returned a "
            f"{type(value[0]).__qualname__}, which can't be pickled: {error}",
            hint="return numbers, arrays or a state_dict(), or save it to a file and return its "
            "name",
            rank=context.rank,
            host=context.hosts[context.rank],
        ) from error


def _opened(feed: Feed, spec: RankSpec, context: Context) -> "Data":
    from hydrofoil.gang.data.reader import open_feed

    # Here, not when the function first asks: ranks do it together, and rows come in meanwhile.
    order: Order = spec.order
    if order == "stable" and spec.source is not None and feed.table is None:
        raise UsageError(
            f"{type(spec.source).__name__} doesn't say which rows it has, and order='stable' needs "
            "that",
            hint="give it identity() -> str, see hydrofoil.gang.seams.Source",
        )
    return open_feed(feed.batches, feed.schema, spec.spool, context, feed.counts, order, feed.table)


def _checkpoint_opener(conf: Any) -> Any:
    def open_checkpoint(context: Context) -> Any:
        from hydrofoil.gang.checkpoint import open_checkpointer

        return open_checkpointer(conf, context, context.log, context._data)

    return open_checkpoint


# --- Empty parts ----------------------------------------------------------------------------------


def _checked(context: Context, feed: Feed, allow_empty: bool) -> Feed:
    """Let ranks agree that each has rows, by the first batch that has some."""
    if allow_empty or feed.counts is not None:  # Then the driver has looked.
        return feed
    first = next((batch for batch in feed.batches if batch.num_rows), None)
    have = context.all_gather(first is not None)
    if all(have):
        return Feed(feed.schema, _again(first, feed.batches), None, feed.table)
    rows, whole = 0 if first is None else first.num_rows, True
    for number, batch in enumerate(feed.batches):
        if number >= _LOOK_AT:
            whole = False
            break
        rows += batch.num_rows
    counted = context.all_gather((rows, whole))
    shown = ", ".join(f"{rows}{'' if whole else ' or more'}" for rows, whole in counted)
    empty = [rank for rank, has in enumerate(have) if not has]
    which = "no rank has" if len(empty) == len(have) else f"rank(s) {_listed(empty)} have"
    raise EmptyPartition(
        f"{which} {'any' if len(empty) == len(have) else 'no'} rows: {shown} by rank",
        hint="pass a DataFrame with more rows, fewer num_tasks, balance='exact', or "
        "allow_empty=True where the function copes",
        rank=empty[0],
        host=context.hosts[empty[0]],
        ranks=empty,
        counts=[rows for rows, _ in counted],
    )


def _again(
    first: "pa.RecordBatch | None", rest: "Iterator[pa.RecordBatch]"
) -> "Iterator[pa.RecordBatch]":
    yield first
    yield from rest


def _listed(ranks: list[int]) -> str:
    return ", ".join(map(str, ranks))


# --- Errors ---------------------------------------------------------------------------------------


def describe(error: BaseException) -> tuple[str, str, str, bytes]:
    """Return an exception's class, text, traceback and pickle, each as far as there is one.

    The traceback begins with the user's function: what called it is the same in every rank.
    """
    while error.__traceback__ is not None and error.__traceback__.tb_frame.f_globals is globals():
        if error.__traceback__.tb_next is None:
            break
        error = error.with_traceback(error.__traceback__.tb_next)
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    text = "".join(traceback.format_exception(error)).rstrip()
    try:
        message = str(error)
    except Exception:
        message = f"<{name} whose text can't be had>"
    return name, message, text, _pickled_error(error)


def _pickled_error(error: BaseException) -> bytes:
    try:
        data = pickling.dumps(error)
        pickling.loads(data)  # Exceptions with constructors of their own often pickle one way only.
    except Exception:
        return b""
    return data
