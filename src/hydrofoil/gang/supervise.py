"""One attempt, seen from the driver: from the job's start to results or the one error."""

import time
from collections.abc import Callable
from queue import Empty
from typing import Protocol

from hydrofoil.gang.errors import GangError, StartTimeout
from hydrofoil.gang.failures import Bad, error_of, executor_lost, is_bad
from hydrofoil.gang.hub.events import Event, Hung, Vanished
from hydrofoil.gang.hub.seam import Meets, Met

_POLL_S = 0.1
_ASK_S = 0.5  # How often Spark is asked whether the job waits.
_SETTLE_S = 0.5  # Errors of ranks that fail together arrive within this.
_VERDICT_S = 5.0  # Spark says within this whether an executor went with the process.
_END_S = 15.0  # Spark kills Python workers 2 s after a job's end (spark.python.task.killTimeout).


class Job(Protocol):
    """What runs the ranks of one attempt."""

    def start(self) -> None: ...

    def done(self) -> bool: ...

    def error(self) -> BaseException | None:
        """Why it failed; ``None`` before it is done."""
        ...

    def results(self) -> list[bytes]:
        """What ranks returned, once it is done without an error."""
        ...

    def waits(self) -> bool:
        """Whether nothing of it runs yet."""
        ...

    def verdict(self, rank: int) -> str | None:
        """What is known of the end of a rank's process; ``None`` while something may yet be."""
        ...

    def cancel(self, why: str) -> None: ...

    def join(self, timeout: float) -> None: ...


class Attempt:
    """Runs one; ``listen`` hears every event in the caller's thread."""

    def __init__(
        self,
        hub: Meets,
        meeting: Met,
        job: Job,
        start_timeout: float,
        listen: Callable[[Event], None],
    ) -> None:
        self._hub = hub
        self._meeting = meeting
        self._job = job
        self._start_timeout = start_timeout
        self._listen = listen
        self._bad: list[Bad] = []
        self.met_after: float | None = None

    def run(self) -> list[bytes]:
        """Return what each rank returned, pickled.

        Raises
        ------
        GangError
            The attempt failed; nothing of it runs any more, as far as Spark can tell.
        """
        try:
            self._job.start()
            late = self._watch()
            if late is None and not self._bad and self._job.error() is None:
                return self._job.results()
            error = late or self._failure()
            self._end(str(error).splitlines()[0])
            raise error
        except GangError:
            raise
        except BaseException:
            self._hub.ask_to_stop(self._meeting)
            self._end("the gang was cancelled on the driver")
            raise

    def _watch(self) -> StartTimeout | None:
        """Wait for a failure, the job's end, or a start that takes too long."""
        started = waits_since = ask_at = time.monotonic()
        flushed = False
        while True:
            event = self._next(_POLL_S)
            if is_bad(event):
                return None
            if event is None and self._job.done():
                if flushed:
                    return None
                self._hub.flush(self._meeting)
                flushed = True
            now = time.monotonic()
            if len(self._meeting.seats) == self._meeting.world_size:
                if self.met_after is None:
                    self.met_after = now - started
            elif not self._meeting.seats and now >= ask_at:
                ask_at = now + _ASK_S
                if not self._job.waits():
                    waits_since = now  # Spark computes what the ranks are fed with.
            if self.met_after is None and now - waits_since > self._start_timeout:
                return self._too_late()

    def _next(self, timeout: float) -> Event | None:
        try:
            event = self._meeting.events.get(timeout=timeout)
        except Empty:
            return None
        if is_bad(event):
            self._bad.append(event)  # type: ignore[arg-type]
        self._listen(event)
        return event

    def _failure(self) -> GangError:
        until = time.monotonic() + _VERDICT_S
        # Spark may know before the executor's workers are gone, whose ranks the error names.
        while self._meeting.seats and not self._bad and executor_lost(self._job.error()):
            if time.monotonic() > until:
                break
            self._next(_POLL_S)
        settled = time.monotonic() + _SETTLE_S
        while (now := time.monotonic()) < settled and not self._found_hang():
            self._next(settled - now)
        vanished = [event for event in self._bad if isinstance(event, Vanished)]
        until = time.monotonic() + _VERDICT_S
        verdict = None
        while vanished and verdict is None and time.monotonic() < until:
            self._next(_POLL_S)
            verdict = self._job.verdict(vanished[0].rank)
        return error_of(self._bad, self._meeting.world_size, self._job.error(), verdict or "")

    def _found_hang(self) -> bool:
        return any(isinstance(event, Hung) for event in self._bad)

    def _end(self, why: str) -> None:
        self._hub.end(self._meeting, why)
        self._job.cancel(why)
        self._job.join(_END_S)
        until = time.monotonic() + _END_S
        while self._hub.still_there(self._meeting) and time.monotonic() < until:
            time.sleep(_POLL_S)

    def _too_late(self) -> StartTimeout:
        world_size = self._meeting.world_size
        registered = sorted(self._meeting.seats)
        missing = [rank for rank in range(world_size) if rank not in registered]
        return StartTimeout(
            f"{len(registered)} of {world_size} ranks started within {self._start_timeout:g} s; "
            f"missing: {', '.join(map(str, missing))}",
            hint="other jobs hold the slots, or workers can't start: wait for them, run fewer "
            "ranks, or raise start_timeout=",
            registered=registered,
            missing=missing,
        )
