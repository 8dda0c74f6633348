"""How a gang ends when it doesn't end well. All are ``GangError``; each says rank, host and cause.

Every class pickles: errors cross from rank to driver and may cross further.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydrofoil.errors import HydrofoilError


@dataclass(frozen=True)
class Failure:
    """What one rank reported, or was found to have done."""

    rank: int
    host: str
    what: str  # One line.
    traceback: str = ""


class GangError(HydrofoilError):
    """Base of what ``gang.run`` raises.

    Attributes
    ----------
    rank : int or None
        The rank that is to blame, where it is one.
    host : str or None
        Its host.
    attempt : int or None
        The attempt that failed, from 0.
    remote_traceback : str
        The traceback in the rank; empty where there is none.
    others : list of Failure
        What other ranks reported after it; mostly that their peer was gone.
    stacks : dict of int to str
        The last known main-thread stack of ranks, where it helps.
    """

    kind = "error"  # What `retry_on` calls it.

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        rank: int | None = None,
        host: str | None = None,
        remote_traceback: str = "",
        stacks: dict[int, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, hint)
        self.rank = rank
        self.host = host
        self.remote_traceback = remote_traceback
        self.stacks = stacks or {}
        self.attempt: int | None = None
        self.others: list[Failure] = []
        for name, value in details.items():
            setattr(self, name, value)

    def __reduce__(self) -> Any:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[GangError], args: tuple[Any, ...], state: dict[str, Any]) -> GangError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class UserError(GangError):
    """The user's function raised in a rank. ``__cause__`` is the exception, where it pickles."""

    kind = "user"


class RankCrashed(GangError):
    """A rank's process ended without a word: ``os._exit``, a signal, the kernel's memory killer."""

    kind = "crash"


class RankLost(GangError):
    """A rank's executor or host went away."""

    kind = "lost"


class HangError(GangError):
    """Ranks waited for others that didn't come.

    Attributes
    ----------
    op : str
        What was waited for, such as ``barrier #3``.
    entered, missing : list of int
        Ranks that were inside, and those that were not.
    """

    kind = "hang"
    op: str = ""
    entered: Sequence[int] = ()
    missing: Sequence[int] = ()


class StartTimeout(GangError):
    """Not all ranks started in time. Attributes ``registered`` and ``missing`` list ranks."""

    kind = "start"
    registered: Sequence[int] = ()
    missing: Sequence[int] = ()


class SlotError(GangError):
    """The cluster can't run the gang at once. Attributes ``needed`` and ``slots``."""

    kind = "slots"
    needed: int = 0
    slots: Any = None


class EmptyPartition(GangError):
    """Ranks would have no rows. Attributes ``ranks`` and ``counts``."""

    kind = "data"
    ranks: Sequence[int] = ()
    counts: Sequence[int] = ()


class SpoolError(GangError):
    """A rank's data doesn't fit on its disk or within ``Spool(max_bytes=)``."""

    kind = "spool"


class CheckpointError(GangError):
    """A checkpoint can't be written or read."""

    kind = "checkpoint"


class ResultError(GangError):
    """What a rank returned can't be sent to the driver."""

    kind = "result"


class StaleAttempt(GangError):
    """A rank of an old attempt tried to write, or to meet the ranks of a newer one."""

    kind = "stale"


class PeerGone(GangError):
    """This rank was waiting for others when the attempt failed; never the cause itself."""

    kind = "peer"


class Tampered(GangError):
    """What came over a connection is not what the other side has sent: changed, moved, repeated."""

    kind = "tampered"


class RestartsExhausted(GangError):
    """Every attempt failed. ``attempts`` has an error each; ``__cause__`` is the last one's."""

    kind = "exhausted"
    attempts: Sequence[GangError] = ()


class Cancelled(GangError):
    """The gang was cancelled: by Ctrl-C, from Spark, or by the session's end."""

    kind = "cancelled"
