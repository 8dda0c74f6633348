"""The hub of Spark Connect clients: what it keeps until it is asked, and when it ends. No Spark."""

import os
import pickle
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from hydrofoil.gang.channel.secret import SIZE, Secret
from hydrofoil.gang.connect import answers, host
from hydrofoil.gang.connect.host import HostConf, HostedHub
from hydrofoil.gang.errors import StaleAttempt
from hydrofoil.gang.hub.client import Client
from hydrofoil.gang.hub.events import Event, Logged, Member, Raised, Registered

SECRET = Secret(secrets.token_bytes(SIZE))


def conf(lease: float = 60.0, **more: Any) -> HostConf:
    return HostConf(
        **{"bind": "127.0.0.1", "host": "127.0.0.1", "port": 0, **more},
        **{"secret": SECRET, "lease": lease},
    )


@contextmanager
def hub(lease: float = 60.0) -> Iterator[HostedHub]:
    with HostedHub(conf(lease)) as made:
        yield made


@contextmanager
def rank(address: tuple[str, int], attempt: int = 0, number: int = 0) -> Iterator[Client]:
    client = Client(address, SECRET, attempt, number)
    try:
        yield client
    finally:
        client.close()


def me(number: int = 0) -> Member:
    return Member(number, socket.gethostname(), os.getpid(), "127.0.0.1")


def tell(address: tuple[str, int], *do: list[Any]) -> None:
    header = {"kind": "driver", "do": list(do), "wait": 0.0, "seen": None, "there": []}
    answers.tell(address, SECRET, header)


def heard(
    address: tuple[str, int], seen: int, wait: float = 5.0, there: tuple[int, ...] = ()
) -> tuple[dict[str, Any], list[tuple[int, Event]]]:
    header = {"kind": "driver", "do": [], "wait": wait, "seen": seen, "there": list(there)}
    told, blob = answers.tell(address, SECRET, header)
    return told, pickle.loads(blob)


def everything(address: tuple[str, int], until: type[Event]) -> list[Event]:
    """All events, up to one of a kind."""
    seen, found = 0, []
    while not any(isinstance(event, until) for event in found):
        told, events = heard(address, seen)
        seen = told["next"]
        found += [event for _, event in events]
    return found


def test_a_rank_may_come_before_its_attempt_begins() -> None:
    with hub() as made, rank(made.address) as client:
        threading.Timer(0.5, tell, (made.address, ["begin", 0, 1, 60.0, None])).start()
        assert client.register(me()) == [me()]
        told, events = heard(made.address, 0)
        assert told["there"] == [0]
        assert events == [(0, Registered(me()))]


def test_a_rank_of_an_older_attempt_is_refused() -> None:
    with hub() as made:
        tell(made.address, ["begin", 0, 1, 60.0, None])
        with rank(made.address) as old:
            old.register(me())
            tell(made.address, ["begin", 1, 1, 60.0, None])
            with pytest.raises(StaleAttempt, match="attempt 1 has begun"):
                old.check_current()
        with rank(made.address) as late, pytest.raises(StaleAttempt, match="attempt 1 is current"):
            late.register(me())


def test_it_answers_as_soon_as_there_is_news() -> None:
    with hub() as made, rank(made.address) as client:
        tell(made.address, ["begin", 0, 1, 60.0, None])
        client.register(me())
        told, _ = heard(made.address, 0)
        threading.Timer(0.3, client.log, ("late",)).start()
        told, events = heard(made.address, told["next"], wait=30.0, there=(0,))
        assert events == [(0, Logged(0, "late"))]
        # A rank that is gone is news, too, and so is the end of a rank that has said goodbye.
        client.goodbye()
        told, _ = heard(made.address, told["next"], there=(0,))
        threading.Timer(0.3, client.close).start()
        told, _ = heard(made.address, told["next"], wait=30.0, there=(0,))
        assert told["there"] == []


