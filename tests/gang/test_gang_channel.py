"""What ranks and driver send each other can't be made, changed, repeated or read by others."""

import base64
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from gang_middle import Change, cut, flip, in_the_middle
from gang_threads import in_threads

from hydrofoil.errors import UsageError
from hydrofoil.gang import run_locally
from hydrofoil.gang.backends.ring import Ring
from hydrofoil.gang.channel.link import Link
from hydrofoil.gang.channel.proof import ANSWER, GREETING, PROOF, Answer, ChannelError, Greeting
from hydrofoil.gang.channel.records import CODE, HEAD, Opener, Sealer
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.errors import GangError, PeerGone, Tampered
from hydrofoil.gang.hub.client import Client
from hydrofoil.gang.hub.events import Member, Vanished
from hydrofoil.gang.hub.meeting import Timeouts
from hydrofoil.gang.hub.server import Hub

SECRET = Secret(b"s" * 32)
KEY = b"k" * 32
MODES = pytest.mark.parametrize("encrypt", [False, True], ids=["authenticated", "encrypted"])
Record = list[bytes]


@pytest.fixture(autouse=True)
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that encrypts is there or not, whatever is installed."""
    if "encrypt" not in request.fixturenames:
        return
    if request.getfixturevalue("encrypt"):
        pytest.importorskip("cryptography", reason="it is an extra")
    else:
        monkeypatch.setattr("hydrofoil.gang.channel.proof.can_encrypt", lambda: False)


# --- The proof ------------------------------------------------------------------------------------


def keys_of(listener: Secret, caller: Secret) -> tuple[Any, Any]:
    greeting = Greeting(listener)
    answer = Answer(caller, greeting.message)
    proof, theirs = greeting.check(answer.message)
    return theirs, answer.check(proof)


def test_each_connection_and_direction_has_a_key() -> None:
    listener, caller = keys_of(SECRET, SECRET)
    assert listener.outgoing == caller.incoming != listener.incoming == caller.outgoing
    later, _ = keys_of(SECRET, SECRET)
    assert len({listener.outgoing, listener.incoming, later.outgoing, later.incoming}) == 4


@pytest.mark.parametrize(
    "caller",
    [Secret(b"t" * 32), SECRET.of("peers", 1), Secret(b"")],
    ids=["other", "other use", "empty"],
)
def test_a_wrong_secret(caller: Secret) -> None:
    with pytest.raises(ChannelError, match="a connection with a wrong token"):
        keys_of(SECRET, caller)


@pytest.mark.parametrize("listener", [False, True])
@pytest.mark.parametrize("caller", [False, True])
def test_who_can_encrypt_does(
    listener: bool, caller: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where both can; and nobody in the middle talks them out of it, or has them drop a duty."""
    can = [listener, caller, listener, caller, True]
    monkeypatch.setattr("hydrofoil.gang.channel.proof.can_encrypt", lambda: can.pop(0))
    theirs, ours = keys_of(SECRET, SECRET)
    assert theirs.encrypt == ours.encrypt == (listener and caller)
    greeting = Greeting(SECRET)
    message = bytearray(greeting.message)
    message[16] ^= 1
    with pytest.raises(ChannelError, match="wrong token"):
        greeting.check(Answer(SECRET, bytes(message)).message)
    monkeypatch.setattr("hydrofoil.gang.channel.proof.encryption", lambda: None)
    if not listener:
        with pytest.raises(ChannelError, match="the other side can't encrypt"):
            Answer(Secret(SECRET.key, encrypt=True), greeting.message)


def test_what_knows_no_secret_proves_nothing() -> None:
    """Neither by an answer of the listener's own, nor by one of an earlier connection."""
    greeting, earlier = Greeting(SECRET), Greeting(SECRET)
    answer = Answer(SECRET, earlier.message)
    proof, _ = earlier.check(answer.message)
    for said in (answer.message, proof + earlier.message[-32:], bytes(ANSWER)):
        with pytest.raises(ChannelError, match="wrong token"):
            greeting.check(said)
    for heard in (answer.message[:PROOF], bytes(PROOF), b""):
        with pytest.raises(ChannelError, match="a listener with a wrong token"):
            answer.check(heard)
    for strange in (b"", b"HTTP/1.1 400 Bad Request" + bytes(24), greeting.message + b"x"):
        with pytest.raises(ChannelError, match="not a gang's"):
            Answer(SECRET, strange)


