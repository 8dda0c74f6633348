"""The hub by itself: who may speak to it, what it gathers, and whom it refuses."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gang_leftovers import nothing_left

from hydrofoil import gang
from hydrofoil.errors import UsageError
from hydrofoil.gang.attempts import Options, run_attempts
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.errors import (
    GangError,
    HangError,
    PeerGone,
    RankCrashed,
    RestartsExhausted,
    StaleAttempt,
)
from hydrofoil.gang.hub import frames
from hydrofoil.gang.hub.client import Client
from hydrofoil.gang.hub.events import Member, Reported, Vanished
from hydrofoil.gang.hub.meeting import Meeting, Timeouts
from hydrofoil.gang.hub.server import Hub
from hydrofoil.gang.progress import Progress


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with nothing_left(tmp_path), Hub() as hub:
        yield hub


def join(hub: Hub, rank: int, attempt: int = 0) -> Client:
    client = Client(hub.address, hub.secret, attempt, rank)
    client.register(Member(rank, "host", os.getpid(), "127.0.0.1"))
    return client


def together(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(30) for future in [pool.submit(call) for call in calls]]


def pair(hub: Hub, attempt: int = 0) -> list[Client]:
    hub.begin(attempt, 2, Timeouts(timeout=30.0))
    return together(lambda: join(hub, 0, attempt), lambda: join(hub, 1, attempt))


def close(*clients: Client) -> None:
    for client in clients:
        client.close()


def test_a_port_scan_leaves_room_for_ranks(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    """Connections that prove nothing are bounded in number; the oldest make room, and no noise."""
    hub.begin(0, 2, Timeouts(timeout=30.0))
    strangers = [socket.create_connection(hub.address) for _ in range(400)]
    clients = together(lambda: join(hub, 0), lambda: join(hub, 1))
    assert together(*(lambda c=c: c.all_gather(b"x") for c in clients)) == [[b"x", b"x"]] * 2
    assert len(hub._connections) <= 128 + 2
    close(*clients)
    hub.close()
    for stranger in strangers:
        stranger.close()
    assert not [record for record in caplog.records if record.name in ("asyncio", "hydrofoil.gang")]


def test_a_rank_of_an_old_attempt_is_fenced_off(hub: Hub) -> None:
    """It is alive and connected while the new attempt runs, as with spare slots."""
    old = pair(hub)
    old[0].check_current()
    new = pair(hub, attempt=1)
    for zombie in old:
        with pytest.raises(StaleAttempt, match="no longer wanted: attempt 1 has begun"):
            zombie.check_current()
        with pytest.raises(StaleAttempt):
            zombie.goodbye()
        with pytest.raises(PeerGone):
            zombie.barrier()
        assert zombie.stopping
    for client in new:
        client.check_current()
    assert (
        together(*[lambda c=client: c.all_gather(b"new") for client in new])
        == [[b"new", b"new"]] * 2
    )
    with pytest.raises(StaleAttempt, match="attempt 0 has ended; attempt 1 is current"):
        join(hub, 0, attempt=0)
    close(*old, *new)


def test_a_hub_that_is_gone_fences_everyone(hub: Hub) -> None:
    clients = pair(hub)
    hub.close()
    with pytest.raises(StaleAttempt, match="the driver can't be reached any more"):
        clients[0].check_current()
    close(*clients)


def test_a_seat_is_taken_once(hub: Hub) -> None:
    clients = pair(hub)
    with pytest.raises(StaleAttempt, match="rank 1 of 2 is taken"):
        join(hub, 1)
    clients[1].check_current()
    close(*clients)


def test_another_token(hub: Hub) -> None:
    hub.begin(0, 1, Timeouts())
    with pytest.raises(GangError, match="is not this gang's driver"):
        Client(hub.address, Secret(b"guess"), 0, 0)
    close(join(hub, 0))


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTTP/1.1\r\n\r\n", os.urandom(64), os.urandom(1 << 20), b"\xff" * 200],
    ids=["nothing", "http", "random", "flood", "ones"],
)
def test_garbage(hub: Hub, sent: bytes) -> None:
    hub.begin(0, 1, Timeouts())
    with socket.create_connection(hub.address) as stranger:
        try:
            stranger.sendall(sent)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(4096):
                pass
        except OSError:  # It has hung up.
            pass
    close(join(hub, 0))


def test_garbage_behind_the_token(hub: Hub) -> None:
    meeting = hub.begin(0, 1, Timeouts())
    client = join(hub, 0)
    client._link.send(b"\x00\x00\x00\x04junk")
    while not client.ended:
        time.sleep(0.01)
    assert "can't be reached" in client.ended
    meeting.events.get(timeout=5)  # That it registered.
    vanished = meeting.events.get(timeout=5)
    assert (
        isinstance(vanished, Vanished) and vanished.rejected == "a header that is no JSON: b'junk'"
    )
    close(client)


def test_no_hub_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        GangError, match=rf"rank 0 on \S+ can't reach the driver at 127.0.0.1:{port}"
    ):
        Client(("127.0.0.1", port), Secret(b"token"), 0, 0, connect_timeout=0.5)


def test_collectives_of_three() -> None:
    def train(ctx: Any) -> Any:
        ctx.barrier()
        reduced = {
            op: ctx.all_reduce(np.array([1.0, ctx.rank]), op)
            for op in ("sum", "mean", "min", "max", "prod")
        }
        return (
            ctx.all_gather({"rank": ctx.rank}),
            ctx.broadcast("from 2" if ctx.rank == 2 else None, src=2),
            {op: list(array) for op, array in reduced.items()},
        )

    expected = (
        [{"rank": 0}, {"rank": 1}, {"rank": 2}],
        "from 2",
        {"sum": [3, 3], "mean": [1, 1], "min": [1, 0], "max": [1, 2], "prod": [1, 0]},
    )
    assert list(gang.run_locally(3, train)) == [expected] * 3


def test_collectives_that_differ() -> None:
    def shapes(ctx: Any) -> None:
        ctx.all_reduce(np.zeros(ctx.rank + 1))

    with pytest.raises(GangError, match="op, shape and type have to be the same") as caught:
        gang.run_locally(2, shapes)
    assert isinstance(caught.value.__cause__, UsageError)

    def sources(ctx: Any) -> None:
        ctx.broadcast(1, src=ctx.rank)

    with pytest.raises(HangError, match=r"called broadcast\(src="):
        gang.run_locally(2, sources)


def test_large_values() -> None:
    def train(ctx: Any) -> Any:
        return [len(part) for part in ctx.all_gather(bytes((ctx.rank + 1) << 20))]

    assert list(gang.run_locally(2, train)) == [[1 << 20, 2 << 20]] * 2

    def too_large(ctx: Any) -> Any:
        ctx.all_gather(bytes(65 << 20))

    with pytest.raises(GangError, match=r"all_gather: a value of 68,\d+,\d+ bytes"):
        gang.run_locally(1, too_large)


def test_values_that_are_too_large_together(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """No rank could receive them; which is nobody's tampering."""
    monkeypatch.setattr(frames, "MOST_BLOB", 1 << 20, raising=False)
    monkeypatch.setattr(frames, "MOST", 1 << 20)
    clients = pair(hub)

    def gather(client: Client) -> Any:
        try:
            client.all_gather(bytes(600_000))
        except GangError as error:
            return type(error), error.message

    told = "all_gather: the ranks' values have 1,200,000 bytes together; the driver's hub takes"
    for kind, message in together(*(lambda c=c: gather(c) for c in clients)):
        assert kind is GangError and told in message
    # And they still meet.
    assert together(*(lambda c=c: c.all_gather(b"x") for c in clients)) == [[b"x", b"x"]] * 2
    close(*clients)


