"""The driver's side: a thread that listens, proves the secret, and brings frames to the meeting."""

import asyncio
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from hydrofoil.gang.channel.proof import ANSWER, ChannelError, Greeting
from hydrofoil.gang.channel.records import CODE, HEAD, Opener, Sealer
from hydrofoil.gang.channel.secret import SIZE, Secret
from hydrofoil.gang.channel.strangers import PROOF_S, Strangers
from hydrofoil.gang.hub import frames, watchdog
from hydrofoil.gang.hub.frames import Header
from hydrofoil.gang.hub.meeting import Meeting, Timeouts

T = TypeVar("T")

_logger = logging.getLogger("hydrofoil.gang")

_BACKLOG = 1024
_TICK_S = 0.2
_STACKS_S = 0.5  # How long ranks have to send their stacks once a hang is found.


class Connection:
    """A connection that has proved to be a rank's; ``send`` never waits."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        sealer: Sealer,
        opener: Opener,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._sealer = sealer
        self._opener = opener

    @classmethod
    async def proven(
        cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secret: Secret
    ) -> "Connection":
        """Have a caller prove the secret, and prove it in turn."""
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        greeting = Greeting(secret)
        writer.write(greeting.message)
        proof, keys = greeting.check(await reader.readexactly(ANSWER))
        writer.write(proof)
        sealer, opener = Sealer(keys.outgoing, keys.encrypt), Opener(keys.incoming, keys.encrypt)
        return cls(reader, writer, sealer, opener)

    def send(self, header: Header, blob: bytes = b"") -> None:
        if not self._writer.is_closing():
            self._writer.writelines(self._sealer.seal(frames.encode(header, blob)))

    async def receive(self) -> tuple[Header, bytes]:
        length = self._opener.length(await self._reader.readexactly(HEAD))
        if length > frames.MOST:
            raise ChannelError(f"a message of {length:,} bytes")
        body = await self._reader.readexactly(length)
        code = await self._reader.readexactly(CODE)
        return frames.decode(self._opener.open(body, code))


class Hub:
    """Where the ranks of one run meet, attempt after attempt.

    Parameters
    ----------
    bind : str
        The address to listen on.
    host : str, optional
        What ranks connect to; ``bind`` unless given.
    port : int
        0 for any that is free.
    encrypt, strict : bool
        As in `Secret`.
    """

    def __init__(
        self,
        bind: str = "127.0.0.1",
        host: str | None = None,
        port: int = 0,
        encrypt: bool = False,
        strict: bool = False,
    ) -> None:
        self.secret = Secret(secrets.token_bytes(SIZE), encrypt, strict)
        # IPv4 and IPv6 alike: what the name means decides.
        family, _, _, _, place = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        self._socket = socket.create_server(
            (place[0], int(place[1])), family=family, backlog=_BACKLOG
        )
        self.address: tuple[str, int] = (host or bind, self._socket.getsockname()[1])
        self._meeting: Meeting | None = None
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._strangers = Strangers(0)
        self._thread = threading.Thread(target=self._run, name="hydrofoil-gang-hub", daemon=True)
        self._thread.start()

    # --- For the driver's thread ------------------------------------------------------------------

    def begin(self, attempt: int, world_size: int, timeouts: Timeouts) -> Meeting:
        """Open an attempt's meeting; the one before has ended, and all of its ranks are stale."""
        meeting = Meeting(attempt, world_size, timeouts)

        def replace() -> None:
            if self._meeting is not None:
                self._meeting.end(f"attempt {attempt} has begun")
            self._meeting = meeting
            self._strangers = Strangers(world_size)

        self._call(replace)
        return meeting

    def end(self, meeting: Meeting, why: str) -> None:
        self._call(lambda: meeting.end(why))

    def ask_to_stop(self, meeting: Meeting) -> None:
        self._call(meeting.ask_to_stop)

    def still_there(self, meeting: Meeting) -> list[int]:
        """Ranks whose processes are still connected."""
        return self._call(lambda: [rank for rank, seat in meeting.seats.items() if not seat.gone])

    def close(self) -> None:
        """End the thread and all connections."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def __enter__(self) -> "Hub":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    # --- In the hub's thread ----------------------------------------------------------------------

    def _run(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._serve, sock=self._socket))
        watch = loop.create_task(self._watch())
        try:
            loop.run_forever()
        finally:
            server.close()
            rest = [watch, *self._connections]
            for task in rest:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
            loop.run_until_complete(asyncio.sleep(0))  # In which sockets are closed.
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with self._strangers.one(task.cancel):
                proven = Connection.proven(reader, writer, self.secret)
                connection = await asyncio.wait_for(proven, PROOF_S)
            await self._listen(connection)
        except (ChannelError, OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # Whoever it was is gone, or has no business here.
        except (KeyError, TypeError, ValueError) as error:
            _logger.warning("a rank with a different version of Hydrofoil? %r", error)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _listen(self, connection: Connection) -> None:
        header, _ = await connection.receive()
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

    async def _watch(self) -> None:
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
