"""The ranks of one attempt as the hub sees them. Runs in the hub's thread alone; does no I/O.

Frames come in through ``handle``; answers go out through each rank's ``send``; what the driver has
to know goes into ``events``.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from queue import SimpleQueue
from typing import Any, Protocol

from hydrofoil.gang.hub import frames
from hydrofoil.gang.hub.events import (
    Event,
    Hung,
    Logged,
    Member,
    Raised,
    Registered,
    Reported,
    Returned,
    Vanished,
)
from hydrofoil.gang.hub.frames import Header


class Peer(Protocol):
    """A connection to a rank."""

    def send(self, header: Header, blob: bytes = b"") -> None: ...


@dataclass(frozen=True)
class Timeouts:
    """Seconds. ``timeout`` is for barriers and collectives, ``progress`` between reports."""

    timeout: float = 300.0
    progress: float | None = None


@dataclass
class Seat:
    """What is known of a rank that has registered."""

    member: Member
    peer: Peer
    beat_at: float
    stack: str = ""
    rss: int = 0
    returned: bool = False
    raised: bool = False
    gone: bool = False
    # Where the main thread is: the innermost note, since when; and how often it was in each.
    inside: str | None = None
    inside_since: float = 0.0
    notes: Counter[str] = field(default_factory=Counter)


@dataclass
class Collective:
    """One that at least one rank has entered."""

    op: str
    seq: int
    since: float
    timeout: float
    src: int = 0
    blobs: dict[int, bytes] = field(default_factory=dict)
    requests: dict[int, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.op} #{self.seq}"


def _of(kind: Any, value: Any) -> Any:
    """A value that others will look at, who must not fail because a rank sent anything else."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} in place of {kind}")
    return value


