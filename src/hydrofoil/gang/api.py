"""``gang.run``: a function in as many ranks as asked for, fed from a DataFrame."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from hydrofoil.errors import UsageError
from hydrofoil.gang import pickling
from hydrofoil.gang.attempts import Options, arguments, run_attempts
from hydrofoil.gang.hub.meeting import Timeouts
from hydrofoil.gang.progress import Progress, Update
from hydrofoil.gang.rank import RankSpec
from hydrofoil.gang.result import GangResult
from hydrofoil.gang.seams import Order, Resources, Source, Spool, checked_order
from hydrofoil.gang.session import session_of
from hydrofoil.gang.size import Size
from hydrofoil.gang.stage import Ranks
from hydrofoil.gang.supervise import Job

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hydrofoil.gang.checkpoint import Checkpoint


def run(
    train: Callable[..., Any],
    df: "DataFrame | None" = None,
    num_tasks: "int | Literal['max']" = "max",
    *,
    args: Mapping[str, Any] | Sequence[Any] | None = None,
    source: Source | None = None,
    columns: Sequence[str] | None = None,
    balance: str = "rows",
    order: Order = "arrival",
    allow_empty: bool = False,
    resources: Resources | None = None,
    share_devices: bool = False,
    spool: Spool | None = None,
    wait_for_slots: float = 0.0,
    start_timeout: float = 300.0,
    timeout: float = 300.0,
    progress_timeout: float | None = None,
    checkpoint: "Checkpoint | str | None" = None,
    max_restarts: int = 0,
    backoff: float = 5.0,
    retry_on: Sequence[str] = ("lost", "crash", "hang"),
    elastic: tuple[int, int] | None = None,
    on_progress: Callable[[Update], None] | None = None,
    progress: bool | None = None,
    env: Mapping[str, str] | None = None,
    spark: "SparkSession | None" = None,
) -> GangResult:
    """Call ``train(ctx, ...)`` in ranks that start together and can wait for each other.

    Parameters
    ----------
    train : callable
        Gets a ``Context`` first. What it returns goes to the driver: whatever pickles.
    df : DataFrame, optional
        Cut into a part for each rank, ``ctx.data``.
    num_tasks : int or "max"
        Ranks; "max" is as many as the cluster can run at once.
    args : dict, or tuple or list, optional
        Further arguments of ``train``: by name, or by position.
    source : Source, optional
        ``gang.delta(...)``, ``gang.parquet(...)`` or ``gang.arrow(...)`` in place of ``df``.
    columns : list of str, optional
        Of ``df``; all unless given.
    balance : str
        ``rows``: about equal parts. ``exact``: row counts differ by one at most. ``key:<column>``:
        equal values in one rank. ``none``: the DataFrame's own partitions.
    order : {"arrival", "stable"}
        ``stable``: rows have the same numbers in every run, so that one that goes on from a
        checkpoint sees what one without a break would have seen. See docs/gang-resume.md.
    allow_empty : bool
        Whether ranks may have no rows.
    resources : Resources, optional
        Cores and GPUs a rank.
    share_devices : bool
        Let ranks of a host have the same GPUs.
    spool : Spool, optional
        Where a rank keeps its data after the first pass, how much, and what nulls become.
    wait_for_slots : float
        Seconds to wait until the cluster has slots enough, before anything is submitted.
    start_timeout : float
        Seconds for all ranks to start once Spark has computed their data.
    timeout : float
        Seconds that ranks wait for each other in barriers and collectives.
    progress_timeout : float, optional
        Seconds that may pass without any ``ctx.report``.
    checkpoint : str or Checkpoint, optional
        Where ``ctx.checkpoint`` keeps state: a folder or URI that all ranks reach.
    max_restarts : int
        How often a gang that failed is started again, whole.
    backoff : float
        Seconds before the first restart; doubled for each further one, up to a minute.
    retry_on : sequence of str
        Failures to restart after: of ``lost``, ``crash``, ``hang``, ``user``, ``start``, ``spool``
        and ``checkpoint``.
    elastic : (int, int), optional
        Fewest and most ranks, in place of ``num_tasks``: each attempt has as many as there are
        slots, within these.
    on_progress : callable, optional
        Gets an ``Update`` for each ``ctx.log`` and ``ctx.report``, start and restart, in the
        calling thread.
    progress : bool, optional
        Whether to show a bar for each rank; if standard error is a terminal, unless given.
    env : dict of str to str, optional
        Environment variables of the ranks; put back afterwards.
    spark : SparkSession, optional
        ``df``'s, or the active one, unless given. It may be a Spark Connect client's, as ``df``.

    Returns
    -------
    GangResult
        The ranks' results in rank order.

    Raises
    ------
    UserError
        ``train`` raised; the message has rank, host and traceback.
    GangError
        The gang failed in another way; the class says which.
    UsageError, UnsupportedError
        An argument, setting or cluster that a gang can't run with.
    """
    session = session_of(_session(spark, df))
    session.check()
    if df is not None and source is not None:
        raise UsageError("df and source are two sources of data", hint="pass one of them")
    resources = resources or Resources()
    options = Options(
        Timeouts(timeout, progress_timeout), start_timeout, max_restarts, backoff, tuple(retry_on)
    )
    size = Size(session, num_tasks, elastic, resources, wait_for_slots, start_timeout)
    function = _pickled(train, args)
    shown = Progress(progress, on_progress)
    with shown, session.hub() as hub:
        spec = RankSpec(
            hub.address,
            hub.secret,
            options.run_id,
            function,
            resources,
            share_devices,
            spool or Spool(),
            None,
            _kept_in(checkpoint),
            allow_empty,
            dict(env or {}),
            checked_order(order),
            log_errors=not session.is_local,
        )
        size.tell = shown.say
        first = size(0)  # Before tables are looked up, or anything is computed.
        if source is not None:
            spec = dataclasses.replace(spec, source=source.pin())
        name = getattr(train, "__qualname__", type(train).__qualname__)
        elastically, again = elastic is not None, max_restarts > 0
        with Ranks(session, df, spec, balance, columns, keep=elastically, again=again) as ranks:

            def make_job(attempt: int, world_size: int) -> Job:
                return session.job(
                    lambda size: ranks.of(size, attempt, hub.address),
                    world_size,
                    f"hydrofoil-gang-{options.run_id}-{attempt}",
                    f"gang {name}: {world_size} ranks, attempt {attempt}",
                    hub,
                )

            return run_attempts(
                hub,
                options,
                lambda attempt: size(attempt) if attempt else first,
                make_job,
                shown.hear,
            )


def _kept_in(checkpoint: "Checkpoint | str | None") -> "Checkpoint | None":
    """Where checkpoints are; paths are the driver's, whose folder the ranks do not run in."""
    if checkpoint is None:
        return None
    from hydrofoil.gang.checkpoint import Checkpoint

    return checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)


def _session(spark: "SparkSession | None", df: "DataFrame | None") -> "SparkSession":
    if spark is not None:
        return spark
    if df is not None:
        return df.sparkSession
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active()
    except Exception as error:
        raise UsageError(
            "there is no active Spark session", hint="make one, or pass spark="
        ) from error


def _pickled(train: Callable[..., Any], args: Any) -> bytes:
    if not callable(train):
        raise UsageError(f"train={train!r} is no function")
    try:
        return pickling.dumps((train, *arguments(args)))
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"train, or what it uses, can't be sent to ranks: {error}",
            hint="make sessions, connections and locks inside of it; pass data by df= or args=",
        ) from error
