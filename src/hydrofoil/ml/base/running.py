"""A gang for an estimator: in its turn, with its resources, and its errors as the caller's."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from hydrofoil import gang
from hydrofoil.errors import UsageError
from hydrofoil.gang.data.partitions import has_even_parts
from hydrofoil.gang.result import GangResult
from hydrofoil.gang.session import session_of
from hydrofoil.gang.slots import enough
from hydrofoil.ml.base.turns import TURNS
from hydrofoil.ml.workers.rows import fill

# Other jobs of the program, as that of an evaluator, may have the slots; each of them ends.
_START_S = 3600.0


def run_gang(
    train: Callable[..., Any],
    df: Any,
    workers: int | None,
    *,
    args: Mapping[str, Any],
    gpus: int = 0,
    balance: str = "rows",
    allow_empty: bool = False,
    as_it_is: bool = False,
    options: Mapping[str, Any] | None = None,
    fills: Mapping[str, Any] | None = None,
) -> GangResult:
    """Run ``train`` in a gang that waits for its turn.

    Parameters
    ----------
    train : callable
        Of a module that executors have; gets the context, then ``args``.
    df : DataFrame
        As `columns.selected` has made it.
    workers : int, optional
        Ranks; as many as there are slots, unless given.
    args : mapping
    gpus : int
        GPUs a rank.
    balance, allow_empty
        As of `gang.run`.
    as_it_is : bool
        Take partitions that are even, one a rank, as they are. A shuffle takes longer than all else
        that comes before training.
    options : mapping, optional
        Further arguments of `gang.run`, which go before all others. ``spool`` may be a dict.
    fills : mapping, optional
        What nulls become, by column; as `workers.rows` says unless given.

    Returns
    -------
    GangResult

    Raises
    ------
    SlotError
        There are fewer slots than ranks.
    UsageError
        As a rank found: of the data, mostly.
    GangError
        As `gang.run` does.
    """
    if "balance" in (options or {}) and balance.startswith("key:"):
        raise UsageError(
            "gang_options has balance=, and rows of a query have to be in one rank",
            hint="leave it out",
        )
    spark = df.sparkSession
    resources = gang.Resources(gpus=gpus)
    given = dict(options or {})
    spool = given.pop("spool", None) or gang.Spool()
    if isinstance(spool, Mapping):
        spool = gang.Spool(**spool)
    total = _slots(spark, workers or 1, resources, float(given.get("wait_for_slots", 0.0)))
    workers = workers or total
    if as_it_is and balance == "rows" and workers:
        balance = even_or_dealt(df, workers)
    arguments: dict[str, Any] = {
        "balance": balance,
        "allow_empty": allow_empty,
        "start_timeout": _START_S,
        **given,
    }
    # Where nobody tells how many slots there are, one gang runs after the other.
    with TURNS.part(_application(spark), workers or 1, total or workers or 1):
        try:
            return gang.run(
                train,
                df,
                workers or "max",
                args=dict(args),
                resources=resources,
                spool=dataclasses.replace(
                    spool, nulls="fill", fill=fill(df.columns) if fills is None else dict(fills)
                ),
                **arguments,
            )
        except gang.UserError as error:
            if isinstance(error.__cause__, UsageError | gang.EmptyPartition):
                # What is wrong with the data is the caller's to know, not in which rank.
                raise error.__cause__ from error
            raise


def even_or_dealt(df: Any, workers: int) -> str:
    """The ``balance`` of `gang.run` by which workers get about equally many rows soonest."""
    return "none" if has_even_parts(df, workers) else "rows"


def _slots(spark: Any, workers: int, resources: gang.Resources, wait: float) -> int | None:
    """How many slots there are, which are enough; None where a Connect server doesn't tell."""
    session = session_of(spark)
    session.check()
    slots = enough(session, workers, resources, wait)
    return None if slots is None else int(slots.total)


def _application(spark: Any) -> str:
    try:
        return str(spark.sparkContext.applicationId)
    except Exception:
        # A client's, which has no context.
        return str(spark.session_id)