def test_secrets_are_not_shown() -> None:
    assert "sss" not in repr(SECRET) and "sss" not in repr(SECRET.of("peers"))


def test_nobody_else_sees_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a list of processes nor in what a rank's children inherit."""
    monkeypatch.setattr("hydrofoil.gang.hub.listener.secrets.token_bytes", lambda size: SECRET.key)

    def look(ctx: Any) -> bytes:
        seen = Path("/proc/self/cmdline").read_bytes() + Path("/proc/self/environ").read_bytes()
        return seen + repr(os.environ).encode()

    [seen] = run_locally(1, look, env={"SEEN": "this"})
    assert b"hydrofoil.gang.local" in seen and b"'this'" in seen
    for form in (SECRET.key, SECRET.key.hex().encode(), base64.b64encode(SECRET.key)):
        assert form not in seen


# --- Records --------------------------------------------------------------------------------------


def sealed(encrypt: bool, messages: list[bytes]) -> list[Record]:
    sealer = Sealer(KEY, encrypt)
    return [[bytes(part) for part in sealer.seal(message)] for message in messages]


def opened(encrypt: bool, records: list[Record], key: bytes = KEY) -> list[bytes]:
    opener, messages = Opener(key, encrypt), []
    for head, body, code in records:
        assert opener.length(head) == len(body)
        messages.append(bytes(opener.open(body, code)))
    return messages


@MODES
def test_records_come_through(encrypt: bool) -> None:
    messages = [b"", b"a", b"secret" * 1000, b"a"]
    records = sealed(encrypt, messages)
    assert opened(encrypt, records) == messages
    assert (b"secret" in records[2][1]) == (not encrypt)
    # The same bytes are not closed the same way twice.
    assert records[1][0] != records[3][0] and records[1][2] != records[3][2]
    assert {len(head) for head, _, _ in records} == {HEAD}
    assert {len(code) for _, _, code in records} == {CODE}


@MODES
def test_every_bit_counts(encrypt: bool) -> None:
    [record] = sealed(encrypt, [b"abc"])
    for part, data in enumerate(record):
        for bit in range(8 * len(data)):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(ChannelError, match="a message that the other side has not sent so"):
                opened(encrypt, [[*record[:part], bytes(changed), *record[part + 1 :]]])


WRONG: dict[str, Callable[[list[Record]], list[Record]]] = {
    "repeated": lambda records: [records[0], records[0]],
    "swapped": lambda records: [records[1], records[0]],
    "left out": lambda records: records[1:],
    "another one's bytes": lambda records: [[records[0][0], *records[1][1:]]],
    "head and bytes swapped": lambda records: [[records[0][1] + records[0][2]] * 3],
    "shorter": lambda records: [[records[0][0], records[0][1][:-1], records[0][2]]],
    "longer": lambda records: [[records[0][0], records[0][1] + b"\0", records[0][2]]],
    "code cut": lambda records: [[*records[0][:2], records[0][2][:-1]]],
    "no code": lambda records: [[*records[0][:2], b""]],
}


@MODES
@pytest.mark.parametrize("how", WRONG)
def test_records_that_were_not_sent_so(how: str, encrypt: bool) -> None:
    records = sealed(encrypt, [b"12345678", b"87654321", b"12345678"])
    opener = Opener(KEY, encrypt)
    with pytest.raises(ChannelError):
        for head, body, code in WRONG[how](records):
            opener.length(head)
            opener.open(body, code)


@MODES
def test_what_is_sent_back_is_not_taken(encrypt: bool) -> None:
    listener, caller = keys_of(Secret(KEY, encrypt), Secret(KEY, encrypt))
    head, _, _ = Sealer(caller.outgoing, encrypt).seal(b"mine")
    assert listener.encrypt == caller.encrypt == encrypt
    with pytest.raises(ChannelError):
        Opener(caller.incoming, encrypt).length(bytes(head))
    assert Opener(listener.incoming, encrypt).length(bytes(head)) == 4


# --- Links ----------------------------------------------------------------------------------------


def pair(encrypt: bool = False) -> tuple[Link, Link]:
    secret = Secret(KEY, encrypt)
    greeted: list[Link] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        calling = socket.create_connection(listener.getsockname())
        thread = threading.Thread(
            target=lambda: greeted.append(Link.greeting(listener.accept()[0], secret))
        )
        thread.start()
        called = Link.calling(calling, secret)
        thread.join()
    return greeted[0], called


