"""The driver's loop: attempt after attempt, until one goes through or none may follow."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang import pickling
from hydrofoil.gang.errors import GangError, RestartsExhausted, ResultError
from hydrofoil.gang.hub.events import Event, Reported
from hydrofoil.gang.hub.meeting import Timeouts
from hydrofoil.gang.hub.seam import Meets
from hydrofoil.gang.result import GangResult
from hydrofoil.gang.supervise import Attempt, Job

_LONGEST_BACKOFF_S = 60.0
_MOST_DOUBLED = 64  # Of a thousand, no number of seconds has room.
_REPORTS = 10_000  # Kept of each rank, the newest.
KINDS = ("lost", "crash", "hang", "user", "start", "spool", "checkpoint")

Listener = Callable[[int, Event | GangError], None]


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True)
class Options:
    """How attempts are watched and repeated."""

    timeouts: Timeouts = Timeouts()  # noqa: RUF009
    start_timeout: float = 300.0
    max_restarts: int = 0
    backoff: float = 5.0
    retry_on: tuple[str, ...] = ("lost", "crash", "hang")
    run_id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.retry_on if kind not in KINDS]
        if unknown:
            raise UsageError(f"retry_on: {unknown[0]!r} is none of {', '.join(KINDS)}")
        if self.max_restarts < 0:
            raise UsageError(f"max_restarts={self.max_restarts} has to be 0 or more")
        for name, seconds in (
            ("timeout", self.timeouts.timeout),
            ("start_timeout", self.start_timeout),
        ):
            if seconds <= 0:
                raise UsageError(f"{name}={seconds} has to be more than 0 seconds")
        if self.backoff < 0:
            raise UsageError(f"backoff={self.backoff} has to be 0 seconds or more")


def arguments(
    args: Mapping[str, Any] | Sequence[Any] | None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and the keyword arguments that ``args`` stands for."""
    if args is None:
        return (), {}
    if isinstance(args, Mapping):
        return (), dict(args)
    if isinstance(args, tuple | list):
        return tuple(args), {}
    raise UsageError(
        f"args={args!r} is neither a dict nor a tuple or list",
        hint="a dict becomes keywords, a tuple or list positional arguments, after ctx",
    )


def run_attempts(
    hub: Meets,
    options: Options,
    size: Callable[[int], int],
    make_job: Callable[[int, int], Job],
    listen: Listener = lambda attempt, event: None,
) -> GangResult:
    """Run attempts until one succeeds.

    Parameters
    ----------
    hub, options
    size : callable
        ``size(attempt)`` says how many ranks an attempt has; it may wait, and raise.
    make_job : callable
        ``make_job(attempt, world_size)``.
    listen : callable
        Hears every event, and of attempts that failed their error.
    """
    started = time.monotonic()
    errors: list[GangError] = []
    while True:
        attempt = len(errors)
        try:
            world_size = size(attempt)
            meeting = hub.begin(attempt, world_size, options.timeouts)
            reports: list[list[dict[str, Any]]] = [[] for _ in range(world_size)]
            run = Attempt(
                hub,
                meeting,
                make_job(attempt, world_size),
                options.start_timeout,
                lambda event, n=attempt, to=reports: _heard(n, event, to, listen),  # type: ignore[misc]
            )
            begun = time.monotonic()
            blobs = run.run()
            hub.end(meeting, "the gang has finished")
            ended = time.monotonic()
            met = run.met_after or 0.0
            values, checkpoint = _unpickled(blobs)
            return GangResult(
                values,
                errors,
                reports,
                {"total_s": ended - started, "start_s": met, "run_s": ended - begun - met},
                checkpoint,
            )
        except GangError as error:
            error.attempt = attempt
            errors.append(error)
            if error.kind not in options.retry_on or not options.max_restarts:
                if attempt and error.__cause__ is None:
                    raise error from errors[-2]  # What it was restarted for.
                raise
            if attempt >= options.max_restarts:
                raise _exhausted(errors) from error
            listen(attempt, error)
            time.sleep(min(options.backoff * 2 ** min(attempt, _MOST_DOUBLED), _LONGEST_BACKOFF_S))


def _heard(
    attempt: int, event: Event, reports: list[list[dict[str, Any]]], listen: Listener
) -> None:
    if isinstance(event, Reported):
        kept = reports[event.rank]
        kept.append(event.metrics)
        del kept[:-_REPORTS]
    listen(attempt, event)


def _unpickled(blobs: list[bytes]) -> tuple[list[Any], Any]:
    values, checkpoints = [], []
    for rank, blob in enumerate(blobs):
        try:
            value, checkpoint = pickling.loads(blob)
        except Exception as error:
            raise ResultError(
                f"what rank {rank} returned can't be unpickled on the driver: {error}",
                hint="the driver needs the modules of its classes; or return plain values",
                rank=rank,
            ) from error
        values.append(value)
        checkpoints.append(checkpoint)
    return values, next((each for each in checkpoints if each is not None), None)


def _exhausted(errors: list[GangError]) -> RestartsExhausted:
    lines = [f"  attempt {n}: {error.message.splitlines()[0]}" for n, error in enumerate(errors)]
    last = errors[-1]
    return RestartsExhausted(
        f"all {len(errors)} attempts failed:\n" + "\n".join(lines),
        rank=last.rank,
        host=last.host,
        remote_traceback=last.remote_traceback,
        attempts=list(errors),
    )