def test_a_pause_of_less_than_nothing() -> None:
    with pytest.raises(UsageError, match=r"backoff=-1 has to be 0 seconds or more"):
        Options(backoff=-1)


def test_more_restarts_than_a_backoff_can_be_doubled(hub: Hub) -> None:
    class Crashes:
        """A job that doesn't even start."""

        def start(self) -> None:
            raise RankCrashed("at once")

    options = Options(max_restarts=1100, backoff=0.0)
    with pytest.raises(RestartsExhausted, match="all 1101 attempts failed"):
        run_attempts(hub, options, lambda attempt: 1, lambda attempt, size: Crashes())


def test_exit_codes_and_signals_are_told() -> None:
    def train(ctx: Any) -> None:
        ctx.barrier()
        if ctx.rank:
            os.abort() if ctx.attempt else os._exit(7)
        ctx.barrier()

    with pytest.raises(gang.RestartsExhausted) as caught:
        gang.run_locally(2, train, max_restarts=1)
    first, second = caught.value.attempts
    assert isinstance(first, RankCrashed) and "(exit code 7)" in str(first)
    assert isinstance(second, RankCrashed) and "(killed by SIGABRT)" in str(second)


def test_a_forked_child_does_not_hide_its_parents_end() -> None:
    """The child of a data loader lives on for a while; the connection must not."""

    def train(ctx: Any) -> None:
        import signal

        if ctx.rank == 1:
            if os.fork() == 0:
                time.sleep(5)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        ctx.barrier()

    started = time.monotonic()
    with pytest.raises(RankCrashed, match="killed by SIGKILL"):
        gang.run_locally(2, train)
    assert time.monotonic() - started < 60


