"""Equal calls are made once: in this task, and by way of the driver in all of a query's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hydrofoil.waiting.answers.encoding import decoded, encoded
from hydrofoil.waiting.answers.kept import Kept
from hydrofoil.waiting.answers.keys import key_of
from hydrofoil.waiting.calls.counts import Counts
from hydrofoil.waiting.calls.link import HubLink

# Of the answers that a task keeps itself.
KEPT_BYTES = 16 << 20
# Larger answers are not given to the driver.
_MOST_SHARED = 8 << 20
_GATHER_S = 0.002
# How long another task may take for an answer: its host may be one that speculation is about.
_PATIENCE_S = 600.0

Call = Callable[[], Awaitable[Any]]


class Asked:
    """The calls of one function in one task, by their keys.

    Parameters
    ----------
    name : str
        The function's, which is part of each key.
    link : HubLink or None
        To the driver, which knows the calls of other tasks.
    """

    def __init__(self, name: str, link: HubLink | None, counts: Counts) -> None:
        self._name = name
        self._link = link
        self._counts = counts
        self._kept = Kept(KEPT_BYTES)
        # Calls of this task that are on their way.
        self._flying: dict[bytes, asyncio.Future[Any]] = {}
        # Calls of which the driver is to say whose they are; gathered before they are sent.
        self._told: dict[bytes, asyncio.Future[bytes | None]] = {}
        self._gathered: list[bytes] = []
        if link is not None:
            link.handlers["yours"] = self._yours
            link.handlers["answer"] = self._answered

    async def ask(self, arguments: Sequence[Any], call: Call) -> Any:
        """The answer to these arguments, for which ``call`` is called if nobody else has it."""
        key = key_of(self._name, arguments)
        if key is None:
            return await call()
        while True:
            kept = self._kept.get(key)
            if kept is not None:
                self._counts.saved += 1
                return decoded(kept)
            flying = self._flying.get(key)
            if flying is None:
                return await self._lead(key, call)
            # Its failure is not for all: a call that was answered 400 may have been that one's.
            if await flying:
                continue

    async def _lead(self, key: bytes, call: Call) -> Any:
        self._flying[key] = flying = asyncio.get_running_loop().create_future()
        try:
            told = await self._whose(key)
            if told is not None:
                self._counts.saved += 1
                self._kept.put(key, told)
                return decoded(told)
            try:
                answer = await call()
            except BaseException:
                if self._link is not None:
                    self._link.send({"kind": "give up", "key": key.hex()})
                raise
            self._keep(key, answer)
            return answer
        finally:
            del self._flying[key]
            if not flying.done():
                flying.set_result(True)

    def _keep(self, key: bytes, answer: Any) -> None:
        made = encoded(answer)
        if made is not None:
            self._kept.put(key, made)
        if self._link is None:
            return
        if made is None or len(made) > _MOST_SHARED:
            self._link.send({"kind": "give up", "key": key.hex()})
        else:
            self._link.send({"kind": "answer", "key": key.hex()}, made)

    def alone(self) -> None:
        """Go on without the driver."""
        self._link = None
        for told in self._told.values():
            if not told.done():
                told.set_result(None)

    # --- By way of the driver ---------------------------------------------------------------------

    async def _whose(self, key: bytes) -> bytes | None:
        """The answer of another; None where the call is this task's to make."""
        if self._link is None:
            return None
        loop = asyncio.get_running_loop()
        self._told[key] = told = loop.create_future()
        self._gathered.append(key)
        if len(self._gathered) == 1:
            loop.call_later(_GATHER_S, self._send_gathered)
        try:
            return await asyncio.wait_for(told, _PATIENCE_S)
        except asyncio.TimeoutError:
            return None
        finally:
            del self._told[key]

    def _send_gathered(self) -> None:
        keys, self._gathered = self._gathered, []
        if self._link is not None:
            self._link.send({"kind": "ask", "keys": [key.hex() for key in keys]})

    def _yours(self, header: dict[str, Any], blob: bytes) -> None:
        for key in header["keys"]:
            self._tell(bytes.fromhex(key), None)

    def _answered(self, header: dict[str, Any], blob: bytes) -> None:
        self._tell(bytes.fromhex(header["key"]), blob)

    def _tell(self, key: bytes, answer: bytes | None) -> None:
        told = self._told.get(key)
        if told is not None and not told.done():
            told.set_result(answer)