class Meeting:
    """One attempt of a gang."""

    def __init__(
        self,
        attempt: int,
        world_size: int,
        timeouts: Timeouts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.attempt = attempt
        self.world_size = world_size
        self.timeouts = timeouts
        self.clock = clock
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.seats: dict[int, Seat] = {}
        self.collectives: dict[int, Collective] = {}
        self.ended: str | None = None  # Why, once it has.
        self.hung: Hung | None = None  # Found, and waiting for stacks.
        self.progress_at: float | None = None
        self._waiting: dict[int, int] = {}  # Ranks that wait for the others to register -> request.

    # --- What ranks send --------------------------------------------------------------------------

    def register(self, peer: Peer, header: Header) -> int | None:
        """Give a rank its seat; ``None`` where it can't have one, which it is told."""
        member = Member(**header["member"])
        rank: int = _of(int, member.rank)
        if self.ended is not None:
            peer.send({"kind": "stale", "reply": header["id"], "why": self.ended})
            return None
        if rank in self.seats or not 0 <= rank < self.world_size:
            why = f"rank {rank} of {self.world_size} is taken, or there is no such rank"
            peer.send({"kind": "stale", "reply": header["id"], "why": why})
            return None
        self.seats[rank] = Seat(member, peer, self.clock())
        self._waiting[rank] = header["id"]
        self.events.put(Registered(member))
        if len(self.seats) == self.world_size:
            self.progress_at = self.clock()
            members = [asdict(self.seats[rank].member) for rank in range(self.world_size)]
            for rank, request in self._waiting.items():
                self.seats[rank].peer.send(
                    {"kind": "members", "reply": request, "members": members}
                )
            self._waiting.clear()
        return rank

    def handle(self, rank: int, header: Header, blob: bytes) -> None:
        """Take a frame of a rank that has registered."""
        self.seats[rank].beat_at = self.clock()
        _HANDLERS[header["kind"]](self, self.seats[rank], header, blob)

    def lose(self, rank: int, why: str = "") -> None:
        """Take note that a rank's connection has ended; ``why`` if this side has ended it."""
        seat = self.seats[rank]
        seat.gone = True
        if seat.returned or seat.raised:
            return
        self.events.put(
            Vanished(
                rank,
                seat.member.host,
                seat.member.pid,
                seat.stack,
                seat.rss,
                at=self.clock(),
                rejected=why,
            )
        )

    # --- What the driver does ---------------------------------------------------------------------

    def end(self, why: str, kill_after: float | None = None) -> None:
        """Refuse all that comes from now on, and wake the ranks that wait.

        With ``kill_after`` ranks that are still there after so many seconds end their processes:
        where nobody is left to cancel the job, Spark ends the others for that.
        """
        if self.ended is not None and kill_after is None:
            return
        self.ended = self.ended or why
        for seat in self.seats.values():
            seat.peer.send({"kind": "ended", "why": self.ended, "kill_after": kill_after})

    def ask_to_stop(self) -> None:
        for seat in self.seats.values():
            seat.peer.send({"kind": "stop"})

    def skip(self, seconds: float) -> None:
        """Forget a time in which the driver itself stood still, such as a suspended laptop."""
        for seat in self.seats.values():
            seat.beat_at += seconds
            seat.inside_since += seconds
        for collective in self.collectives.values():
            collective.since += seconds
        if self.progress_at is not None:
            self.progress_at += seconds

    def find(self, hung: Hung) -> None:
        """Take the watchdog's finding; ranks are asked for their stacks before it is told."""
        if self.hung is None and self.ended is None:
            self.hung = hung
            for rank in {*hung.missing, *hung.entered}:
                if not self.seats[rank].gone:
                    self.seats[rank].peer.send({"kind": "dump"})

    def tell_hung(self) -> None:
        assert self.hung is not None
        found, self.hung = self.hung, None
        stacks = {rank: seat.stack for rank, seat in self.seats.items() if seat.stack}
        self.events.put(Hung(**{**found.__dict__, "stacks": stacks}))

    def at(self, ranks: list[int]) -> list[Seat]:
        return [self.seats[rank] for rank in ranks]

    # --- Handlers ---------------------------------------------------------------------------------

    def _beat(self, seat: Seat, header: Header, blob: bytes) -> None:
        seat.stack = header.get("stack", seat.stack)
        seat.rss = header.get("rss", seat.rss)

    def _enter(self, seat: Seat, header: Header, blob: bytes) -> None:
        where = _of(str, header["where"])
        seat.inside, seat.inside_since = where, self.clock()
        seat.notes[where] += 1

    def _leave(self, seat: Seat, header: Header, blob: bytes) -> None:
        outer = header.get("outer")
        seat.inside = None if outer is None else _of(str, outer)
        seat.inside_since = self.clock()

    def _log(self, seat: Seat, header: Header, blob: bytes) -> None:
        self.events.put(Logged(seat.member.rank, header["text"]))

    def _report(self, seat: Seat, header: Header, blob: bytes) -> None:
        self.progress_at = self.clock()
        self.events.put(Reported(seat.member.rank, header["metrics"]))

    def _goodbye(self, seat: Seat, header: Header, blob: bytes) -> None:
        seat.returned = True
        seat.inside = None
        self.events.put(Returned(seat.member.rank))
        seat.peer.send({"kind": "done", "reply": header["id"]})

    def _error(self, seat: Seat, header: Header, blob: bytes) -> None:
        seat.raised = True
        member = seat.member
        self.events.put(
            Raised(
                member.rank,
                member.host,
                header["type"],
                header["text"],
                header["traceback"],
                blob,
                at=self.clock(),
            )
        )
        seat.peer.send({"kind": "done", "reply": header["id"]})

    def _fence(self, seat: Seat, header: Header, blob: bytes) -> None:
        if self.ended is None:
            seat.peer.send({"kind": "done", "reply": header["id"]})
        else:
            seat.peer.send({"kind": "stale", "reply": header["id"], "why": self.ended})

    def _collective(self, seat: Seat, header: Header, blob: bytes) -> None:
        rank, seq, op = seat.member.rank, _of(int, header["seq"]), _of(str, header["op"])
        if self.ended is not None:
            seat.peer.send({"kind": "stale", "reply": header["id"], "why": self.ended})
            return
        timeout = _of((int, float), header.get("timeout") or self.timeouts.timeout)
        src = _of(int, header.get("src", 0))
        request = header["id"]
        collective = self.collectives.get(seq)
        if collective is None:
            collective = Collective(op, seq, self.clock(), timeout, src)
            self.collectives[seq] = collective
        collective.timeout = min(collective.timeout, timeout)
        if (collective.op, collective.src) != (op, src):
            self.find(self._mismatch(collective, rank, header))
            return
        collective.blobs[rank] = blob
        collective.requests[rank] = request
        if len(collective.blobs) == self.world_size:
            del self.collectives[seq]
            self._complete(collective)

    def _mismatch(self, collective: Collective, rank: int, header: Header) -> Hung:
        what = f"{header['op']}(src={header['src']})" if "src" in header else str(header["op"])
        return Hung(
            "mismatch",
            collective.name,
            entered=sorted(collective.blobs),
            missing=[rank],
            seconds=0.0,
            stacks={},
            at=self.clock(),
            detail=what,
        )

    def _complete(self, collective: Collective) -> None:
        ranks = range(self.world_size)
        if collective.op == "broadcast":
            header: dict[str, Any] = {"kind": "result"}
            blob = collective.blobs[collective.src]
        else:
            blobs = [collective.blobs[rank] for rank in ranks]
            lengths = [len(blob) for blob in blobs]
            header, blob = {"kind": "result", "lengths": lengths}, b""
            if sum(lengths) > frames.MOST_BLOB:  # No rank would take it.
                header = {"kind": "too large", "bytes": sum(lengths)}
            else:
                blob = b"".join(blobs)
        for rank in ranks:
            seat = self.seats[rank]
            seat.peer.send({**header, "reply": collective.requests[rank]}, blob)


_HANDLERS: dict[str, Callable[[Meeting, Seat, Header, bytes], None]] = {
    "beat": Meeting._beat,
    "enter": Meeting._enter,
    "leave": Meeting._leave,
    "log": Meeting._log,
    "report": Meeting._report,
    "goodbye": Meeting._goodbye,
    "error": Meeting._error,
    "fence": Meeting._fence,
    "collective": Meeting._collective,
}
