"""A thread that listens, has callers prove the secret, and hears those that have."""

import asyncio
import logging
import secrets
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from hydrofoil.gang.channel.proof import ANSWER, ChannelError, Greeting
from hydrofoil.gang.channel.records import CODE, HEAD, Opener, Sealer
from hydrofoil.gang.channel.secret import SIZE, Secret
from hydrofoil.gang.channel.strangers import PROOF_S, Strangers
from hydrofoil.gang.hub import frames
from hydrofoil.gang.hub.frames import Header

T = TypeVar("T")

_BACKLOG = 1024


class Connection:
    """A connection that has proved to be one of ours; ``send`` never waits."""

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


class Listener(ABC):
    """A port of the driver's, and the thread that serves it.

    A class that is made of this calls `start` when its own attributes are there.

    Parameters
    ----------
    caller, logger : str, logging.Logger
        What connects, for messages, and where they go.
    bind : str
        The address to listen on.
    host : str, optional
        What callers connect to; ``bind`` unless given.
    port : int
        0 for any that is free.
    encrypt, strict : bool
        As in `Secret`.
    strangers : int
        How many connections may be unproven at once.
    """

    def __init__(
        self,
        caller: str,
        logger: logging.Logger,
        bind: str,
        host: str | None,
        port: int,
        encrypt: bool,
        strict: bool,
        strangers: int,
    ) -> None:
        self._caller = caller
        self._logger = logger
        self.secret = Secret(secrets.token_bytes(SIZE), encrypt, strict)
        # IPv4 and IPv6 alike: what the name means decides.
        family, _, _, _, place = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        self._socket = socket.create_server(
            (place[0], int(place[1])), family=family, backlog=_BACKLOG
        )
        self.address: tuple[str, int] = (host or bind, self._socket.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        self._strangers = Strangers(strangers)
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self, name: str) -> None:
        """Start the thread, and wait until it listens."""
        self._thread.name = name
        self._thread.start()
        self._listening.wait()

    def close(self) -> None:
        """End the thread and all connections."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def call(self, function: Callable[[], T]) -> T:
        """What a function gives that is called in the thread."""

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    # --- In the thread ----------------------------------------------------------------------------

    @abstractmethod
    async def hear(self, connection: Connection) -> None:
        """Serve a caller that has proved the secret, until it is gone.

        Raises
        ------
        ChannelError
            It has no business here.
        KeyError, TypeError, ValueError
            It says what this version does not understand.
        """

    async def watch(self) -> None:
        """What is to be looked at besides; by default nothing."""
        return

    def _run(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._serve, sock=self._socket))
        watch = loop.create_task(self.watch())
        loop.call_soon(self._listening.set)
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
            await self.hear(connection)
        # Before Python 3.11 asyncio's is not the builtin TimeoutError.
        except (ChannelError, OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass  # Whoever it was is gone, or has no business here.
        except asyncio.CancelledError:
            # One stranger too many, or the end of all. Python 3.11 logs tasks that end so.
            pass
        except (KeyError, TypeError, ValueError) as error:
            self._logger.warning(
                "a %s with a different version of Hydrofoil? %r", self._caller, error
            )
        finally:
            self._connections.discard(task)
            writer.close()