@MODES
def test_streams_are_cut_anywhere(encrypt: bool) -> None:
    """What is written in pieces is read in different pieces, of any size."""
    sender, receiver = pair(encrypt)
    data = os.urandom(5_000_001)
    cuts = [0, 1, 1, 17, 300_000, 300_001, 3_900_000, len(data)]

    def send() -> None:
        with sender.writer() as stream:
            for start, stop in pairwise(cuts):
                stream.write(memoryview(data)[start:stop])

    thread = threading.Thread(target=send)
    thread.start()
    with sender, receiver, receiver.reader() as stream:
        parts = [stream.read(size) for size in (3, 1_000_000, 1, 2_000_000, 5, -1)]
        assert stream.read() == b""
        thread.join()
    assert b"".join(parts) == data


def test_arrays_go_into_their_place() -> None:
    sender, receiver = pair()
    sent, came = np.arange(300_000), np.empty(300_000, "i8")
    thread = threading.Thread(target=sender.send_stream, args=[sent])
    thread.start()
    with sender, receiver:
        receiver.receive_into(memoryview(came).cast("B")[:1001])
        receiver.receive_into(memoryview(came).cast("B")[1001:])
        thread.join()
    assert (came == sent).all()


def test_a_stream_that_breaks_off_is_not_whole() -> None:
    """Not even between two records, where its connection ends as one does that is closed."""
    sender, receiver = pair()
    sender.send_stream(b"first half")
    sender.close()
    with receiver, receiver.reader() as stream:
        assert stream.read(10) == b"first half"
        with pytest.raises(ConnectionError):
            stream.read(1)


def test_messages_have_a_limit() -> None:
    sender, receiver = pair()
    with sender, receiver:
        sender.send(bytes(101))
        with pytest.raises(ChannelError, match="101 bytes in place of 100 at most"):
            receiver.receive(100)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    greeting = Greeting(SECRET).message
    monkeypatch.setitem(sys.modules, "hydrofoil.gang.channel.aes", None)
    with pytest.raises(UsageError, match=f"on {socket.gethostname()} can't import") as caught:
        Answer(Secret(SECRET.key, encrypt=True), greeting)
    assert "pip install 'hydrofoil[encryption]'" in str(caught.value.hint)


# --- The hub --------------------------------------------------------------------------------------


class Two:
    """Two ranks and a hub; the first is connected by way of somebody."""

    def __init__(self, hub: Hub, address: tuple[str, int]) -> None:
        self.meeting = hub.begin(0, 2, Timeouts(timeout=30.0))
        self.clients = [
            Client(where, hub.secret, 0, rank) for rank, where in enumerate((address, hub.address))
        ]
        self.threads = [
            threading.Thread(target=self._register, args=[client]) for client in self.clients
        ]
        for thread in self.threads:
            thread.start()

    def _register(self, client: Client) -> None:
        with suppress(GangError):
            client.register(Member(client.rank, "host", 1, "a"))

    def met(self) -> None:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()

    def lost(self) -> Vanished:
        """What the driver hears of the first rank's end."""
        while not isinstance(event := self.meeting.events.get(timeout=20), Vanished):
            pass
        assert event.rank == 0
        return event

    def close(self) -> None:
        for client in self.clients:
            client.close()


@MODES
def test_a_bit_flipped_on_the_way_to_the_driver(encrypt: bool) -> None:
    change = [lambda data, before: data]
    with (
        Hub(encrypt=encrypt) as hub,
        in_the_middle(hub.address, to_listener=lambda d, b: change[0](d, b)) as middle,
    ):
        two = Two(hub, middle.address)
        two.met()
        change[0] = lambda data, before: data[:-1] + bytes([data[-1] ^ 1])
        with pytest.raises(GangError, match="the attempt is over"):
            two.clients[0].barrier()
        assert "a message that the other side has not sent so" in two.lost().rejected
        two.clients[1].check_current()
        two.close()


@MODES
def test_a_bit_flipped_on_the_way_to_a_rank(encrypt: bool) -> None:
    change = [lambda data, before: data]
    with (
        Hub(encrypt=encrypt) as hub,
        in_the_middle(hub.address, to_caller=lambda d, b: change[0](d, b)) as middle,
    ):
        two = Two(hub, middle.address)
        two.met()
        change[0] = flip_first
        with pytest.raises(Tampered, match="over the connection to the driver came a message"):
            two.clients[0].barrier(timeout=0.01)
        two.lost()
        two.close()


