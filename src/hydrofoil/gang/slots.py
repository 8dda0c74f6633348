"""How many ranks the cluster can run at once, counted before anything is submitted."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hydrofoil.errors import UnsupportedError
from hydrofoil.gang.errors import SlotError
from hydrofoil.gang.seams import Resources, Slots
from hydrofoil.gang.session import Session, session_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Executors register one after another when an application starts; without waiting for slots, a
# gang still gives them this long.
_AT_LEAST_S = 1.0
_POLL_S = 0.1


def preflight(
    spark: "SparkSession",
    num_tasks: int = 1,
    resources: Resources | None = None,
    *,
    wait: float = 0.0,
    tell: Callable[[str], None] | None = None,
) -> Slots:
    """Check that ``num_tasks`` ranks can run at once.

    Parameters
    ----------
    spark : SparkSession
    num_tasks : int
    resources : Resources, optional
        What each rank needs; the application's ``spark.task.cpus`` unless given.
    wait : float
        Seconds to wait for slots to appear.
    tell : callable, optional
        Is told every few seconds of waiting how many there are.

    Returns
    -------
    Slots

    Raises
    ------
    SlotError
        There are fewer slots; the message counts them and says what to change.
    UnsupportedError
        Under dynamic allocation, for resources that this cluster can't give, or where a Spark
        Connect server doesn't tell.
    UsageError
        Python's idle timeout would kill ranks.
    """
    session = session_of(spark)
    session.check()
    slots = enough(session, num_tasks, resources or Resources(), wait, tell)
    if slots is None:
        raise uncounted("preflight")
    return slots


def enough(
    session: Session,
    num_tasks: int,
    resources: Resources,
    wait: float,
    tell: Callable[[str], None] | None = None,
) -> Slots | None:
    """See `preflight`; ``None`` where nobody can tell how many slots there are."""
    until = time.monotonic() + (0.0 if session.is_local else max(wait, _AT_LEAST_S))
    told = time.monotonic()
    while True:
        slots = session.count(resources)
        now = time.monotonic()
        if slots is None or slots.total >= num_tasks:
            return slots
        if now >= until:
            raise _too_few(slots, num_tasks, resources, wait)
        if tell is not None and now - told >= 2.0:
            told = now
            tell(f"waiting for {num_tasks} slots: {slots.reason}")
        time.sleep(_POLL_S)


def uncounted(what: str) -> UnsupportedError:
    """The error for what can't do without a count."""
    return UnsupportedError(
        f"{what}: the Spark Connect server doesn't tell how many slots there are",
        hint="spark.default.parallelism or spark.sql.leafNodeDefaultParallelism hides them: unset "
        "it, or pass num_tasks= as a number",
    )


def _too_few(slots: Slots, needed: int, resources: Resources, wait: float) -> SlotError:
    after = f" after {wait:g} s" if wait else ""
    hints = [f"num_tasks={slots.total}"] if slots.total else []
    hints += ["more executors or cores (spark.executor.instances, spark.cores.max, local[N])"]
    if resources.cpus and resources.cpus > 1:
        hints.append("fewer Resources(cpus=)")
    hints.append("or wait_for_slots=seconds if executors are still to come")
    return SlotError(
        f"the gang needs {needed} slots at once, and there are {slots.total}{after}; "
        f"{slots.reason}",
        hint=", ".join(hints),
        needed=needed,
        slots=slots,
    )
