"""From what hub and Spark saw of an attempt's end to the one error that says why."""

import re
from collections.abc import Sequence

from hydrofoil.errors import HydrofoilError
from hydrofoil.gang import pickling
from hydrofoil.gang.errors import (
    Cancelled,
    Failure,
    GangError,
    HangError,
    PeerGone,
    RankCrashed,
    RankLost,
    SlotError,
    Tampered,
    UserError,
)
from hydrofoil.gang.hub.events import Event, Hung, Raised, Vanished
from hydrofoil.gang.stacks import innermost

Bad = Raised | Vanished | Hung

# What frameworks raise in a rank whose peer has died: a consequence, unless nothing else is known.
_PEER_GONE = re.compile(
    r"connection (was )?(closed|reset|refused)|closed by peer|broken pipe|socket (was )?closed"
    r"|unexpected eof|timed out waiting|remote process exited|recv error|failed to recv",
    re.IGNORECASE,
)
_CANCELLED = re.compile(
    r"SPARK_JOB_CANCELLED|OPERATION_CANCELED|OPERATION_ABANDONED|INVALID_HANDLE\.SESSION"
    r"|\b(Job|Stage) \d+ (was )?cancelled|SparkContext (was|has been) "
    r"(shut ?down|stopped)"
)
_EXECUTOR_LOST = re.compile(r"ExecutorLostFailure|executor \S+ exited|Lost executor", re.I)

# A dead rank's peers need a moment to raise; their errors are newer than its end by this at most.
_SAME_MOMENT_S = 0.1


def is_bad(event: Event | None) -> bool:
    return isinstance(event, Raised | Vanished | Hung)


def executor_lost(job_error: BaseException | None) -> bool:
    """Whether Spark says that ranks went with their executor."""
    return bool(_EXECUTOR_LOST.search(str(job_error or "")))


def error_of(
    events: Sequence[Bad], world_size: int, job_error: BaseException | None, verdict: str = ""
) -> GangError:
    """Choose the root cause and make the error of it.

    Parameters
    ----------
    events : sequence
        What the hub saw, in order.
    world_size : int
    job_error : exception, optional
        What Spark raised for the job.
    verdict : str
        What else is known of a process that vanished, such as its exit code.
    """
    spark = str(job_error or "")
    if not events:
        return _from_spark(job_error, spark, world_size)
    root = _root(events)
    if isinstance(root, Raised):
        error = _raised(root, world_size)
    elif isinstance(root, Vanished):
        if _cancelled(spark):
            return _chained(_cancellation(spark), job_error)
        vanished = [event for event in events if isinstance(event, Vanished)]
        error = _vanished(root, vanished, world_size, spark, verdict)
    else:
        error = _hung(root, world_size)
    error.others = [
        Failure(event.rank, event.host, f"{event.type_name}: {event.text}", event.traceback)
        for event in events
        if event is not root and isinstance(event, Raised)
    ]
    if error.__cause__ is None and not isinstance(root, Raised):
        error.__cause__ = job_error
    return error


def _root(events: Sequence[Bad]) -> Bad:
    def moment(event: Bad) -> float:
        return event.at - (_SAME_MOMENT_S if isinstance(event, Vanished) else 0.0)

    causes = [event for event in events if not _is_consequence(event)]
    return min(causes or events, key=moment)


def _is_consequence(event: Bad) -> bool:
    if not isinstance(event, Raised):
        return False
    name = event.type_name.rpartition(".")[2]
    if name in (PeerGone.__name__, "StaleAttempt"):
        return True
    return name in ("EOFError", "BrokenPipeError", "ConnectionResetError") or bool(
        _PEER_GONE.search(event.text)
    )


def _raised(event: Raised, world_size: int) -> GangError:
    cause: BaseException | None = None
    if event.blob:
        try:
            cause = pickling.loads(event.blob)
        except Exception:  # Its class isn't on the driver; the text says all.
            cause = None
    if isinstance(cause, GangError) and not isinstance(cause, PeerGone):
        cause.rank, cause.host, cause.remote_traceback = event.rank, event.host, event.traceback
        return cause
    error = UserError(
        f"rank {event.rank} of {world_size} on {event.host} raised "
        f"{event.type_name}: {event.text}\n\n{event.traceback}",
        rank=event.rank,
        host=event.host,
        remote_traceback=event.traceback,
    )
    error.__cause__ = cause
    return error