def test_a_slow_rank_is_not_taken_for_a_hung_one() -> None:
    def train(ctx: Any) -> str:
        ctx.barrier()
        if ctx.rank:
            time.sleep(2.0)
        ctx.barrier(timeout=20.0)
        return "done"

    assert list(gang.run_locally(2, train, timeout=20.0)) == ["done"] * 2


def test_the_watchdog_forgives_a_driver_that_stood_still() -> None:
    now = [0.0]
    meeting = Meeting(0, 1, Timeouts(timeout=5.0), clock=lambda: now[0])
    from hydrofoil.gang.hub import watchdog

    class Deaf:
        def send(self, header: Any, blob: bytes = b"") -> None:
            pass

    meeting.register(Deaf(), {"id": 0, "member": vars(Member(0, "host", 1, "a"))})
    now[0] = 100.0
    assert watchdog.check(meeting) is not None
    meeting.skip(100.0)
    assert watchdog.check(meeting) is None


def test_reports_of_what_is_no_number() -> None:
    def train(ctx: Any) -> None:
        ctx.report(day=np.datetime64("2026-11-30"), root=np.complex64(1j), loss=np.float32(0.5))

    [[told]] = gang.run_locally(1, train).metrics
    assert told == {"day": "2026-11-30", "root": "1j", "loss": 0.5}


@pytest.mark.parametrize("step", ["first", float("nan"), float("inf"), [1], None])
@pytest.mark.parametrize("total", ["all", float("nan"), 2])
def test_bars_of_what_is_no_number(
    step: Any, total: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """A gang does not end because it is watched on a terminal."""
    with Progress(True, None) as shown:
        shown.hear(0, Reported(0, {"step": step, "total": total}))
        shown.hear(0, Reported(0, {"step": 1, "total": 2, "loss": 0.5}))
    assert "loss=0.5" in capfd.readouterr().err


def test_threads_of_ranks_end(hub: Hub) -> None:
    close(*pair(hub))
    assert [t.name for t in threading.enumerate() if "gang-reader" in t.name] == []


def test_importing_is_free() -> None:
    program = (
        "import sys, hydrofoil.gang\n"
        "from hydrofoil.gang import run_locally, Resources, UserError\n"
        "print([m for m in ('pyspark', 'pandas', 'torch', 'numpy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists() -> None:
    for name in gang.__all__:
        assert getattr(gang, name) is not None
