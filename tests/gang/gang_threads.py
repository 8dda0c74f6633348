"""Ranks in threads of the test's own process, joined by a real hub: for what needs no process."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hydrofoil.gang.context import Context
from hydrofoil.gang.hub.client import Client
from hydrofoil.gang.hub.events import Member
from hydrofoil.gang.hub.meeting import Timeouts
from hydrofoil.gang.hub.server import Hub


@contextmanager
def rank(hub: Hub, attempt: int = 0, number: int = 0, run_id: str = "run") -> Iterator[Context]:
    """One rank of the attempt that the hub has begun."""
    client = Client(hub.address, hub.secret, attempt, number)
    try:
        members = client.register(Member(number, f"host{number}", os.getpid(), "127.0.0.1"))
        yield Context(client, members, run_id, {})
    finally:
        client.close()


def in_threads(
    size: int, function: Callable[[Context], Any], run_id: str = "run", **of_hub: bool
) -> list[Any]:
    """Return what ``function(ctx)`` returned or raised in each rank."""
    results: list[Any] = [None] * size
    with Hub(**of_hub) as hub:
        hub.begin(0, size, Timeouts(timeout=60))

        def live(number: int) -> None:
            with rank(hub, 0, number, run_id) as ctx:
                try:
                    results[number] = function(ctx)
                    ctx._client.goodbye()
                except Exception as error:
                    results[number] = error

        threads = [threading.Thread(target=live, args=[number]) for number in range(size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    return results