def flip_first(data: bytes, before: int) -> bytes:
    return bytes([data[0] ^ 0x80]) + data[1:]


@MODES
def test_messages_repeated_on_the_way_to_the_driver(encrypt: bool) -> None:
    with (
        Hub(encrypt=encrypt) as hub,
        in_the_middle(
            hub.address, to_listener=lambda data, before: data * 2 if before >= ANSWER else data
        ) as middle,
    ):
        two = Two(hub, middle.address)
        assert "a message that the other side has not sent so" in two.lost().rejected
        two.close()


@MODES
def test_a_recorded_session_is_worth_nothing(encrypt: bool) -> None:
    """Sent again, byte for byte, it lets nobody in; it shows no token and, encrypted, no data."""
    with Hub(encrypt=encrypt) as hub, in_the_middle(hub.address) as middle:
        two = Two(hub, middle.address)
        two.met()
        gathering = threading.Thread(target=two.clients[1].all_gather, args=[b"theirs"])
        gathering.start()
        assert two.clients[0].all_gather(b"our data") == [b"our data", b"theirs"]
        gathering.join()
        two.close()
        said, heard = bytes(middle.to_listener), bytes(middle.to_caller)
        assert said and hub.secret.key not in said + heard
        assert (b"our data" in said, b"theirs" in heard) == (not encrypt, not encrypt)

        meeting = hub.begin(1, 1, Timeouts())
        with socket.create_connection(hub.address) as again:
            again.settimeout(20)
            again.sendall(said)
            answers = b""
            try:
                while data := again.recv(4096):
                    answers += data
            except ConnectionError:
                pass
        assert len(answers) <= GREETING and meeting.seats == {}


@pytest.mark.parametrize("at", [0, 20, GREETING + PROOF - 1, GREETING + PROOF + 5])
def test_a_driver_that_is_cut_off(at: int) -> None:
    """In the greeting, the proof, and the first message."""
    with Hub() as hub, in_the_middle(hub.address, to_caller=cut(at)) as middle:
        hub.begin(0, 1, Timeouts())
        with pytest.raises(GangError, match=r"not this gang's driver|can't be reached any more"):
            client = Client(middle.address, hub.secret, 0, 0)
            try:
                client.register(Member(0, "host", 1, "a"))
            finally:
                client.close()


