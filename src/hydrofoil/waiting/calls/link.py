"""A task's connection to the driver's hub."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hydrofoil.errors import HydrofoilError
from hydrofoil.gang.channel.proof import GREETING, PROOF, Answer, ChannelError
from hydrofoil.gang.channel.records import Opener, Sealer
from hydrofoil.gang.hub.listener import Connection
from hydrofoil.waiting.calls.function import Function
from hydrofoil.waiting.calls.place import HubPlace, TaskPlace

_CONNECT_S = 20.0

Handler = Callable[[dict[str, Any], bytes], None]


class HubError(HydrofoilError):
    """The driver's hub can't be reached, or not any more."""


class HubLink:
    """A proven connection. What comes goes to the handlers of its kind.

    Attributes
    ----------
    handlers : dict of str to callable
    on_lost : callable
        Called once with the error, where the connection ends before `close`.
    """

    def __init__(self, connection: Connection, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        self._writer = writer
        self._closing = False
        self.handlers: dict[str, Handler] = {}
        self.on_lost: Callable[[HubError], None] = lambda error: None
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, place: HubPlace, task: TaskPlace) -> "HubLink":
        """Connect, prove, and join.

        Raises
        ------
        HubError
            It can't be reached from here, or it is another.
        """
        where = f"{place.address[0]}:{place.address[1]}"
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(*place.address), _CONNECT_S
            )
        except (OSError, asyncio.TimeoutError) as error:
            raise HubError(
                f"a task on {socket.gethostname()} can't reach the driver at {where}: {error!r}",
                hint="set spark.driver.host to an address that executors reach, and "
                "spark.hydrofoil.waiting.port to a port that is open to them",
            ) from error
        try:
            connection = await asyncio.wait_for(_prove(place, reader, writer), _CONNECT_S)
            connection.send(
                {
                    "kind": "join",
                    "function": place.key,
                    "stage": task.stage,
                    "partition": task.partition,
                    "execution": task.execution,
                }
            )
            await asyncio.wait_for(connection.receive(), _CONNECT_S)
        except (OSError, ChannelError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            writer.close()
            raise HubError(
                f"what answers at {where} is not this application's driver, or has ended: {error!r}"
            ) from error
        return cls(connection, writer)

    def start(self) -> None:
        """Read from now on."""
        self._reader = asyncio.ensure_future(self._read())

    def send(self, header: dict[str, Any], blob: bytes = b"") -> None:
        """Send without waiting."""
        self._connection.send(header, blob)

    async def _read(self) -> None:
        try:
            while True:
                header, blob = await self._connection.receive()
                handler = self.handlers.get(header["kind"])
                if handler is not None:
                    handler(header, blob)
        except (OSError, ChannelError, asyncio.IncompleteReadError) as error:
            if not self._closing:
                self.on_lost(HubError(f"the connection to the driver has ended: {error!r}"))

    async def close(self) -> None:
        """End the connection; what was sent before arrives."""
        self._closing = True
        if self._reader is not None:
            self._reader.cancel()
        self._writer.close()
        with suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), 5.0)


async def linked(function: Function, task: TaskPlace) -> HubLink | None:
    """A task's connection; None where it does without.

    Raises
    ------
    HubError
        It can't be had, and is needed for limits or answers.
    """
    if function.hub is None:
        return None
    try:
        return await HubLink.connect(function.hub, task)
    except HubError as error:
        if function.options.needs_hub:
            raise
        function.warn(
            "it runs without the driver's hub: equal calls of other tasks are not known, and "
            f"cancelling takes longer: {error.message}"
        )
        return None


async def _prove(
    place: HubPlace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Connection:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answer = Answer(place.secret, await reader.readexactly(GREETING))
    writer.write(answer.message)
    keys = answer.check(await reader.readexactly(PROOF))
    return Connection(
        reader,
        writer,
        Sealer(keys.outgoing, keys.encrypt),
        Opener(keys.incoming, keys.encrypt),
    )
