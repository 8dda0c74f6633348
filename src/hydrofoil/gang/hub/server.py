"""The driver's side: brings the frames of ranks to their meeting, and watches it."""

import asyncio
import logging
import time

from hydrofoil.gang.channel.proof import ChannelError
from hydrofoil.gang.channel.strangers import Strangers
from hydrofoil.gang.hub import watchdog
from hydrofoil.gang.hub.frames import Header
from hydrofoil.gang.hub.listener import Connection, Listener
from hydrofoil.gang.hub.meeting import Meeting, Timeouts

_logger = logging.getLogger("hydrofoil.gang")

_TICK_S = 0.2
_STACKS_S = 0.5  # How long ranks have to send their stacks once a hang is found.


class Hub(Listener):
    """Where the ranks of one run meet, attempt after attempt.

    Parameters are those of `Listener`.
    """

    def __init__(
        self,
        bind: str = "127.0.0.1",
        host: str | None = None,
        port: int = 0,
        encrypt: bool = False,
        strict: bool = False,
    ) -> None:
        # Nobody is expected before an attempt has begun.
        super().__init__("rank", _logger, bind, host, port, encrypt, strict, strangers=0)
        self._meeting: Meeting | None = None
        self.start("hydrofoil-gang-hub")

    # --- For the driver's thread ------------------------------------------------------------------

    def begin(self, attempt: int, world_size: int, timeouts: Timeouts) -> Meeting:
        """Open an attempt's meeting; the one before has ended, and all of its ranks are stale."""
        meeting = Meeting(attempt, world_size, timeouts)
        self.call(lambda: self._replace(meeting))
        return meeting

    def end(self, meeting: Meeting, why: str) -> None:
        self.call(lambda: meeting.end(why))

    def ask_to_stop(self, meeting: Meeting) -> None:
        self.call(meeting.ask_to_stop)

    def still_there(self, meeting: Meeting) -> list[int]:
        """Ranks whose processes are still connected."""
        return self.call(lambda: [rank for rank, seat in meeting.seats.items() if not seat.gone])

    def flush(self, meeting: Meeting) -> None:
        """What ranks said before their goodbyes is here."""

    def __enter__(self) -> "Hub":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- In the hub's thread ----------------------------------------------------------------------

    def _replace(self, meeting: Meeting) -> None:
        if self._meeting is not None:
            self._meeting.end(f"attempt {meeting.attempt} has begun")
        self._meeting = meeting
        self._strangers = Strangers(meeting.world_size)

    async def hear(self, connection: Connection) -> None:
        header, _ = await connection.receive()
        await self.serve(connection, header)

    async def serve(self, connection: Connection, header: Header) -> None:
        """Go on with who has proved the secret and said this first: a rank."""
        if header["kind"] != "register":
            raise ChannelError(f"{header['kind']} in place of register")
        meeting = self._meeting
        if meeting is None or header["attempt"] != meeting.attempt:
            now = "none" if meeting is None else f"attempt {meeting.attempt}"
            why = f"attempt {header['attempt']} has ended; {now} is current"
            connection.send({"kind": "stale", "reply": header["id"], "why": why})
            return
        rank = meeting.register(connection, header)
        if rank is None:
            return
        why = ""
        try:
            while True:
                meeting.handle(rank, *await connection.receive())
        except ChannelError as error:
            why = str(error)
        finally:
            meeting.lose(rank, why)

    async def watch(self) -> None:
        before, found_at = time.monotonic(), None
        while True:
            await asyncio.sleep(_TICK_S)
            now, meeting = time.monotonic(), self._meeting
            if meeting is None:
                before = now
                continue
            if now - before > 10 * _TICK_S:
                meeting.skip(now - before)
            before = now
            if meeting.hung is None:
                found_at = None
                found = watchdog.check(meeting)
                if found is not None:
                    meeting.find(found)
            elif found_at is None:
                found_at = now
            elif now - found_at >= _STACKS_S:
                meeting.tell_hung()