def test_a_listener_in_the_drivers_place() -> None:
    """It says nothing, or garbage: ranks neither wait nor prove anything that is of use to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for said in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4):

            def serve(said: bytes = said) -> None:
                with listener.accept()[0] as caller, suppress(OSError):  # Which may have left.
                    caller.sendall(said)
                    caller.shutdown(socket.SHUT_WR)
                    caller.settimeout(20)
                    assert caller.recv(1) == b""

            thread = threading.Thread(target=serve)
            thread.start()
            with pytest.raises(GangError, match="is not this gang's driver"):
                Client(listener.getsockname()[:2], SECRET, 0, 0, connect_timeout=20)
            thread.join()


def test_the_driver_names_the_rank() -> None:
    def train(ctx: Any) -> None:
        ctx.barrier()
        if ctx.rank:
            ctx._client._link.socket.sendall(bytes(100))
        ctx.barrier()

    with pytest.raises(Tampered, match=r"the connection of rank 1 of 2 on \S+ came a message"):
        run_locally(2, train)


# --- Peers and the ring ---------------------------------------------------------------------------

OF_STREAM = ANSWER + HEAD + len('[1, "data"]') + CODE + HEAD  # Bytes before the first one's.


def by_way_of_somebody(of_hub: bool, **changes: Change) -> list[Any]:
    """What rank 0 gets from rank 1, which connects through a middle, and what that saw."""
    done = threading.Event()

    def live(ctx: Any) -> Any:
        peers = Peers(ctx)
        try:
            if ctx.rank == 0:
                ctx.barrier()
                with peers.accept(1, "data") as link, link.reader() as stream:
                    try:
                        return pa.ipc.open_stream(stream).read_all().to_pydict()
                    except (OSError, ChannelError, pa.ArrowInvalid) as error:
                        return peers.failed(1, error)
                    finally:
                        done.set()
            host, port = peers._places[0]
            # The same port: what is proved depends on it.
            with in_the_middle((host, port), "127.0.0.2", port, **changes) as middle:
                peers._places[0] = ("127.0.0.2", port)
                ctx.barrier()
                table = pa.table({"column": [f"value {number}" for number in range(1000)]})
                try:
                    with (
                        peers.connect(0, "data") as link,
                        link.writer() as stream,
                        pa.ipc.new_stream(stream, table.schema) as writer,
                    ):
                        writer.write_table(table)
                except (OSError, GangError):
                    pass
                assert done.wait(20)
                return bytes(middle.to_listener)
        finally:
            peers.close()

    return in_threads(2, live, encrypt=of_hub)


@MODES
def test_rows_between_ranks(encrypt: bool) -> None:
    rows, seen = by_way_of_somebody(encrypt)
    assert rows == {"column": [f"value {number}" for number in range(1000)]}
    assert (b"value 999" in seen) == (not encrypt)


@MODES
@pytest.mark.parametrize("at", [OF_STREAM - HEAD, OF_STREAM - 1, OF_STREAM, OF_STREAM + 9000])
def test_a_bit_flipped_between_ranks(at: int, encrypt: bool) -> None:
    error, _ = by_way_of_somebody(encrypt, to_listener=flip(at))
    assert isinstance(error, Tampered)
    assert "rank 0 to rank 1 on host1 came a message that the other side has not" in str(error)
    assert (error.rank, error.host) == (1, "host1")


@pytest.mark.parametrize("at", [OF_STREAM - 1, OF_STREAM + 3, OF_STREAM + 9000])
def test_rows_that_are_cut_off(at: int) -> None:
    error, _ = by_way_of_somebody(False, to_listener=cut(at))
    assert isinstance(error, PeerGone) and "lost rank 1 on host1" in str(error)


def test_a_flipped_bit_in_the_ring() -> None:
    def reduce(ctx: Any) -> None:
        ring, array = Ring(ctx), np.full(1_000_000, 1.0)
        ctx.barrier()
        if ctx.rank:
            ring._sender._link.socket.sendall(b"\0" * HEAD)
        try:
            ring.reduce(array, "sum")
        finally:
            ring.close()

    first, second = in_threads(2, reduce)
    assert isinstance(first, Tampered) and "rank 0 to rank 1 on host1" in str(first)
    assert isinstance(second, PeerGone)


def test_a_peers_listener_is_not_taken_for_another() -> None:
    """Who passes a rank's connection on to a different rank is found out."""

    def live(ctx: Any) -> Any:
        peers = Peers(ctx)
        try:
            if ctx.rank == 0:
                peers._places[1] = peers._places[2]
                with pytest.raises(PeerGone):
                    peers.connect(1, "data")
            ctx.barrier()
            return len(peers._arrived)
        finally:
            peers.close()

    assert in_threads(3, live) == [0, 0, 0]


def test_arrays_stay_out_of_gloo_where_spark_authenticates() -> None:
    def transports(ctx: Any) -> Any:
        api = ctx.backend("numpy")
        total = api.all_reduce(np.ones(3))
        return list(total), [kind.__name__ for kind in api._transports]

    assert in_threads(2, transports, strict=True) == [([2, 2, 2], ["Ring"])] * 2


# --- Spark's settings -----------------------------------------------------------------------------

PROGRAM = """
import sys
from pyspark.sql import SparkSession
from hydrofoil import gang
from hydrofoil.errors import UsageError

def train(ctx):
    import numpy as np
    return ctx.secret.encrypt, ctx.secret.strict, float(ctx.all_reduce(np.ones(100_000)).sum())

SparkSession.builder.getOrCreate()
print("GANG", list(gang.run(train, num_tasks=2)))
sys.modules["hydrofoil.gang.channel.aes"] = None
try:
    gang.run(train, num_tasks=2)
except UsageError as error:
    print("GANG", str(error).replace("\\n", " "))
"""


def test_gangs_are_encrypted_where_sparks_rpc_is(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="it is an extra")
    settings = {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
    }
    lines = [f"{key} {value}\n" for key, value in settings.items()]
    (tmp_path / "spark-defaults.conf").write_text("".join(lines))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "SPARK_CONF_DIR": str(tmp_path), "SPARK_LOCAL_IP": "127.0.0.1"},
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("GANG")]
    assert done.returncode == 0 and len(told) == 2, done.stdout + done.stderr[-5000:]
    assert told[0] == "GANG [(True, True, 200000.0), (True, True, 200000.0)]"
    assert f"Python on {socket.gethostname()} can't import" in told[1]
