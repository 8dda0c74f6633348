"""The client's half of a hub that runs beside the server's driver: asks it, and hands events on."""

import pickle
import secrets
import threading
import time
from queue import SimpleQueue
from typing import Any

from hydrofoil.gang.channel.secret import SIZE, Secret
from hydrofoil.gang.connect.answers import HubGone
from hydrofoil.gang.connect.host import HostConf
from hydrofoil.gang.connect.relay import ask
from hydrofoil.gang.errors import GangError, RankLost
from hydrofoil.gang.hub.events import Event, Registered
from hydrofoil.gang.hub.meeting import Timeouts

_WAIT_S = 3.0  # The hub answers at once where there is news.
_PAUSE_S = 0.2  # Between questions: what comes meanwhile comes together.
_FLUSH_S = 5.0
_POLL_S = 0.02


class RemoteMeeting:
    """An attempt, as far as the client has heard of it. Implements ``hub.seam.Met``.

    Attributes
    ----------
    there : list of int
        Ranks whose processes are connected.
    """

    def __init__(self, attempt: int, world_size: int) -> None:
        self.attempt = attempt
        self.world_size = world_size
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.seats: set[int] = set()
        self.there: list[int] = []


class RemoteHub:
    """Implements ``hub.seam.Meets``. Started where the server's driver runs.

    Parameters
    ----------
    spark : SparkSession
        A Connect client's.
    bind, host, port, encrypt, strict
        As in `Listener`.
    lease : float
        Seconds without a question after which the hub takes the client for gone.

    Raises
    ------
    OSError
        The hub can't listen there.
    UnsupportedError
        The server can't run it.
    """

    def __init__(
        self,
        spark: Any,
        bind: str,
        host: str,
        port: int,
        encrypt: bool,
        strict: bool,
        lease: float,
    ) -> None:
        self._spark = spark
        self.secret = Secret(secrets.token_bytes(SIZE), encrypt, strict)
        self._conf = HostConf(bind, host, port, self.secret, lease)
        self._meeting: RemoteMeeting | None = None
        self._start()

    def _start(self) -> None:
        self.address: tuple[str, int] = ask(self._spark, "start", self._conf)
        self.failure: GangError | None = None  # Why nothing can be heard any more.
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._keep_asking, name="hydrofoil-gang-relay", daemon=True
        )
        self._thread.start()

    # --- For the thread that runs attempts --------------------------------------------------------

    def begin(self, attempt: int, world_size: int, timeouts: Timeouts) -> RemoteMeeting:
        if self.failure is not None:  # Of the attempt before, which its ranks have left.
            self._thread.join()
            self._start()
        meeting = RemoteMeeting(attempt, world_size)
        self._tell("begin", attempt, world_size, timeouts.timeout, timeouts.progress)
        self._meeting = meeting
        return meeting

    def end(self, meeting: RemoteMeeting, why: str) -> None:
        if meeting.there or len(meeting.seats) < meeting.world_size:  # Else nobody has to hear it.
            self._tell("end", meeting.attempt, why)

    def ask_to_stop(self, meeting: RemoteMeeting) -> None:
        self._tell("stop", meeting.attempt)

    def still_there(self, meeting: RemoteMeeting) -> list[int]:
        return [] if self.failure is not None else meeting.there

    def flush(self, meeting: RemoteMeeting) -> None:
        until = time.monotonic() + _FLUSH_S
        while self.still_there(meeting) and time.monotonic() < until:
            time.sleep(_POLL_S)

    def close(self) -> None:
        """End the hub's process and the thread here."""
        self._closing.set()
        self._tell("close")
        self._thread.join()

    def __enter__(self) -> "RemoteHub":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, *command: Any) -> None:
        """Have the hub do something now; what can't be told needs no telling any more."""
        if self.failure is None:
            try:
                self._ask([list(command)], 0.0)
            except Exception as error:
                self._fail(error)

    # --- In the thread that asks ------------------------------------------------------------------

    def _keep_asking(self) -> None:
        seen = 0
        while not self._closing.wait(_PAUSE_S):
            there = self._meeting.there if self._meeting is not None else []
            try:
                header, events = self._ask([], _WAIT_S, seen, there)
            except Exception as error:
                if not self._closing.is_set():
                    self._fail(error)
                return
            seen = header["next"]
            self._hear(events, header["there"])

    def _hear(self, events: list[tuple[int, Event]], there: list[int]) -> None:
        meeting = self._meeting
        if meeting is None:
            return
        meeting.there = there
        for attempt, event in events:
            if attempt == meeting.attempt:
                if isinstance(event, Registered):
                    meeting.seats.add(event.member.rank)
                meeting.events.put(event)

    def _ask(
        self, do: list[list[Any]], wait: float, seen: int | None = None, there: Any = ()
    ) -> tuple[Any, list[tuple[int, Event]]]:
        header = {"kind": "driver", "do": do, "wait": wait, "seen": seen, "there": list(there)}
        told, blob = ask(self._spark, "tell", self.address, self.secret, header)
        return told, pickle.loads(blob) if blob else []

    def _fail(self, error: Exception) -> None:
        if self.failure is not None:
            return
        if isinstance(error, HubGone):
            self.failure = RankLost(
                f"the gang's hub beside the server's driver is gone: {error}",
                hint=f"it ends with the server, or when it hears nothing from this client for "
                f"{self._conf.lease:g} s (spark.hydrofoil.gang.lease)",
            )
        elif isinstance(error, GangError):
            self.failure = error
        else:
            self.failure = GangError(f"the Spark Connect server can't be asked any more: {error}")
        if error is not self.failure:
            self.failure.__cause__ = error