def test_large_events_come_in_pages_and_in_order() -> None:
    with hub() as made, rank(made.address) as client:
        tell(made.address, ["begin", 0, 1, 60.0, None])
        client.register(me())
        for number in range(5):
            client.log(f"{number}" + "x" * (2 << 20))
        client.error("ValueError", "no", "", b"x" * (3 << 20))
        _, first = heard(made.address, 0)
        assert len(first) < 7  # There is more than goes into one answer.
        events = everything(made.address, Raised)
        lines = [event.text[0] for event in events if isinstance(event, Logged)]
        assert lines == ["0", "1", "2", "3", "4"]


def test_a_text_that_no_answer_has_room_for_is_shortened() -> None:
    """Spark reads no string of 20 MB in an answer, and what asked would die of it."""
    text = "began " + "x" * (20 << 20) + " ended"
    with hub() as made, rank(made.address) as client:
        tell(made.address, ["begin", 0, 1, 60.0, None])
        client.register(me())
        client.log(text)
        client.error("ValueError", text, text, text.encode())
        events = everything(made.address, Raised)
        assert len(pickle.dumps(events)) < 4 << 20
        [line] = [event for event in events if isinstance(event, Logged)]
        raised = events[-1]
        assert isinstance(raised, Raised) and raised.blob == b""
        for said in (line.text, raised.text, raised.traceback):
            assert said.startswith("began x") and said.endswith("x ended")
            assert "characters ..." in said


def test_what_is_asked_again_is_told_again() -> None:
    """An answer may be lost on its way; what was acknowledged is forgotten."""
    with hub() as made, rank(made.address) as client:
        tell(made.address, ["begin", 0, 1, 60.0, None])
        client.register(me())
        told, events = heard(made.address, 0)
        assert heard(made.address, 0)[1] == events
        assert heard(made.address, told["next"], wait=0.0) == ({**told, "kind": "told"}, [])


def test_lines_are_left_out_before_errors_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_MOST_EVENTS", 100)
    with hub() as made, rank(made.address) as client:
        tell(made.address, ["begin", 0, 1, 60.0, None])
        client.register(me())
        for number in range(1000):
            client.log(str(number))
        client.error("ValueError", "no", "", b"")
        events = everything(made.address, Raised)
        lines = [event.text for event in events if isinstance(event, Logged)]
        assert len(lines) <= 100
        assert lines == [str(number) for number in range(1000 - len(lines), 1000)]
        assert isinstance(events[0], Registered) and isinstance(events[-1], Raised)


def test_a_client_that_asks_no_more() -> None:
    with hub(lease=0.5) as made, rank(made.address) as client:
        tell(made.address, ["begin", 0, 1, 60.0, None])
        client.register(me())
        assert not client.stopping
        client.wait_for_end(10.0)
        assert (client.stopping, client.ended) == (True, "the client has gone away")
        client.close()  # In time: else it would end this process.
        assert made.closing.wait(10.0)


def test_somebody_else_asks() -> None:
    with hub() as made, pytest.raises(answers.HubGone):
        answers.tell(made.address, Secret(bytes(SIZE)), {"kind": "driver"})


def test_a_process_of_its_own_ends_and_leaves_nothing() -> None:
    before = {child.pid for child in psutil.Process().children()}
    address = answers.start(conf())
    with pytest.raises(OSError, match="in use"):
        answers.start(conf(port=address[1]))
    assert {child.pid for child in psutil.Process().children()} == before
    tell(address, ["close"])
    until = time.monotonic() + 10.0
    with pytest.raises(answers.HubGone):
        while time.monotonic() < until:
            tell(address)
            time.sleep(0.05)


def test_a_process_of_its_own_ends_without_a_client() -> None:
    address = answers.start(conf(lease=0.5))
    until = time.monotonic() + 10.0
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < until:
            socket.create_connection(address).close()
            time.sleep(0.05)
