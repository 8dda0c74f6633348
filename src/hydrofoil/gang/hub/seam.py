"""What attempts need of a hub, whether it runs in this process or beside a server's driver."""

from collections.abc import Collection
from queue import SimpleQueue
from typing import Any, Protocol

from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.hub.events import Event
from hydrofoil.gang.hub.meeting import Timeouts


class Met(Protocol):
    """A meeting, as its driver sees it."""

    @property
    def world_size(self) -> int: ...

    @property
    def events(self) -> "SimpleQueue[Event]": ...

    @property
    def seats(self) -> Collection[int]:
        """The ranks that have registered."""
        ...


class Meets(Protocol):
    """A hub, for the thread of the driver that runs attempts."""

    @property
    def address(self) -> tuple[str, int]:
        """Where ranks connect."""
        ...

    @property
    def secret(self) -> Secret: ...

    def begin(self, attempt: int, world_size: int, timeouts: Timeouts) -> Met:
        """Open an attempt's meeting; the one before has ended, and all of its ranks are stale."""
        ...

    def end(self, meeting: Any, why: str) -> None:
        """Refuse all that comes from now on, and wake the ranks that wait."""
        ...

    def ask_to_stop(self, meeting: Any) -> None: ...

    def still_there(self, meeting: Any) -> list[int]:
        """Ranks whose processes are still connected, as far as it is known."""
        ...

    def flush(self, meeting: Any) -> None:
        """Wait for what ranks have said before the job ended."""
        ...