def _vanished(
    root: Vanished, vanished: list[Vanished], world_size: int, spark: str, verdict: str
) -> GangError:
    ranks = sorted({event.rank for event in vanished})
    at = f"rank {root.rank} of {world_size} on {root.host}"
    last = f"last seen at: {innermost(root.stack)}" if root.stack else "last seen nowhere"
    seen = f"{last}; resident memory {root.rss / 1e6:,.0f} MB"
    stacks = {event.rank: event.stack for event in vanished if event.stack}
    if root.rejected:
        return Tampered(
            f"over the connection of {at} came {root.rejected}; the driver has ended it",
            hint="something between the two changes what they send: see the network",
            rank=root.rank,
            host=root.host,
            stacks=stacks,
        )
    if _EXECUTOR_LOST.search(spark):
        return RankLost(
            f"{at} was lost with its executor (rank(s) gone: {', '.join(map(str, ranks))}); {seen}",
            hint="its host went down, or the executor was killed, as for using too much memory; "
            "max_restarts= starts the gang again",
            rank=root.rank,
            host=root.host,
            stacks=stacks,
        )
    how = f" ({verdict})" if verdict else ""
    return RankCrashed(
        f"{at}, process {root.pid}, ended without a word{how}; {seen}",
        hint="the kernel ended it for its memory, a native library crashed, or something called "
        "os._exit; see the executor's stderr and the host's kernel log",
        rank=root.rank,
        host=root.host,
        stacks=stacks,
    )


def _hung(event: Hung, world_size: int) -> HangError:
    missing, entered = _ranks(event.missing), _ranks(event.entered)
    place = {rank: innermost(event.stacks[rank]) for rank in event.missing if rank in event.stacks}
    where = "".join(f"\n  rank {rank} is at: {line}" for rank, line in place.items())
    are = "are" if len(event.entered) > 1 else "is"
    wait = "wait" if len(event.entered) > 1 else "waits"
    text = {
        "missing": f"{event.op}: {entered} waited {event.seconds:.0f} s for {missing}{where}",
        "returned": f"{event.op}: {entered} {wait} for {missing}, whose function has returned",
        "mismatch": f"{event.op}: {entered} {are} in it, but {missing} called {event.detail}",
        "stalled": f"{event.op}: {entered} {are} in it for {event.seconds:.0f} s without an end",
        "silent": f"{missing} did not answer for {event.seconds:.0f} s: stopped, cut off, or in "
        f"native code that keeps Python's lock{where}",
        "idle": f"no rank has reported progress for {event.seconds:.0f} s{where}",
    }[event.how]
    hint = {
        "missing": "see what keeps the missing ranks; if they are only slow, raise timeout=",
        "returned": "every rank has to call the same collectives equally often: see uneven data "
        "(steps='pad' or 'drop_last') and early returns",
        "mismatch": "every rank has to call the same collectives in the same order",
        "stalled": "see the network between the hosts, and that tensors have equal shapes",
        "silent": "see the host, and native code that runs long without releasing the GIL",
        "idle": "call ctx.report more often, or raise progress_timeout=",
    }[event.how]
    details = "".join(
        f"\n\nRank {rank}:\n{stack}"
        for rank, stack in sorted(event.stacks.items())
        if rank in event.missing or event.how == "stalled"
    )
    return HangError(
        text + details,
        hint,
        rank=event.missing[0] if event.missing else None,
        stacks=event.stacks,
        op=event.op,
        entered=event.entered,
        missing=event.missing,
    )


def _ranks(ranks: Sequence[int]) -> str:
    return f"rank{'s' * (len(ranks) != 1)} {', '.join(map(str, ranks)) or 'none'}"


# --- What only Spark knows ------------------------------------------------------------------------


def _cancelled(spark: str) -> bool:
    return bool(_CANCELLED.search(spark))


def _cancellation(spark: str) -> Cancelled:
    return Cancelled(f"the gang's job was cancelled: {_first_line(spark)}")


def _from_spark(job_error: BaseException | None, spark: str, world_size: int) -> GangError:
    if isinstance(job_error, HydrofoilError):  # Of staging, which the job begins with.
        if isinstance(job_error, GangError):
            return job_error
        raise job_error
    if _cancelled(spark):
        return _chained(_cancellation(spark), job_error)
    if executor_lost(job_error):
        return _chained(
            RankLost(
                f"an executor was lost: {_first_line(spark)}",
                hint="max_restarts= starts the gang again",
            ),
            job_error,
        )
    if "SPARK-24819" in spark:  # Spark's own check, in place of a count.
        return _chained(
            SlotError(
                f"the gang needs {world_size} slots at once, and Spark has waited for them in vain",
                hint="fewer num_tasks, or more executors or cores; Spark says "
                + _first_line(spark),
                needed=world_size,
            ),
            job_error,
        )
    hint = None
    if re.search(r"No module named '?hydrofoil\b", spark):
        hint = "install hydrofoil where executors run: hydrofoil doctor says what is missing"
    text = _without_java(spark) or repr(job_error)
    return _chained(GangError(f"Spark could not run the gang: {text}", hint), job_error)


def _chained(error: GangError, cause: BaseException | None) -> GangError:
    error.__cause__ = cause
    return error


def _without_java(text: str) -> str:
    """Leave out py4j's opening, and the stacks of the JVM."""
    text = re.sub(r"^An error occurred while calling \S+\n: ", "", text.strip())
    lines = [line for line in text.splitlines() if not line.startswith("\tat ")]
    text = "\n".join(lines).partition("\nDriver stacktrace:")[0]
    return text.partition("\nJVM stacktrace:")[0].strip()


def _first_line(text: str) -> str:
    return _without_java(text).partition("\n")[0]
