"""The driver's hub and tasks' connections to it, without Spark."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hydrofoil.gang.channel.secret import Secret
from hydrofoil.waiting.calls.asking import Asked
from hydrofoil.waiting.calls.counts import Counts
from hydrofoil.waiting.calls.gate import Gate
from hydrofoil.waiting.calls.link import HubError, HubLink
from hydrofoil.waiting.calls.place import HubPlace, TaskPlace
from hydrofoil.waiting.hub.server import WaitingHub
from hydrofoil.waiting.options import Options

running = {1: True}


@pytest.fixture
def hub() -> Iterator[WaitingHub]:
    running[1] = True
    made = WaitingHub(is_running=lambda stage: running[stage])
    yield made
    made.close()


def place(hub: WaitingHub, key: str = "f") -> HubPlace:
    return HubPlace(hub.address, hub.secret, key)


async def linked(hub: WaitingHub, key: str = "f", execution: str = "1") -> HubLink:
    return await HubLink.connect(place(hub, key), TaskPlace(1, 0, execution))


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_strangers_are_none(hub: WaitingHub) -> None:
    hub.register("f", "f", Options())

    async def call() -> None:
        wrong = HubPlace(hub.address, Secret(bytes(32)), "f")
        for one in (wrong, place(hub, "unknown")):
            with pytest.raises(HubError, match="is not this application's driver"):
                await HubLink.connect(one, TaskPlace())

    asyncio.run(call())
    assert hub.connected() == 0


def test_nobody_listens() -> None:
    hub = WaitingHub()
    hub.close()
    with pytest.raises(HubError, match=r"spark\.hydrofoil\.waiting\.port"):
        asyncio.run(HubLink.connect(place(hub), TaskPlace()))


def test_calls_in_flight_are_bound_over_tasks(hub: WaitingHub) -> None:
    options = Options(concurrency=10, max_in_flight=10)
    hub.register("f", "f", options)
    flying = most = done = 0

    async def one(gate: Gate) -> None:
        nonlocal flying, most, done
        await gate.enter(1.0)
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.01)
        flying -= 1
        done += 1
        gate.leave()

    async def call() -> None:
        links = [await linked(hub) for _ in range(3)]
        gates = [Gate(options, link, Counts()) for link in links]
        for link in links:
            link.start()
        tasks = [asyncio.ensure_future(one(gate)) for gate in gates for _ in range(100)]
        await until(lambda: done > 60)
        # One task ends in the midst of it.
        for task in tasks[:100]:
            task.cancel()
        await links[0].close()
        await asyncio.gather(*tasks[100:])
        for link in links[1:]:
            await link.close()

    asyncio.run(call())
    # Those of the one that has ended were not counted down.
    assert 10 <= most <= 20
    assert done >= 200


def test_equal_calls_of_tasks(hub: WaitingHub, tmp_path: Path) -> None:
    path = str(tmp_path / "answers.db")
    hub.register("f", "f", Options())
    hub.register("kept", "kept", Options(remember=path))
    made: list[Any] = []

    async def answer(x: Any) -> str:
        made.append(x)
        await asyncio.sleep(0.05)
        if x == "fails" and made.count(x) == 1:
            raise ValueError(x)
        return f"answer to {x}"

    def asked(link: HubLink) -> Callable[[Any], Awaitable[Any]]:
        one = Asked("f", link, Counts())
        link.start()
        return lambda x: one.ask((x,), lambda: answer(x))

    async def call() -> None:
        links = [await linked(hub) for _ in range(2)]
        ask, other = map(asked, links)
        found = await asyncio.gather(ask("a"), other("a"), ask("a"), other("b"), ask("b"))
        assert found == ["answer to a"] * 3 + ["answer to b"] * 2
        assert sorted(made) == ["a", "b"]
        # An error is its caller's alone.
        failed = await asyncio.gather(ask("fails"), other("fails"), return_exceptions=True)
        assert sorted(map(str, failed)) == ["answer to fails", "fails"]
        # Who dies leaves its calls to others.
        slow = asyncio.ensure_future(ask("c"))
        await until(lambda: "c" in made)
        waits = asyncio.ensure_future(other("c"))
        await asyncio.sleep(0.02)
        slow.cancel()
        await links[0].close()
        assert await waits == "answer to c" and made.count("c") == 2
        await links[1].close()
        # What is remembered is asked in no later query.
        for execution in ("7", "8"):
            link = await linked(hub, "kept", execution)
            assert await asked(link)("k") == "answer to k"
            await link.close()
        assert made.count("k") == 1

    asyncio.run(call())
    hub.close()
    made.clear()
    with_file = WaitingHub()
    with_file.register("tomorrow's", "kept", Options(remember=path))

    async def tomorrow() -> None:
        link = await linked(with_file, "tomorrow's")
        assert await asked(link)("k") == "answer to k"
        await link.close()

    asyncio.run(tomorrow())
    with_file.close()
    assert not made


def test_a_stage_that_has_ended(hub: WaitingHub) -> None:
    hub.register("f", "f", Options())
    heard: list[float] = []

    async def call() -> None:
        link = await linked(hub)
        link.handlers["cancel"] = lambda header, blob: heard.append(time.monotonic())
        link.start()
        await asyncio.sleep(0.5)
        assert not heard
        running[1] = False
        await until(lambda: bool(heard))
        await link.close()

    asyncio.run(call())


def test_counts(hub: WaitingHub) -> None:
    hub.register("f", "ask", Options())

    async def call() -> None:
        for _ in range(2):
            link = await linked(hub, execution="3")
            for calls in (5, 9):
                counts = Counts(rows=calls - 1, calls=calls, waited_s=1.5)
                link.send({"kind": "counts", "counts": counts.as_dict()})
            await link.close()
        await until(lambda: hub.connected() == 0)

    asyncio.run(call())
    [found] = hub.tally.all()
    assert (found.query, found.function, found.calls, found.rows) == (3, "ask", 18, 16)
    assert str(found) == "18 calls of ask for 16 rows, 3.0 s of waiting for the limits"
