"""In place of ``horovod.spark``: ``run``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from hydrofoil.errors import UsageError
from hydrofoil.gang.api import run as run_gang
from hydrofoil.gang.context import Context
from hydrofoil.gang.elsewhere.horovod.place import within
from hydrofoil.gang.seams import Resources


def run(
    fn: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    num_proc: int | None = None,
    start_timeout: float | None = None,
    *,
    env: Mapping[str, str] | None = None,
    verbose: int = 1,
    resources: Resources | None = None,
) -> list[Any]:
    """Run a function in ``num_proc`` ranks, each a Spark task, and wait for all.

    It finds its place by ``hydrofoil.gang.elsewhere.horovod.torch``, in place of
    ``horovod.torch``.

    Parameters
    ----------
    fn : callable
        Called with ``args`` and ``kwargs``.
    args : tuple or list
    kwargs : dict, optional
    num_proc : int, optional
        Ranks; Spark's default parallelism unless given, over Spark Connect all slots.
    start_timeout : float, optional
        Seconds that slots may be missing, and that ranks may take to start. Unless given, a
        cluster with too few slots is an error at once, and ranks have ten minutes to start.
    env : dict of str to str, optional
        Environment variables of the ranks; put back afterwards.
    verbose : int
        0: no progress bars.
    resources : Resources, optional
        Cores and GPUs a rank; not in Horovod, which leaves that to Spark's settings.

    Returns
    -------
    list
        What the function returned, in the order of ranks.

    Raises
    ------
    UsageError
        If ``num_proc`` is not positive.
    UserError
        If the function raised, with rank, host and traceback.
    GangError
        As ``gang.run`` does.
    """
    if num_proc is not None and num_proc < 1:
        raise UsageError(f"num_proc={num_proc}: has to be 1 or more")
    values = run_gang(
        _rank,
        num_tasks=_default_parallelism() if num_proc is None else num_proc,
        args=(fn, tuple(args), dict(kwargs or {})),
        wait_for_slots=start_timeout or 0.0,
        start_timeout=600.0 if start_timeout is None else start_timeout,
        env=env,
        progress=None if verbose else False,
        resources=resources,
    )
    return list(values)


def _rank(
    ctx: Context, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    with within(ctx):
        return fn(*args, **kwargs)


def _default_parallelism() -> "int | Literal['max']":
    from pyspark.sql import SparkSession

    session: Any = SparkSession.getActiveSession()
    if session is None:
        raise UsageError("there is no active Spark session", hint="make one first")
    # A Spark Connect server does not tell it; unless it is set, it is all slots.
    return int(session.sparkContext.defaultParallelism) if hasattr(session, "_jsc") else "max"
